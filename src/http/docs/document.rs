//! `openapi.yaml` as YAML and as JSON, with `servers` naming this server.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;

use crate::http::{Answer, Api, Call, conditional, respond};
use crate::keys::Published;

/// The document as it was written.
pub const OPENAPI_YAML: &str = include_str!("../../../openapi.yaml");
/// The same document in JSON, converted when this program was built.
pub const OPENAPI_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

const DOCS_INLINE: &str = include_str!("../../../web/docs/docs-inline.html");
const YAML_TYPE: HeaderValue = HeaderValue::from_static("application/yaml; charset=utf-8");

/// The document for one server, prepared once.
pub(in crate::http) struct Documents {
    yaml: Published,
    json: Published,
    pub(super) inline_page: Bytes,
}

impl Documents {
    /// If no public address is set, the server is the one that the document came from: `/`.
    pub(in crate::http) fn new(public_url: Option<&str>) -> Self {
        let (mut yaml, mut json) = (Cow::Borrowed(OPENAPI_YAML), Cow::Borrowed(OPENAPI_JSON));
        if let Some(url) = public_url {
            yaml = yaml.replacen("  - url: /\n", &format!("  - url: {url}\n"), 1).into();
            json = json.replacen(r#""url":"/""#, &format!(r#""url":"{url}""#), 1).into();
        }
        let inline_page = DOCS_INLINE.replacen("{{openapi}}", &json.replace('<', "\\u003c"), 1).into();
        Self { yaml: Published::new(bytes(yaml)), json: Published::new(bytes(json)), inline_page }
    }
}

fn bytes(text: Cow<'static, str>) -> Bytes {
    match text {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => text.into(),
    }
}

pub(in crate::http) async fn get_openapi_yaml(api: Api, call: Call) -> Answer {
    let yaml = &api.documents().yaml;
    let answer = respond::with_type(StatusCode::OK, YAML_TYPE, Bytes::clone(&yaml.body));
    Ok(conditional::tagged(call.request.headers(), &yaml.etag, answer))
}

pub(in crate::http) async fn get_openapi_json(api: Api, call: Call) -> Answer {
    let json = &api.documents().json;
    let answer = respond::json_bytes(Bytes::clone(&json.body));
    Ok(conditional::tagged(call.request.headers(), &json.etag, answer))
}
