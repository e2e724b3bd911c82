//! The pages. Their policy lets them load from this server and from nowhere else.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, VARY};
use http::StatusCode;
use serde_json::json;

use super::document;
use crate::http::{Api, VERSION, respond};

const HUB: &str = include_str!("../../../web/docs/hub.html");
const DOCS: &str = include_str!("../../../web/docs/docs.html");
const DOCS_INLINE: &str = include_str!("../../../web/docs/docs-inline.html");
const DEBUG: &str = include_str!("../../../web/docs/debug.html");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
);

pub(in crate::http) async fn get_docs_page() -> Response {
    page(DOCS.into())
}

pub(in crate::http) async fn get_docs_debug_page() -> Response {
    page(DEBUG.into())
}

/// Swagger UI with the document inside the page, for where a second request is in the way.
pub(in crate::http) async fn get_docs_inline_page(State(api): State<Api>) -> Response {
    let document = document::json(&api);
    let document = String::from_utf8_lossy(&document).replace('<', "\\u003c");
    page(DOCS_INLINE.replacen("{{openapi}}", &document, 1).into())
}

/// A page for a browser, and the original's JSON for anything else.
pub(in crate::http) async fn get_docs(headers: HeaderMap) -> Response {
    let mut response = if accepts_html(&headers) { page(HUB.into()) } else { hub() };
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}

fn hub() -> Response {
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
            "generate_token": "curl -X POST http://localhost:3000/api/token/generate",
            "jwks": "curl http://localhost:3000/api/jwks",
            "health": "curl http://localhost:3000/health"
        }
    });
    respond::json(StatusCode::OK, &body)
}

fn page(html: Bytes) -> Response {
    let mut response = respond::with_type(StatusCode::OK, HTML, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
