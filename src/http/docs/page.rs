//! The pages. Their policy allows them to load from this server only.

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, LOCATION, VARY};
use serde_json::json;

use super::hub::{HubPath, hub_page, key_set_max_age};
use crate::http::{Answer, Api, Call, Response, VERSION, respond};

const DOCS: &str = include_str!("../../../web/docs/docs.html");
const DEBUG: &str = include_str!("../../../web/docs/debug.html");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
);

pub(in crate::http) async fn get_docs_page(_: Api, _: Call) -> Answer {
    Ok(page(DOCS.into()))
}

/// Checks that run in the browser. One compares the age of the key set with the one that this server states.
pub(in crate::http) async fn get_docs_debug_page(api: Api, _: Call) -> Answer {
    let max_age = key_set_max_age(&api).map_or_else(String::new, |secs| secs.to_string());
    Ok(page(DEBUG.replacen("{{max-age}}", &max_age, 1).into()))
}

/// Swagger UI with the document inside the page, which saves a second request.
pub(in crate::http) async fn get_docs_inline_page(api: Api, _: Call) -> Answer {
    Ok(page(Bytes::clone(&api.documents().prepared().inline_page)))
}

/// A page for a browser, and the JSON of the original for programs.
pub(in crate::http) async fn get_docs(api: Api, call: Call) -> Answer {
    let mut response = match accepts_html(call.request.headers()) {
        true if call.request.uri().path().ends_with('/') => hub_page(&api, HubPath::Docs),
        // The links of the page are relative, so that they work behind any prefix. They need the slash.
        true => redirect("docs/"),
        false => hub(super::server_address(&api))?,
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// Whether the caller is a browser that wants a page. `*/*` wants JSON.
pub(in crate::http) fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}

fn hub(url: &str) -> Answer {
    let body = json!({
        "success": true,
        "message": "JWT Generator API Documentation",
        "version": VERSION,
        "documentation": {
            "swagger_ui": "/api/docs/docs",
            "swagger_ui_inline": "/api/docs/docs-inline",
            "openapi_json": "/api/docs/openapi.json",
            "openapi_yaml": "/api/docs/openapi.yaml",
            "debug": "/api/docs/debug"
        },
        "aws_api_gateway": {
            "compatible": true,
            "import": "aws apigateway import-rest-api --body fileb://openapi.yaml",
            "stage_variable": "backend_url"
        },
        "quick_start": {
            "generate_token": format!("curl -X POST {url}/api/token/generate"),
            "jwks": format!("curl {url}/api/jwks"),
            "health": format!("curl {url}/health")
        }
    });
    respond::json(StatusCode::OK, &body)
}

fn redirect(location: &'static str) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

pub(super) fn page(html: Bytes) -> Response {
    let mut response = respond::with_type(StatusCode::OK, HTML, html);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
