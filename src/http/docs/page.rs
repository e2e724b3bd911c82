//! The pages. Their policy allows them to load from this server only.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, LOCATION, VARY};
use serde_json::json;

use super::hub::{HubPath, hub_page, key_set_max_age};
use crate::http::http_service::AsAsked;
use crate::http::{Api, VERSION, respond};

const DOCS: &str = include_str!("../../../web/docs/docs.html");
const DEBUG: &str = include_str!("../../../web/docs/debug.html");

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
);

pub(in crate::http) async fn get_docs_page() -> Response {
    page(DOCS.into())
}

/// Checks that run in the browser. One compares the age of the key set with the one that this server states.
pub(in crate::http) async fn get_docs_debug_page(State(api): State<Api>) -> Response {
    let max_age = key_set_max_age(&api).map_or_else(String::new, |secs| secs.to_string());
    page(DEBUG.replacen("{{max-age}}", &max_age, 1).into())
}

/// Swagger UI with the document inside the page, which saves a second request.
pub(in crate::http) async fn get_docs_inline_page(State(api): State<Api>) -> Response {
    page(Bytes::clone(&api.documents().inline_page))
}

/// A page for a browser, and the JSON of the original for programs.
pub(in crate::http) async fn get_docs(State(api): State<Api>, request: Request) -> Response {
    let with_slash = |asked: &AsAsked| asked.0.split('?').next().is_some_and(|path| path.ends_with('/'));
    let with_slash = request.extensions().get::<AsAsked>().is_some_and(with_slash);
    let mut response = match accepts_html(request.headers()) {
        true if with_slash => hub_page(&api, HubPath::Docs),
        // The links of the page are relative, so that they work behind any prefix. They need the slash.
        true => redirect("docs/"),
        false => hub(super::server_address(&api)),
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response
}

/// Whether the caller is a browser that wants a page. `*/*` wants JSON.
pub(in crate::http) fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}

fn hub(url: &str) -> Response {
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
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
    response
}

pub(super) fn page(html: Bytes) -> Response {
    let mut response = respond::with_type(StatusCode::OK, HTML, html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
