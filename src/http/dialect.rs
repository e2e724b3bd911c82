//! How refusals are written. A use case and an extractor do not know; the operation does.

use serde::Serialize;

use super::refusal::{Face, Kind, Refusal};
use super::{Response, respond};

/// The form of an operation's refusals. Another one is a variant here, and a column of the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The original's, with a code for programs: `{"success": false, "error": "<sentence>", "code": "<code>"}`.
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

/// What the original tells about a token that does not pass, and why.
#[derive(Serialize)]
struct FailedToken {
    valid: bool,
    error: &'static str,
    code: &'static str,
}

impl Dialect {
    /// The answer that tells of a refusal, whose face this is. The original says nothing of caches here.
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
