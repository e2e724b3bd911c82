//! `openapi.yaml` as YAML and as JSON, with `servers` naming this server.

use std::sync::OnceLock;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;

use super::compressed::decompressed;
use crate::http::{Answer, Api, Call, conditional, respond};
use crate::keys::Published;

const YAML: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.yaml.gz"));
const JSON: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

const DOCS_INLINE: &str = include_str!("../../../web/docs/docs-inline.html");
const YAML_TYPE: HeaderValue = HeaderValue::from_static("application/yaml; charset=utf-8");

/// The document as it was written.
pub fn openapi_yaml() -> String {
    text(YAML)
}

/// The same document in JSON, converted when this program was built.
pub fn openapi_json() -> String {
    text(JSON)
}

fn text(gzip: &[u8]) -> String {
    String::from_utf8(decompressed(gzip)).unwrap_or_default()
}

/// The document for one server, prepared for the first client that asks for it: a start takes no time for it.
pub(in crate::http) struct Documents {
    public_url: Option<String>,
    prepared: OnceLock<Prepared>,
}

/// The document in its forms.
pub(super) struct Prepared {
    yaml: Published,
    json: Published,
    pub(super) inline_page: Bytes,
}

impl Documents {
    /// If no public address is set, the server is the one that the document came from: `/`.
    pub(in crate::http) fn new(public_url: Option<&str>) -> Self {
        Self { public_url: public_url.map(str::to_owned), prepared: OnceLock::new() }
    }

    pub(super) fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(self.public_url.as_deref()))
    }
}

impl Prepared {
    fn new(public_url: Option<&str>) -> Self {
        let (mut yaml, mut json) = (openapi_yaml(), openapi_json());
        if let Some(url) = public_url {
            yaml = yaml.replacen("  - url: /\n", &format!("  - url: {url}\n"), 1);
            json = json.replacen(r#""url":"/""#, &format!(r#""url":"{url}""#), 1);
        }
        let inline_page = DOCS_INLINE.replacen("{{openapi}}", &json.replace('<', "\\u003c"), 1).into();
        Self { yaml: Published::new(yaml), json: Published::new(json), inline_page }
    }
}

pub(in crate::http) async fn get_openapi_yaml(api: Api, call: Call) -> Answer {
    let yaml = &api.documents().prepared().yaml;
    let answer = respond::with_type(StatusCode::OK, YAML_TYPE, Bytes::clone(&yaml.body));
    Ok(conditional::tagged(call.request.headers(), &yaml.etag, answer))
}

pub(in crate::http) async fn get_openapi_json(api: Api, call: Call) -> Answer {
    let json = &api.documents().prepared().json;
    let answer = respond::json_bytes(Bytes::clone(&json.body));
    Ok(conditional::tagged(call.request.headers(), &json.etag, answer))
}
