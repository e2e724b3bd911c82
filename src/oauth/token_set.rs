//! The answer of the token endpoint.

use crate::domain::{Scopes, Secret};

/// The tokens of a grant (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3). The type of the access token is always `Bearer`.
#[derive(Debug)]
pub struct TokenSet {
    /// The access token.
    pub access_token: Secret<String>,
    /// Its lifetime in seconds.
    pub expires_in: u64,
    /// The refresh token, if the grant has one.
    pub refresh_token: Option<Secret<String>>,
    /// The id token, if the scope `openid` is among the granted ones and a user is there.
    pub id_token: Option<Secret<String>>,
    /// The granted scopes. They may be fewer than the request asked for.
    pub scope: Scopes,
}
