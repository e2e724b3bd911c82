//! Checks the signature with our own keys, and the claims by our own rules.

use jose::{Expectations, Registered, TokenKind, Typ, Verified};
use serde::Deserialize;

use super::Tokens;
use super::denied_tokens::DenialVerdict;
use crate::domain::{Caller, ClientId, GrantId, RegistrationId, Scopes, UserId};

pub use jose::Rejection;

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The token is not valid.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// There are no keys yet with which it could be checked.
    #[error("the keys are not loaded yet")]
    NoKeys,
    /// The token was revoked, or its grant, its session, its user or its client lost its access.
    #[error("the token was revoked")]
    Denied,
    /// It is not known yet which tokens of clients were revoked.
    #[error("the denials are not loaded yet")]
    DenialsNotLoaded,
}

/// A valid token.
#[derive(Debug)]
pub struct Checked {
    verified: Verified,
}

impl Checked {
    /// The header's JSON as it was signed.
    pub fn header(&self) -> &str {
        &self.verified.header
    }

    /// The claims' JSON as it was signed.
    pub fn claims(&self) -> &str {
        &self.verified.claims
    }

    /// The registered claims.
    pub fn registered(&self) -> &Registered {
        &self.verified.registered
    }

    /// The session of the user that the token stands for, if the token gives access to an account.
    pub fn session(&self) -> Option<UserSession> {
        UserSession::of(self.verified.registered.sub.as_deref(), &self.verified.claims)
    }
}

/// A valid access token of a client.
#[derive(Debug)]
pub struct AccessToken {
    /// The token.
    pub checked: Checked,
    /// Its claims that are ours.
    pub claims: AccessClaims,
}

/// The claims of an access token besides the registered ones.
#[derive(Debug, Deserialize)]
pub struct AccessClaims {
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// The registration of the client; `None` if the client is only in memory.
    #[serde(default)]
    pub rid: Option<RegistrationId>,
    /// What the client may do.
    #[serde(default)]
    pub scope: Scopes,
    /// The grant of a user; `None` if the client acts for itself. Only the service sets it.
    #[serde(default)]
    pub gid: Option<GrantId>,
    /// When the user logged in, in seconds since 1970.
    #[serde(default)]
    pub auth_time: Option<u64>,
}

/// Whether a header has a type.
fn has_typ(header: &str) -> bool {
    #[derive(Deserialize)]
    struct Header {
        typ: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<Header>(header).is_ok_and(|header| header.typ.is_some())
}

/// The session of a user, as the token describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSession {
    /// The user, who may no longer be stored.
    pub user: UserId,
    /// When the user logged in, in seconds since 1970.
    pub auth_time: u64,
}

impl UserSession {
    /// `None` if the token gives access to no account: a demo token, a token that was issued to a client, or
    /// one whose subject is not the id of a user.
    ///
    /// A client may be allowed to name any subject; its token must not make it this user.
    fn of(subject: Option<&str>, claims: &str) -> Option<Self> {
        let standing: Standing = serde_json::from_str(claims).ok()?;
        let user = subject.and_then(UserId::parse).filter(|_| !standing.demo && !standing.of_client)?;
        // The original's tokens only say when they were issued; a token without any time counts as infinitely
        // old.
        Some(Self { user, auth_time: standing.auth_time.or(standing.iat).unwrap_or(0) })
    }
}

/// Our claims that matter for accounts. They are read leniently: a `demo` other than `false` makes a demo
/// token, and any `client_id` makes a token of a client.
#[derive(Deserialize)]
struct Standing {
    #[serde(default, deserialize_with = "anything_but_false")]
    demo: bool,
    #[serde(default, rename = "client_id", deserialize_with = "anything")]
    of_client: bool,
    auth_time: Option<u64>,
    iat: Option<u64>,
}

fn anything<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn anything_but_false<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value != serde_json::Value::Bool(false))
}

impl Tokens {
    /// Checks a token for a caller that asks whether it is valid.
    ///
    /// # Errors
    /// As [`Tokens::check`].
    pub fn validate(
        &self,
        caller: &Caller,
        token: &str,
        audience: Option<&str>,
    ) -> Result<Checked, CheckError> {
        let checked = self.check(token, audience);
        tracing::debug!(passes = checked.is_ok(), request_id = %caller.request_id, "a token is checked");
        checked
    }

    /// Checks a token of the API with our keys, issuer and clock. It must be meant for `audience`, or for the usual one.
    ///
    /// # Errors
    /// [`CheckError`] with the reason.
    pub fn check(&self, token: &str, audience: Option<&str>) -> Result<Checked, CheckError> {
        let checked = self.verify(token, audience).and_then(|checked| self.not_denied(checked));
        self.metrics.count_check(checked.as_ref().map(drop));
        checked
    }

