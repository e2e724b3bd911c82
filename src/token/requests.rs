//! The values of OAuth tokens. The caller has checked that the client may have them.

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::{Algorithm, Typ};
use serde_json::{Map, Value};

use super::{CustomClaims, StatusReference};
use crate::domain::{GrantId, Lifetime, RegistrationId, Scopes, SessionId, UserId};

/// The values of a token that a client generates for a subject of its choice. Its policy admits them.
#[derive(Clone, Debug)]
pub struct GeneratedRequest<'a> {
    /// `client_id`.
    pub client_id: &'a str,
    /// `rid`.
    pub registration: Option<RegistrationId>,
    /// `sub`.
    pub subject: &'a str,
    /// `username`.
    pub username: Option<&'a str>,
    /// `email`.
    pub email: Option<&'a str>,
    /// `aud`: if it is empty, the default audience; one as a string, several as an array.
    pub audience: &'a [String],
    /// The lifetime.
    pub lifetime: Lifetime,
    /// More claims.
    pub claims: Option<&'a CustomClaims>,
    /// `status`.
    pub status: Option<StatusReference<'a>>,
}

/// The values of an access token.
#[derive(Clone, Debug)]
pub struct AccessTokenRequest<'a> {
    /// `client_id`; also `sub` if there is no user (RFC 9068 §2.2).
    pub client_id: &'a str,
    /// `rid`.
    pub registration: Option<RegistrationId>,
    /// The user for whom the client acts; `None` if it acts for itself.
    pub user: Option<UserOfGrant<'a>>,
    /// `aud`, the resources that the token is for: if it is empty, the default audience; one as a string, several as an array.
    pub audience: &'a [String],
    /// `scope`.
    pub scope: &'a Scopes,
    /// [`Typ::AtJwt`], or [`Typ::Jwt`] for resource servers that know no other.
    pub typ: Typ,
    /// The lifetime; if it is `None`, the default lifetime.
    pub lifetime: Option<Lifetime>,
    /// More claims. They have none of the names that the service sets.
    pub claims: &'a Map<String, Value>,
    /// `status`.
    pub status: Option<StatusReference<'a>>,
}

/// The user of a grant, and the log-in in which it was given.
#[derive(Clone, Copy, Debug)]
pub struct UserOfGrant<'a> {
    /// `sub`.
    pub id: UserId,
    /// The log-in.
    pub log_in: LogIn<'a>,
    /// `gid`.
    pub grant: GrantId,
    /// Whether the end of the browser session ends the grant: then the token says `sid`, and the end of the session refuses it.
    pub ends_with_session: bool,
}

/// How a user had logged in.
#[derive(Clone, Copy, Debug)]
pub struct LogIn<'a> {
    /// When, in seconds since 1970.
    pub auth_time: u64,
    /// The class of the log-in.
    pub acr: Option<&'a str>,
    /// Its methods.
    pub amr: &'a [String],
    /// The browser session.
    pub session: SessionId,
}

/// The values of an id token.
#[derive(Clone, Debug)]
pub struct IdTokenRequest<'a> {
    /// `aud`.
    pub client_id: &'a str,
    /// `sub`.
    pub user: UserId,
    /// The log-in.
    pub log_in: LogIn<'a>,
    /// The nonce of the request.
    pub nonce: Option<&'a str>,
    /// The hash of the access token beside it: [`at_hash`].
    pub at_hash: String,
    /// More claims about the user. They have none of the names that the service sets.
    pub claims: &'a Map<String, Value>,
}

/// A signed answer of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// Userinfo (OpenID Connect Core §5.3.2).
    Userinfo,
    /// Introspection (RFC 9701 §5).
    Introspection,
}

impl AnswerKind {
    pub(super) fn typ(self) -> Typ {
        match self {
            Self::Userinfo => Typ::Untyped,
            Self::Introspection => Typ::TokenIntrospection,
        }
    }
}

/// `at_hash` (OpenID Connect Core §3.1.3.6): the left half of the hash of `access_token`, by the hash algorithm of the id
/// token's `algorithm`. EdDSA over Ed25519 hashes with SHA-512.
pub fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    let hash = if algorithm == Algorithm::EdDsa { &SHA512 } else { &SHA256 };
    let hash = digest(hash, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, at_hash};

    /// The example of OpenID Connect Core, appendix A.3.
    #[test]
    fn the_hash_is_the_left_half() {
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(token, Algorithm::Rs256), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(at_hash(token, Algorithm::EdDsa).len(), 43);
    }
}
