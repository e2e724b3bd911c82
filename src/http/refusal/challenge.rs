//! `WWW-Authenticate`.

use http::header::HeaderValue;

/// What a caller who is refused is told about authenticating (RFC 6750 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Challenge {
    /// A bearer token is needed. One that did not come has no error.
    TokenRequired,
    /// The bearer token that came opens nothing here.
    InvalidToken,
}

impl Challenge {
    pub(super) fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::TokenRequired => "Bearer",
            Self::InvalidToken => "Bearer error=\"invalid_token\"",
        })
    }
}
