//! `GET /`: the list of endpoints for programs, and a page for browsers.

use http::StatusCode;
use http::header::{HeaderValue, VARY};
use serde_json::json;

use crate::http::docs::{HubPath, accepts_html, hub_page};
use crate::http::{Answer, Api, Call, VERSION, respond};

pub(in crate::http) async fn get_root(api: Api, call: Call) -> Answer {
    let mut response = match accepts_html(call.request.headers()) {
        true => hub_page(&api, HubPath::Root),
        false => endpoints(&api)?,
    };
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// The JSON of the original.
fn endpoints(api: &Api) -> Answer {
    let body = json!({
        "success": true,
        "message": "JWT Generator API",
        "version": VERSION,
        "database_connected": api.health.is_database_connected(),
        "endpoints": {
            "auth": {
                "register": "POST /api/auth/register",
                "login": "POST /api/auth/login",
                "profile": "GET /api/auth/profile",
                "refresh": "POST /api/auth/refresh",
                "validate": "POST /api/auth/validate"
            },
            "token": {
                "generate": "POST /api/token/generate",
                "validate": "POST /api/token/validate"
            },
            "jwks": {
                "jwks": "GET /api/jwks",
                "well_known": "GET /.well-known/jwks.json",
                "public_key": "GET /api/public-key",
                "key_info": "GET /api/key-info"
            },
            "docs": {
                "hub": "GET /api/docs/",
                "swagger_ui": "GET /api/docs/docs",
                "openapi_json": "GET /api/docs/openapi.json",
                "openapi_yaml": "GET /api/docs/openapi.yaml"
            },
            "health": "GET /health"
        },
        "documentation": {
            "description": "Issues, publishes and checks JSON Web Tokens",
            "usage": {
                "generate_demo_token": "POST /api/token/generate with {\"username\": \"…\", \"email\": \"…\"}",
                "validate_token": "POST /api/token/validate with {\"token\": \"…\"}, or an Authorization: Bearer header",
                "verify_elsewhere": "Fetch GET /api/jwks and check signature, iss, aud and exp with any JOSE library"
            }
        }
    });
    respond::json(StatusCode::OK, &body)
}
