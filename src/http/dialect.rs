//! How refusals are written. Use cases and extractors do not know this; the operation does.

use serde::Serialize;

use super::refusal::{Face, Kind, Refusal};
use super::{Response, respond};

/// The form of an operation's refusals. A new form becomes a variant here, and the table of operations names
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The form of the original, with a code for programs: `{"success": false, "error": "<sentence>", "code":
    /// "<code>"}`.
    Api,
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
    /// The response for a refusal with this face. The original sets no `Cache-Control` here.
    pub(super) fn write(self, refusal: &Refusal, face: &Face<'_>) -> Response {
        let Self::Api = self;
        let &Face { status, code, ref sentence } = face;
        let data = match &refusal.kind {
            Kind::TokenFails(rejection) => {
                Some(FailedToken { valid: false, error: Face::TOKEN_FAILS, code: rejection.code() })
            }
            _ => None,
        };
        let body = Body { success: false, error: sentence, code, data };
        let mut response = respond::json_or_nothing(status, &body);
        refusal.add_headers(response.headers_mut());
        response
    }
}
