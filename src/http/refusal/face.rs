//! The table of refusals: the status, the code for programs and the sentence for people of each kind.
//! Sentences about a field or a body are in [`fault`](super::fault).

use std::borrow::Cow;

use http::StatusCode;

use super::Kind;
use crate::limits::{Scope, Verdict};

/// What a caller sees of a refusal.
#[derive(Debug)]
pub(in crate::http) struct Face<'a> {
    pub(in crate::http) status: StatusCode,
    pub(in crate::http) code: &'static str,
    pub(in crate::http) sentence: Cow<'a, str>,
}

impl Face<'_> {
    /// What the original says of a token that is not valid, whatever the reason is.
    pub(in crate::http) const TOKEN_FAILS: &'static str = "Token verification failed";
}

const NO_DEMO_TOKENS: &str = "Demo tokens are off on this server, because everyone can get one; a client gets tokens with its \
     credentials, and the operator can allow demo tokens with DEMO_TOKENS=true";
const NOT_READY: &str = "The service is still loading what this answer needs; try again shortly";
const NO_DATABASE: &str = "Accounts need a database, and this server runs without one (SKIP_DATABASE=true)";
const LOGIN_LIMITED: &str = "Too many log-ins to this account have failed; log in from where you have logged in before, \
     or ask the operator to unlock the account";

/// Every code of the table, and every error that a browser takes to a client, for what is counted by code.
pub(in crate::http) const CODES: &[&str] = &[
    "missing_field",
    "invalid_field",
    "malformed_body",
    "malformed_request",
    "host_required",
    "token_required",
    "invalid_token",
    "user_not_found",
    "session_ended",
    "invalid_credentials",
    "demo_tokens_disabled",
    "generate_not_allowed",
    "subject_not_allowed",
    "audience_not_allowed",
    "claim_not_allowed",
    "lifetime_not_allowed",
    "not_found",
    "method_not_allowed",
    "request_timeout",
    "user_exists",
    "body_too_large",
    "unsupported_media_type",
    "rate_limited",
    "login_throttled",
    "login_limited",
    "internal",
    "busy",
    "keys_unavailable",
    "database_disabled",
    "database_unavailable",
    "not_ready",
    "untrusted_request",
    "expired_page",
    "foreign_form",
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "insufficient_scope",
    "oauth_off",
    "access_denied",
    "account_selection_required",
    "consent_required",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unmet_authentication_requirements",
    "unsupported_response_type",
];

impl Kind {
    /// The row of the table.
    pub(in crate::http) fn face(&self) -> Face<'_> {
        let (status, code, sentence): (u16, _, Cow<'_, str>) = match self {
            Self::MissingField(missing) => (400, "missing_field", missing.to_string().into()),
            Self::InvalidField(fault) => (400, "invalid_field", fault.to_string().into()),
            Self::MalformedBody(fault) => (400, "malformed_body", fault.to_string().into()),
            Self::MalformedRequest(part) => {
                (400, "malformed_request", format!("The request's {part} cannot be read").into())
            }
            Self::HostRequired => (400, "host_required", "The request must have one Host header".into()),
            Self::TokenRequired => (401, "token_required", "Access token is required".into()),
            Self::BearerFails => (401, "invalid_token", Face::TOKEN_FAILS.into()),
            Self::TokenFails(_) | Self::TokenRevoked => {
                (401, "invalid_token", "Token validation failed".into())
            }
            Self::NoUser => (401, "user_not_found", "User not found".into()),
            Self::SessionEnded => (401, "session_ended", "The session has ended; log in again".into()),
            Self::Credentials => (401, "invalid_credentials", "Invalid credentials".into()),
            Self::DemoTokensDisabled => (403, "demo_tokens_disabled", NO_DEMO_TOKENS.into()),
            Self::NotGenerated(fault) => fault.face(),
            Self::LoginLimited => (403, "login_limited", LOGIN_LIMITED.into()),
            Self::NotFound(asked) => (404, "not_found", format!("Route {asked} not found").into()),
            Self::Method { method, path, .. } => (
                405,
                "method_not_allowed",
                format!("{method} is not allowed on {path}; the Allow header lists what is").into(),
            ),
            Self::BodyTooSlow => (408, "request_timeout", "The request body took too long to arrive".into()),
            Self::UserExists => {
                (409, "user_exists", "User with this username or email already exists".into())
            }
            Self::BodyTooLarge(limit) => {
                (413, "body_too_large", format!("The request body must be at most {limit} bytes").into())
            }
            Self::LoginThrottled(secs) => (
                429,
                "login_throttled",
                format!("Too many log-ins to this account have failed; try again in {secs} s").into(),
            ),
            Self::MediaType(fault) => (415, "unsupported_media_type", fault.to_string().into()),
            Self::UntrustedRequest(request) => (400, "untrusted_request", request.sentence.as_ref().into()),
            Self::ExpiredPage => (400, "expired_page", "The page is too old; begin again".into()),
            Self::ForeignForm => {
                (403, "foreign_form", "The form does not belong to the cookie of the browser".into())
            }
            Self::RateLimited(verdict) => (429, "rate_limited", too_many(*verdict).into()),
            Self::Internal => (500, "internal", "Internal server error".into()),
            Self::Busy => (503, "busy", "The server is busy; try again shortly".into()),
            Self::OAuth(fault) => fault.face(),
            Self::NotReady => (503, "not_ready", NOT_READY.into()),
            Self::ClientUnchecked(secs) => (
                503,
                "not_ready",
                format!("The client's assertion cannot be checked now; try again in {secs} s").into(),
            ),
            Self::NoKeys => (503, "keys_unavailable", "The keys are unavailable; try again shortly".into()),
            Self::NoDatabase => (503, "database_disabled", NO_DATABASE.into()),
            Self::DatabaseUnavailable => {
                (503, "database_unavailable", "The database is unavailable; try again shortly".into())
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Face { status, code, sentence }
    }
}

/// The sentence for a request that a budget does not admit.
fn too_many(verdict: Verdict) -> String {
    let of_whom = match verdict.scope {
        Scope::Address => "from this address",
        Scope::Account => "for this account",
        Scope::Client => "from this client",
        Scope::Global => "of this kind",
    };
    format!("Too many requests {of_whom}; try again in {} s", verdict.more_in)
}
