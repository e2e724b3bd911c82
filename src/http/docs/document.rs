//! `openapi.yaml` as YAML and as JSON, with `servers` naming this server.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use http::StatusCode;

use crate::http::{Api, conditional, respond};
use crate::keys::Published;

/// The document as it was written.
pub const OPENAPI_YAML: &str = include_str!("../../../openapi.yaml");
/// The same, turned to JSON when this program was built.
pub const OPENAPI_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

const MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const YAML_TYPE: HeaderValue = HeaderValue::from_static("application/yaml; charset=utf-8");

pub(in crate::http) async fn get_openapi_yaml(State(api): State<Api>, headers: HeaderMap) -> Response {
    let yaml = with_server(OPENAPI_YAML, "  - url: /\n", &|url| format!("  - url: {url}\n"), &api);
    let yaml = Published::new(yaml);
    let answer = respond::with_type(StatusCode::OK, YAML_TYPE, yaml.body.clone());
    conditional::cached(&headers, &yaml.etag, MAX_AGE, answer)
}

pub(in crate::http) async fn get_openapi_json(State(api): State<Api>, headers: HeaderMap) -> Response {
    let json = Published::new(json(&api));
    conditional::cached(&headers, &json.etag, MAX_AGE, respond::json_bytes(json.body.clone()))
}

/// The JSON document for this server.
pub(super) fn json(api: &Api) -> Bytes {
    with_server(OPENAPI_JSON, r#""url":"/""#, &|url| format!(r#""url":"{url}""#), api)
}

/// Where no public address is set, the server is where the document came from: `/`.
fn with_server(document: &'static str, root: &str, server: &dyn Fn(&str) -> String, api: &Api) -> Bytes {
    match &api.settings.public_url {
        Some(url) => document.replacen(root, &server(url), 1).into(),
        None => document.into(),
    }
}
