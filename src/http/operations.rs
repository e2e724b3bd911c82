//! The table of all operations, in the order of `docs/api.md`.

use http::Method;

use super::dialect::Dialect;
use super::operation::Auth::{self, Ignored, Optional, Required};
use super::operation::Cache::{self, Hour, KeySet, Minute, NoStore, Revalidate, Unsaid};
use super::operation::Origins::{self, All, Listed};
use super::operation::{Handler, Operation};
use super::{api, docs, probes, well_known};
use crate::limits::Group::{Generate, Login, Profile, Refresh, Register, Validate};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

/// Every operation.
pub fn operations() -> &'static [Operation] {
    OPERATIONS
}

macro_rules! run {
    ($handler:path) => {
        |state, call| Box::pin($handler(state, call))
    };
}

#[rustfmt::skip]
static OPERATIONS: &[Operation] = &numbered([
    op(GET, "/", "get_root", Listed, Unsaid, Ignored, run!(api::get_root)),
    op(GET, "/health", "get_health", Listed, NoStore, Ignored, run!(api::get_health)),
    op(GET, "/livez", "get_livez", Listed, NoStore, Ignored, run!(probes::get_livez)),
    op(GET, "/startupz", "get_startupz", Listed, NoStore, Ignored, run!(probes::get_startupz)),
    op(GET, "/readyz", "get_readyz", Listed, NoStore, Ignored, run!(probes::get_readyz)),
    op(POST, "/api/token/generate", "generate_token", Listed, NoStore, Ignored, run!(api::generate_token)).limited(Generate),
    op(POST, "/token/generate", "generate_token_alias", Listed, NoStore, Ignored, run!(api::generate_token)).limited(Generate),
    op(POST, "/api/token/validate", "validate_token", Listed, NoStore, Optional, run!(api::validate_token)).limited(Validate),
    op(POST, "/token/validate", "validate_token_alias", Listed, NoStore, Optional, run!(api::validate_token)).limited(Validate),
    op(POST, "/api/auth/validate", "validate_auth_token", Listed, NoStore, Optional, run!(api::validate_token)).limited(Validate),
    op(POST, "/api/auth/register", "register_user", Listed, NoStore, Ignored, run!(api::register_user)).limited(Register),
    op(POST, "/api/auth/login", "login_user", Listed, NoStore, Ignored, run!(api::login_user)).limited(Login),
    op(POST, "/api/auth/refresh", "refresh_token", Listed, NoStore, Required, run!(api::refresh_token)).limited(Refresh),
    op(GET, "/api/auth/profile", "get_profile", Listed, NoStore, Required, run!(api::get_profile)).limited(Profile),
    op(GET, "/api/jwks", "get_jwks", All, KeySet, Ignored, run!(well_known::get_jwks)),
    op(GET, "/api/jwks.json", "get_jwks_json", All, KeySet, Ignored, run!(well_known::get_jwks)),
    op(GET, "/api/.well-known/jwks.json", "get_jwks_well_known_api", All, KeySet, Ignored, run!(well_known::get_jwks)),
    op(GET, "/.well-known/jwks.json", "get_jwks_well_known", All, KeySet, Ignored, run!(well_known::get_jwks)),
    op(GET, "/api/jwks/post-quantum", "get_post_quantum_jwks", All, KeySet, Ignored, run!(well_known::get_post_quantum_jwks)),
    op(GET, "/api/public-key", "get_public_key", All, KeySet, Ignored, run!(well_known::get_public_key)),
    op(GET, "/api/public-key.pem", "get_public_key_pem", All, KeySet, Ignored, run!(well_known::get_public_key)),
    op(GET, "/api/key-info", "get_key_info", Listed, Minute, Ignored, run!(well_known::get_key_info)),
    op(GET, "/api/docs/", "get_docs", Listed, Revalidate, Ignored, run!(docs::get_docs)),
    op(GET, "/api/docs/docs", "get_docs_page", Listed, Revalidate, Ignored, run!(docs::get_docs_page)),
    op(GET, "/api/docs/docs-inline", "get_docs_inline_page", Listed, Revalidate, Ignored, run!(docs::get_docs_inline_page)),
    op(GET, "/api/docs/debug", "get_docs_debug_page", Listed, Revalidate, Ignored, run!(docs::get_docs_debug_page)),
    op(GET, "/api/docs/openapi.json", "get_openapi_json", Listed, Hour, Ignored, run!(docs::get_openapi_json)),
    op(GET, "/api/docs/openapi.yaml", "get_openapi_yaml", Listed, Hour, Ignored, run!(docs::get_openapi_yaml)),
    op(GET, "/api/docs/assets/{file}", "get_docs_asset", Listed, Hour, Ignored, run!(docs::get_docs_asset)),
]);

const fn op(
    method: Method,
    path: &'static str,
    id: &'static str,
    origins: Origins,
    cache: Cache,
    auth: Auth,
    handler: Handler,
) -> Operation {
    Operation {
        id,
        method,
        path,
        dialect: Dialect::Api,
        origins,
        cache,
        auth,
        limit: None,
        number: 0,
        handler,
    }
}

/// The same operations, each with its place in the table.
const fn numbered<const N: usize>(mut operations: [Operation; N]) -> [Operation; N] {
    let mut number = 0;
    while number < N {
        operations[number].number = number;
        number += 1;
    }
    operations
}
