//! How refusals are written. Use cases and extractors do not know this; the operation does.

use http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;

use super::refusal::{Face, Kind, OAuthFault, Refusal};
use super::{Response, respond};

/// The form of an operation's refusals. A new form becomes a variant here, and the table of operations names
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The form of the original, with a code for programs: `{"success": false, "error": "<sentence>", "code":
    /// "<code>"}`.
    Api,
    /// The form of OAuth: `{"error": "<code>", "error_description": "<sentence>"}` (RFC 6749 §5.2), with the codes of OAuth.
    OAuth,
    /// A page for a person.
    Page,
}

#[derive(Serialize)]
struct Body<'a> {
    success: bool,
    error: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<FailedToken>,
}

/// What the original says about a token that is not valid, and why it is not.
#[derive(Serialize)]
struct FailedToken {
    valid: bool,
    error: &'static str,
    code: &'static str,
}

impl Dialect {
    /// The response for a refusal with this face.
    pub(super) fn write(self, refusal: &Refusal, face: &Face<'_>) -> Response {
        let mut response = match self {
            Self::Api => in_our_form(refusal, face),
            // `HttpService` writes a page, because that needs the language of the browser.
            Self::OAuth | Self::Page => in_the_form_of_oauth(refusal, face),
        };
        refusal.add_headers(response.headers_mut());
        response
    }
}

/// The original sets no `Cache-Control` here.
fn in_our_form(refusal: &Refusal, face: &Face<'_>) -> Response {
    let &Face { status, code, ref sentence } = face;
    let failed = |code| Some(FailedToken { valid: false, error: Face::TOKEN_FAILS, code });
    let data = match &refusal.kind {
        Kind::TokenFails(rejection) => failed(rejection.code()),
        Kind::TokenRevoked => failed("revoked"),
        _ => None,
    };
    respond::json_or_nothing(status, &Body { success: false, error: sentence, code, data })
}

#[derive(Serialize)]
struct OAuthBody<'a> {
    error: &'static str,
    error_description: &'a str,
}

fn in_the_form_of_oauth(refusal: &Refusal, face: &Face<'_>) -> Response {
    // RFC 6749 §5.2 forbids these characters; a sentence about a path may contain any.
    let fits = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    let sentence: String = face.sentence.chars().map(|c| if fits(c) { c } else { '?' }).collect();
    let body = OAuthBody { error: oauth_code(refusal, face), error_description: &sentence };
    let mut response = respond::json_or_nothing(face.status, &body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The code that clients know.
fn oauth_code(refusal: &Refusal, face: &Face<'_>) -> &'static str {
    match &refusal.kind {
        Kind::OAuth(OAuthFault::Off) => "invalid_request",
        Kind::OAuth(_) => face.code,
        _ => match face.status.as_u16() {
            401 => "invalid_token",
            429 | 503 => "temporarily_unavailable",
            400..500 => "invalid_request",
            _ => "server_error",
        },
    }
}
