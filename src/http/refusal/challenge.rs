//! `WWW-Authenticate`.

use http::header::HeaderValue;

/// What a refused caller learns about authentication (RFC 6750 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Challenge {
    /// A bearer token is needed. If the request had no token, the header contains no error.
    TokenRequired,
    /// The service does not accept the bearer token.
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
