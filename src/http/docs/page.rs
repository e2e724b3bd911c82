//! The pages. Their policy lets them load from this server and from nowhere else.

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, LOCATION, VARY};
use serde_json::json;

use crate::http::{Answer, Api, Call, Response, VERSION, respond};

const HUB: &str = include_str!("../../../web/docs/hub.html");
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

pub(in crate::http) async fn get_docs_debug_page(_: Api, _: Call) -> Answer {
    Ok(page(DEBUG.into()))
}

/// Swagger UI with the document inside the page, for where a second request is in the way.
pub(in crate::http) async fn get_docs_inline_page(api: Api, _: Call) -> Answer {
    Ok(page(Bytes::clone(&api.documents().inline_page)))
}

/// A page for a browser, and the original's JSON for anything else.
pub(in crate::http) async fn get_docs(api: Api, call: Call) -> Answer {
    let mut response = match accepts_html(call.request.headers()) {
        true if call.request.uri().path().ends_with('/') => page(HUB.into()),
        // The page's links are relative, so that it works behind any prefix, and lead astray without the slash.
        true => redirect("docs/"),
        false => hub(api.settings.public_url.as_deref().unwrap_or("http://localhost:3000"))?,
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

fn accepts_html(headers: &HeaderMap) -> bool {
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

fn page(html: Bytes) -> Response {
    let mut response = respond::with_type(StatusCode::OK, HTML, html);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
