//! The files that the pages load.

use std::sync::LazyLock;

use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderValue, VARY};

use super::compressed::{Compressed, accepts_gzip};
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

/// A file that is too large to keep as it is: `build.rs` compresses it.
macro_rules! compressed {
    ($name:literal, $type:expr) => {
        ($name, $type, include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")))
    };
}

const COMPRESSED_FILES: &[(&str, &str, &[u8])] =
    &[compressed!("swagger-ui.css", CSS), compressed!("swagger-ui-bundle.js", JS)];

const FILES: &[(&str, &str, &[u8])] = &[
    asset!("docs.css", CSS, "docs/docs.css"),
    asset!("docs.js", JS, "docs/docs.js"),
    asset!("hub.js", JS, "docs/hub.js"),
    asset!("debug.js", JS, "docs/debug.js"),
    asset!("favicon.svg", SVG, "docs/favicon.svg"),
];

/// The files with their tags, made once.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let plain =
        FILES.iter().map(|&(name, media_type, bytes)| (name, media_type, Form::Plain(Published::new(bytes))));
    let compressed = COMPRESSED_FILES
        .iter()
        .map(|&(name, media_type, bytes)| (name, media_type, Form::Compressed(Compressed::new(bytes))));
    let prepared =
        |(name, media_type, form)| Asset { name, media_type: HeaderValue::from_static(media_type), form };
    plain.chain(compressed).map(prepared).collect()
});

struct Asset {
    name: &'static str,
    media_type: HeaderValue,
    form: Form,
}

enum Form {
    Plain(Published),
    Compressed(Compressed),
}

pub(in crate::http) async fn get_docs_asset(_: Api, call: Call) -> Answer {
    let asked = call.parameter("file").unwrap_or_default();
    let Some(asset) = ASSETS.iter().find(|asset| asset.name.eq_ignore_ascii_case(asked)) else {
        return Err(Kind::NotFound(call.request.uri().to_string()).into());
    };
    let headers = call.request.headers();
    let with = |published: &Published| {
        let answer = respond::with_type(StatusCode::OK, asset.media_type.clone(), published.body.clone());
        conditional::tagged(headers, &published.etag, answer)
    };
    let compressed = match &asset.form {
        Form::Plain(plain) => return Ok(with(plain)),
        Form::Compressed(compressed) => compressed,
    };
    let is_gzip = accepts_gzip(headers);
    let mut answer = with(if is_gzip { compressed.gzip() } else { compressed.plain() });
    answer.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_gzip {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}
