//! The discovery document (RFC 8414 §2, OpenID Connect Discovery §3). It lists only what is switched on.

use jose::Algorithm;
use serde::Serialize;

use super::authorization_request::PASSWORD_ACR;
use super::status_lists::aggregation_uri;
use super::token_endpoint::GRANTS;
use super::{Issuer, claims};
use crate::domain::GrantType;
use crate::keys::Published;

/// The document. The names are those of the registry of RFC 8414 §7.1.
#[derive(Debug, Serialize)]
struct Document<'a> {
    issuer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<String>,
    jwks_uri: String,
    status_list_aggregation_endpoint: String,
    grant_types_supported: &'a [GrantType],
    response_types_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    response_modes_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    claims_supported: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    code_challenge_methods_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    prompt_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    acr_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ui_locales_supported: &'a [&'a str],
    subject_types_supported: &'a [&'a str],
    token_endpoint_auth_methods_supported: &'a [&'a str],
    token_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    introspection_endpoint_auth_methods_supported: &'a [&'a str],
    introspection_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    introspection_signing_alg_values_supported: &'a [&'a str],
    revocation_endpoint_auth_methods_supported: &'a [&'a str],
    revocation_endpoint_auth_signing_alg_values_supported: &'a [&'a str],
    id_token_signing_alg_values_supported: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    userinfo_signing_alg_values_supported: &'a [&'a str],
    authorization_response_iss_parameter_supported: bool,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

const CONFIDENTIAL: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt"];
const WITH_PUBLIC: &[&str] = &["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
/// The algorithms of client assertions.
const ASSERTIONS: &[&str] = &["RS256", "PS256", "ES256", "EdDSA"];
const SCOPES: &[&str] = &["openid", "profile", "email", "address", "phone", "offline_access"];
/// The claims of id tokens that are not about the user; the names of those are added.
const CLAIMS: &[&str] =
    &["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"];
const PROMPTS: &[&str] = &["none", "login", "consent", "select_account"];
const LOCALES: &[&str] = &["en", "de", "fr", "es", "ja"];

/// The document of a service that signs with these algorithms. Post-quantum ones are experimental and not listed.
pub(super) fn document(issuer: &Issuer, algorithms: &[Algorithm]) -> Published {
    let signing: Vec<_> =
        algorithms.iter().filter(|one| !one.is_post_quantum()).map(|algorithm| algorithm.name()).collect();
    let code = GRANTS.contains(&GrantType::AuthorizationCode);
    let of_code = |values: &'static [&'static str]| if code { values } else { &[] };
    let about_users = claims::names().filter(|_| code);
    let for_browsers = |path: &str| code.then(|| issuer.url(path));
    // Tokens are revoked by public clients as well.
    let all = if code { WITH_PUBLIC } else { CONFIDENTIAL };
    let document = Document {
        issuer: issuer.as_str(),
        authorization_endpoint: for_browsers("/oauth/authorize"),
        token_endpoint: issuer.internal_url("/oauth/token"),
        introspection_endpoint: issuer.internal_url("/oauth/introspect"),
        revocation_endpoint: issuer.internal_url("/oauth/revoke"),
        userinfo_endpoint: code.then(|| issuer.internal_url("/oauth/userinfo")),
        end_session_endpoint: for_browsers("/oauth/logout"),
        jwks_uri: issuer.internal_url("/.well-known/jwks.json"),
        status_list_aggregation_endpoint: aggregation_uri(issuer),
        grant_types_supported: GRANTS,
        response_types_supported: of_code(&["code"]),
        response_modes_supported: of_code(&["query", "form_post"]),
        scopes_supported: of_code(SCOPES),
        claims_supported: of_code(CLAIMS).iter().copied().chain(about_users).collect(),
        code_challenge_methods_supported: of_code(&["S256"]),
        prompt_values_supported: of_code(PROMPTS),
        acr_values_supported: of_code(&[PASSWORD_ACR]),
        ui_locales_supported: of_code(LOCALES),
        subject_types_supported: &["public"],
        token_endpoint_auth_methods_supported: all,
        token_endpoint_auth_signing_alg_values_supported: ASSERTIONS,
        introspection_endpoint_auth_methods_supported: CONFIDENTIAL,
        introspection_endpoint_auth_signing_alg_values_supported: ASSERTIONS,
        introspection_signing_alg_values_supported: &signing,
        revocation_endpoint_auth_methods_supported: all,
        revocation_endpoint_auth_signing_alg_values_supported: ASSERTIONS,
        id_token_signing_alg_values_supported: &signing,
        userinfo_signing_alg_values_supported: if code { &signing } else { &[] },
        authorization_response_iss_parameter_supported: code,
        claims_parameter_supported: code,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    };
    Published::new(serde_json::to_vec(&document).unwrap_or_default())
}
