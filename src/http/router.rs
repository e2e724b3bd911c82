//! Which method on which path is which operation of `openapi.yaml`; a test holds the two lists together.

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};

use super::error::ApiError;
use super::http_service::AsAsked;
use super::{Api, api, docs, probes, well_known};

struct Route {
    method: &'static str,
    path: &'static str,
    operation_id: &'static str,
    handler: fn() -> MethodRouter<Api>,
}

const fn on_get(path: &'static str, operation_id: &'static str, handler: fn() -> MethodRouter<Api>) -> Route {
    Route { method: "get", path, operation_id, handler }
}

const fn on_post(
    path: &'static str,
    operation_id: &'static str,
    handler: fn() -> MethodRouter<Api>,
) -> Route {
    Route { method: "post", path, operation_id, handler }
}

const ROUTES: &[Route] = &[
    on_get("/", "get_root", || get(api::get_root)),
    on_get("/health", "get_health", || get(api::get_health)),
    on_get("/startupz", "get_startupz", || get(probes::get_startupz)),
    on_get("/readyz", "get_readyz", || get(probes::get_readyz)),
    on_post("/api/token/generate", "generate_token", || post(api::generate_token)),
    on_post("/token/generate", "generate_token_alias", || post(api::generate_token)),
    on_post("/api/token/validate", "validate_token", || post(api::validate_token)),
    on_post("/token/validate", "validate_token_alias", || post(api::validate_token)),
    on_post("/api/auth/validate", "validate_auth_token", || post(api::validate_token)),
    on_post("/api/auth/register", "register_user", || post(api::register_user)),
    on_post("/api/auth/login", "login_user", || post(api::login_user)),
    on_post("/api/auth/refresh", "refresh_token", || post(api::refresh_token)),
    on_get("/api/auth/profile", "get_profile", || get(api::get_profile)),
    on_get("/api/jwks", "get_jwks", || get(well_known::get_jwks)),
    on_get("/api/jwks.json", "get_jwks_json", || get(well_known::get_jwks)),
    on_get("/api/.well-known/jwks.json", "get_jwks_well_known_api", || get(well_known::get_jwks)),
    on_get("/.well-known/jwks.json", "get_jwks_well_known", || get(well_known::get_jwks)),
    on_get("/api/jwks/post-quantum", "get_post_quantum_jwks", || get(well_known::get_post_quantum_jwks)),
    on_get("/api/public-key", "get_public_key", || get(well_known::get_public_key)),
    on_get("/api/public-key.pem", "get_public_key_pem", || get(well_known::get_public_key)),
    on_get("/api/key-info", "get_key_info", || get(well_known::get_key_info)),
    on_get("/api/docs/", "get_docs", || get(docs::get_docs)),
    on_get("/api/docs/docs", "get_docs_page", || get(docs::get_docs_page)),
    on_get("/api/docs/docs-inline", "get_docs_inline_page", || get(docs::get_docs_inline_page)),
    on_get("/api/docs/debug", "get_docs_debug_page", || get(docs::get_docs_debug_page)),
    on_get("/api/docs/openapi.json", "get_openapi_json", || get(docs::get_openapi_json)),
    on_get("/api/docs/openapi.yaml", "get_openapi_yaml", || get(docs::get_openapi_yaml)),
    on_get("/api/docs/assets/{file}", "get_docs_asset", || get(docs::get_docs_asset)),
];

/// Every operation: its method in lower case, its path and its `operationId`.
pub fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ROUTES.iter().map(|route| (route.method, route.path, route.operation_id))
}

/// The endpoints. Paths are spelled as [`super::path`] spells them: without a slash at the end.
pub fn router(api: Api) -> Router {
    let routed = ROUTES.iter().fold(Router::new(), |router, route| {
        router.route(&super::path::canonical(route.path), (route.handler)())
    });
    routed.method_not_allowed_fallback(method_not_allowed).fallback(not_found).with_state(api)
}

async fn not_found(request: Request) -> impl IntoResponse {
    let uri = request.extensions().get::<AsAsked>().map(|as_asked| as_asked.0.clone());
    ApiError::not_found(&uri.unwrap_or_else(|| request.uri().to_string()))
}

async fn method_not_allowed(request: Request) -> impl IntoResponse {
    ApiError::method(request.method(), request.uri().path())
}
