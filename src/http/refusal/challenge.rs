//! `WWW-Authenticate`.

use http::header::HeaderValue;

/// What a refused caller learns about authentication (RFC 6750 §3, RFC 7617 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Challenge {
    /// A bearer token is needed. If the request had no token, the header contains no error.
    TokenRequired,
    /// The service does not accept the bearer token.
    InvalidToken,
    /// The bearer token has not the scope that the operation needs.
    InsufficientScope,
    /// The bearer token has not the scope that generates tokens.
    GenerateScope,
    /// An OAuth client must authenticate (RFC 6749 §5.2).
    Client,
}

impl Challenge {
    pub(super) fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::TokenRequired => "Bearer",
            Self::InvalidToken => "Bearer error=\"invalid_token\"",
            Self::InsufficientScope => "Bearer error=\"insufficient_scope\", scope=\"openid\"",
            Self::GenerateScope => "Bearer error=\"insufficient_scope\", scope=\"token:generate\"",
            Self::Client => "Basic realm=\"client\", charset=\"UTF-8\"",
        })
    }
}
