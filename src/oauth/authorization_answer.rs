//! The answer to an authorization request: the address to which it goes, and the errors that it may tell (RFC 6749 §4.1.2).

use std::borrow::Cow;

use super::TokenError;
use crate::domain::{ClientId, RedirectUri};

/// The address to which the answer goes, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerTarget {
    /// A redirect URI that the client registered.
    pub redirect_uri: String,
    /// How the answer travels.
    pub mode: ResponseMode,
    /// The value that the client finds again in the answer.
    pub state: Option<String>,
}

/// How an answer travels to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// The mode with this name, if the service has it.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// Why a request is not granted.
#[derive(Debug)]
pub enum AuthorizeError {
    /// The client or the redirect URI is wrong: the user reads it, and the browser stays here.
    Untrusted(UntrustedRequest),
    /// The client reads it.
    ToClient(AnswerTarget, ErrorForClient),
    /// The service cannot answer now.
    Service(TokenError),
}

/// A request that names no client, or an address that its client did not register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntrustedRequest {
    /// A sentence for the programmer of the client.
    pub sentence: Cow<'static, str>,
    /// The client, if the request names one.
    pub client: Option<ClientId>,
    /// The redirect URI that the client did not register.
    pub redirect_uri: Option<String>,
}

impl From<Cow<'static, str>> for UntrustedRequest {
    fn from(sentence: Cow<'static, str>) -> Self {
        Self { sentence, client: None, redirect_uri: None }
    }
}

impl From<&'static str> for UntrustedRequest {
    fn from(sentence: &'static str) -> Self {
        Cow::Borrowed(sentence).into()
    }
}

impl From<String> for UntrustedRequest {
    fn from(sentence: String) -> Self {
        Cow::<'static, str>::Owned(sentence).into()
    }
}

/// An error that a client reads (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorForClient {
    /// The code.
    pub code: &'static str,
    /// A sentence for its programmer.
    pub sentence: Cow<'static, str>,
}

impl ErrorForClient {
    /// All codes.
    pub const CODES: [&str; 15] = [
        "access_denied",
        "account_selection_required",
        "consent_required",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "login_required",
        "registration_not_supported",
        "request_not_supported",
        "request_uri_not_supported",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unmet_authentication_requirements",
        "unsupported_response_type",
    ];

    /// This code with this sentence.
    pub fn new(code: &'static str, sentence: impl Into<Cow<'static, str>>) -> Self {
        debug_assert!(Self::CODES.contains(&code), "{code}");
        Self { code, sentence: sentence.into() }
    }

    pub(super) fn invalid(sentence: &'static str) -> Self {
        Self::new("invalid_request", sentence)
    }
}

/// What stands for a redirect URI in a policy for the browser (CSP), and what users read: its origin.
pub fn origin_of(target: &AnswerTarget) -> String {
    RedirectUri::origin(&target.redirect_uri)
}
