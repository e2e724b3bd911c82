//! The table of all operations, in the order of `docs/api.md`.

use http::Method;

use super::dialect::Dialect;
use super::operation::Auth::{self, Client, Ignored, Optional, OptionalClient, Required};
use super::operation::Cache::{self, Hour, KeySet, Minute, NoStore, Revalidate, StatusList, Unsaid};
use super::operation::Origins::{self, All, Listed, Nowhere};
use super::operation::{Handler, Operation};
use super::{api, docs, oauth, pages, probes, well_known};
use crate::limits::Group::{
    Authorize, Generate, Introspect, Login, OAuthToken, Profile, Refresh, Register, Revoke, Userinfo,
    Validate,
};

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
    op(POST, "/api/token/generate", "generate_token", Listed, NoStore, OptionalClient, run!(api::generate_token)).limited(Generate),
    op(POST, "/token/generate", "generate_token_alias", Listed, NoStore, OptionalClient, run!(api::generate_token)).limited(Generate),
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
    op(GET, "/.well-known/openid-configuration", "get_openid_configuration", All, Hour, Ignored, run!(oauth::get_discovery)),
    op(GET, "/.well-known/oauth-authorization-server", "get_oauth_server_metadata", All, Hour, Ignored, run!(oauth::get_discovery)),
    op(POST, "/oauth/token", "issue_oauth_tokens", All, NoStore, Client, run!(oauth::issue_tokens)).in_dialect(Dialect::OAuth).limited(OAuthToken),
    op(POST, "/oauth/introspect", "introspect_token", Nowhere, NoStore, Client, run!(oauth::introspect_token)).in_dialect(Dialect::OAuth).limited(Introspect),
    op(POST, "/oauth/revoke", "revoke_token", All, NoStore, Client, run!(oauth::revoke_token)).in_dialect(Dialect::OAuth).limited(Revoke),
    op(GET, "/oauth/status-lists", "get_status_lists", All, StatusList, Ignored, run!(oauth::get_status_lists)).in_dialect(Dialect::OAuth),
    op(GET, "/oauth/status-lists/{number}", "get_status_list", All, StatusList, Ignored, run!(oauth::get_status_list)).in_dialect(Dialect::OAuth),
    op(GET, "/oauth/userinfo", "get_userinfo", All, NoStore, Required, run!(oauth::get_userinfo)).in_dialect(Dialect::OAuth).limited(Userinfo),
    op(POST, "/oauth/userinfo", "post_userinfo", All, NoStore, Optional, run!(oauth::post_userinfo)).in_dialect(Dialect::OAuth).limited(Userinfo),
    page(GET, "/oauth/authorize", "authorize", NoStore, run!(pages::authorize)).limited(Authorize),
    page(POST, "/oauth/authorize", "authorize_by_post", NoStore, run!(pages::authorize_by_post)).limited(Authorize),
    page(GET, "/oauth/continue", "continue_authorization", NoStore, run!(pages::continue_authorization)).limited(Authorize),
    page(GET, "/oauth/login", "get_log_in_page", NoStore, run!(pages::get_log_in_page)).limited(Authorize),
    page(POST, "/oauth/login", "log_in_on_page", NoStore, run!(pages::log_in_on_page)).limited(Login),
    page(GET, "/oauth/register", "get_registration_page", NoStore, run!(pages::get_registration_page)).limited(Authorize),
    page(POST, "/oauth/register", "register_on_page", NoStore, run!(pages::register_on_page)).limited(Register),
    page(GET, "/oauth/choose", "get_account_choice_page", NoStore, run!(pages::get_account_choice_page)).limited(Authorize),
    page(POST, "/oauth/choose", "choose_account", NoStore, run!(pages::choose_account)).limited(Authorize),
    page(GET, "/oauth/consent", "get_consent_page", NoStore, run!(pages::get_consent_page)).limited(Authorize),
    page(POST, "/oauth/consent", "answer_consent", NoStore, run!(pages::answer_consent)).limited(Authorize),
    page(GET, "/oauth/logout", "log_out", NoStore, run!(pages::log_out)).limited(Authorize),
    page(POST, "/oauth/logout", "log_out_by_post", NoStore, run!(pages::log_out_by_post)).limited(Authorize),
    page(POST, "/oauth/logout/confirm", "answer_log_out", NoStore, run!(pages::answer_log_out)).limited(Authorize),
    page(GET, "/oauth/assets/{file}", "get_page_asset", Hour, run!(pages::get_page_asset)),
    page(GET, "/account", "get_account_page", NoStore, run!(pages::get_account_page)).limited(Authorize),
    page(POST, "/account/sessions/end", "end_session_on_page", NoStore, run!(pages::end_session_on_page)).limited(Authorize),
    page(POST, "/account/consents/withdraw", "withdraw_consent", NoStore, run!(pages::withdraw_consent)).limited(Authorize),
    page(POST, "/account/password", "change_password", NoStore, run!(pages::change_password)).limited(Login),
    op(GET, "/api/key-info", "get_key_info", Listed, Minute, Ignored, run!(well_known::get_key_info)),
    op(GET, "/api/docs/", "get_docs", Listed, Revalidate, Ignored, run!(docs::get_docs)),
    op(GET, "/api/docs/docs", "get_docs_page", Listed, Revalidate, Ignored, run!(docs::get_docs_page)),
    op(GET, "/api/docs/docs-inline", "get_docs_inline_page", Listed, Revalidate, Ignored, run!(docs::get_docs_inline_page)),
    op(GET, "/api/docs/debug", "get_docs_debug_page", Listed, Revalidate, Ignored, run!(docs::get_docs_debug_page)),
    op(GET, "/api/docs/openapi.json", "get_openapi_json", Listed, Hour, Ignored, run!(docs::get_openapi_json)),
    op(GET, "/api/docs/openapi.yaml", "get_openapi_yaml", Listed, Hour, Ignored, run!(docs::get_openapi_yaml)),
    op(GET, "/api/docs/assets/{file}", "get_docs_asset", Listed, Hour, Ignored, run!(docs::get_docs_asset)),
]);

/// A page: a bearer token opens none, and no other origin may read one (RFC 9700 §2.6).
const fn page(
    method: Method,
    path: &'static str,
    id: &'static str,
    cache: Cache,
    handler: Handler,
) -> Operation {
    op(method, path, id, Nowhere, cache, Ignored, handler).in_dialect(Dialect::Page)
}

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
