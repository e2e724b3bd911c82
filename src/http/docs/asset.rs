//! The files that the pages load.

use std::sync::LazyLock;

use http::StatusCode;
use http::header::HeaderValue;

use crate::http::refusal::Kind;
use crate::http::{Answer, Api, Call, conditional, respond};
use crate::keys::Published;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($name:literal, $type:expr, $path:literal) => {
        ($name, $type, include_bytes!(concat!("../../../web/", $path)))
    };
}

const FILES: &[(&str, &str, &[u8])] = &[
    asset!("swagger-ui.css", CSS, "swagger-ui/swagger-ui.css"),
    asset!("swagger-ui-bundle.js", JS, "swagger-ui/swagger-ui-bundle.js"),
    asset!("docs.css", CSS, "docs/docs.css"),
    asset!("docs.js", JS, "docs/docs.js"),
    asset!("hub.js", JS, "docs/hub.js"),
    asset!("debug.js", JS, "docs/debug.js"),
    asset!("favicon.svg", SVG, "docs/favicon.svg"),
];

/// The files with their tags, made once.
static ASSETS: LazyLock<Vec<(&str, HeaderValue, Published)>> = LazyLock::new(|| {
    let prepared = |&(name, content_type, bytes): &(&'static str, &'static str, &'static [u8])| {
        (name, HeaderValue::from_static(content_type), Published::new(bytes))
    };
    FILES.iter().map(prepared).collect()
});

pub(in crate::http) async fn get_docs_asset(_: Api, call: Call) -> Answer {
    let asked = call.parameter("file").unwrap_or_default();
    let Some((_, content_type, asset)) = ASSETS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(asked))
    else {
        return Err(Kind::NotFound(call.request.uri().to_string()).into());
    };
    let answer = respond::with_type(StatusCode::OK, content_type.clone(), asset.body.clone());
    Ok(conditional::tagged(call.request.headers(), &asset.etag, answer))
}