    fn verify(&self, token: &str, audience: Option<&str>) -> Result<Checked, CheckError> {
        let ring = self.keys.ring();
        let ring = ring.as_ref().ok_or(CheckError::NoKeys)?;
        let audience = [audience.unwrap_or(&self.settings.audience)];
        let expect = Expectations {
            typ: Typ::Jwt,
            issuer: &self.settings.issuer,
            audience: &audience,
            leeway: self.settings.clock_skew,
            now: self.clock.now().as_secs(),
        };
        // Most tokens are from the key that signs now, and their headers are all the same.
        let known = ring.active().map(|active| jose::KnownHeader {
            encoded: active.protected_header(Typ::Jwt),
            typ: Typ::Jwt,
            key: active.verifying(),
        });
        let is_known = known.as_ref().is_some_and(|known| token.starts_with(known.encoded));
        let verified = jose::verify_known(token, known, |kid| ring.verifying(kid), &expect)?;
        if !is_known && !has_typ(&verified.header) {
            // It could be an id token.
            return Err(Rejection::InvalidClaim("typ").into());
        }
        Ok(Checked { verified })
    }

    /// Checks an access token of a client, for whatever audience: one of the token endpoint, or one that was generated for the
    /// client at `POST /api/token/generate`. No other kind of token passes.
    ///
    /// # Errors
    /// [`CheckError`] with the reason.
    pub fn check_access_token(&self, token: &str) -> Result<AccessToken, CheckError> {
        let checked = self.verify_access_token(token);
        self.metrics.count_check(checked.as_ref().map(drop));
        checked
    }

    fn verify_access_token(&self, token: &str) -> Result<AccessToken, CheckError> {
        let of_oauth = self.settings.oauth_issuer.as_deref().ok_or(Rejection::WrongIssuer)?;
        let kinds = [
            TokenKind { typ: Typ::AtJwt, issuer: of_oauth },
            TokenKind { typ: Typ::Jwt, issuer: of_oauth },
            TokenKind { typ: Typ::Jwt, issuer: &self.settings.issuer },
        ];
        let checked = self.verify_kinds(token, Typ::AtJwt, &kinds, self.settings.clock_skew)?;
        let checked = self.not_denied(checked)?;
        let claims: AccessClaims =
            serde_json::from_str(checked.claims()).map_err(|_| Rejection::InvalidClaim("client_id"))?;
        Ok(AccessToken { checked, claims })
    }

    /// Checks an id token that a client shows to say which user it means (`id_token_hint`). It may have expired.
    ///
    /// # Errors
    /// [`CheckError`] with the reason.
    pub fn check_id_token(&self, token: &str) -> Result<Checked, CheckError> {
        let issuer = self.settings.oauth_issuer.as_deref().ok_or(Rejection::WrongIssuer)?;
        self.verify_kinds(token, Typ::Untyped, &[TokenKind { typ: Typ::Untyped, issuer }], u64::MAX)
    }

    /// Checks that a token is one of these kinds; most of them have the type `usual`.
    fn verify_kinds(
        &self,
        token: &str,
        usual: Typ,
        kinds: &[TokenKind<'_>],
        leeway: u64,
    ) -> Result<Checked, CheckError> {
        let ring = self.keys.ring();
        let ring = ring.as_ref().ok_or(CheckError::NoKeys)?;
        let known = ring.active().map(|active| jose::KnownHeader {
            encoded: active.protected_header(usual),
            typ: usual,
            key: active.verifying(),
        });
        let now = self.clock.now().as_secs();
        let (_, verified) = jose::verify_one_of(token, known, |kid| ring.verifying(kid), kinds, leeway, now)?;
        Ok(Checked { verified })
    }

    fn not_denied(&self, checked: Checked) -> Result<Checked, CheckError> {
        match self.denied.judge(checked.claims()) {
            DenialVerdict::Passes => Ok(checked),
            DenialVerdict::Denied => Err(CheckError::Denied),
            DenialVerdict::NotLoaded => Err(CheckError::DenialsNotLoaded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef01234567";

    fn session(claims: &str) -> Option<u64> {
        UserSession::of(Some(ID), claims).map(|session| {
            assert_eq!(session.user.to_string(), ID);
            session.auth_time
        })
    }

    #[test]
    fn the_session_began_when_the_user_logged_in_else_when_the_token_was_issued() {
        assert_eq!(session(r#"{"auth_time":5,"iat":7}"#), Some(5));
        assert_eq!(session(r#"{"iat":7}"#), Some(7));
        assert_eq!(session("{}"), Some(0), "as old as can be");
        assert_eq!(session(r#"{"auth_time":"5"}"#), None);
    }

    #[test]
    fn a_demo_token_opens_no_account_however_it_says_so() {
        for demo in ["true", "null", "1", "0", "\"\"", "\"false\"", "[]", "{}"] {
            assert_eq!(session(&format!(r#"{{"iat":7,"demo":{demo}}}"#)), None, "{demo}");
        }
        assert_eq!(session(r#"{"iat":7,"demo":false}"#), Some(7));
    }

    #[test]
    fn a_token_of_a_client_opens_no_account_whatever_its_subject_is() {
        for client in ["\"c1\"", "\"\"", "null", "false", "0", "[]", "{}"] {
            assert_eq!(session(&format!(r#"{{"iat":7,"client_id":{client}}}"#)), None, "{client}");
        }
        assert_eq!(session(r#"{"iat":7,"client":"c1"}"#), Some(7));
    }

    #[test]
    fn a_subject_that_is_no_users_id_has_no_session() {
        for subject in [
            None,
            Some(""),
            Some("demo-user-id"),
            Some("0123456789abcdef0123456"),
            Some("0123456789abcdef0123456x"),
        ] {
            assert_eq!(UserSession::of(subject, r#"{"iat":7}"#), None, "{subject:?}");
        }
    }
}
