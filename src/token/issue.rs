//! Issuing: for users, and for anybody at all (demo tokens).

use jose::Algorithm;

use super::claims::{Audience, Claims};
use super::{CustomClaims, Tokens};
use crate::domain::{Lifetime, Timestamp, User};
use crate::keys::SignError;

/// Bytes of claims that, encoded and with the longest header and signature, still make a token of 16 KiB.
const MOST_CLAIMS: usize = 10 * 1024 + 512;

/// A fresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The token.
    pub token: String,
    /// Seconds that it lives.
    pub expires_in: u64,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The token was to live longer than the operator allows.
    #[error("expiresIn must be at most {0} seconds")]
    TooLong(u64),
    /// The token would be longer than verifiers take, ours among them.
    #[error("the token would be too long; ask for fewer or shorter claims and audiences")]
    TooLarge,
    /// Too many signatures are waiting: try again shortly.
    #[error("too many signatures are waiting")]
    Busy,
    /// No key may sign it now: try again shortly.
    #[error("no key may sign this token now")]
    Unavailable,
    /// A fault of ours.
    #[error("the token could not be made: {0}")]
    Failed(&'static str),
}

impl From<SignError> for IssueError {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Busy => Self::Busy,
            SignError::Unavailable => Self::Unavailable,
            SignError::Failed => Self::Failed("signing failed"),
        }
    }
}

/// When a user proved who they are; a refreshed token carries it on as `auth_time` (OpenID Connect Core §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Just now.
    Begins,
    /// At this NumericDate.
    Since(u64),
}

/// What somebody wants in a token of their own making.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `sub`.
    pub subject: String,
    /// `username`.
    pub username: String,
    /// `email`.
    pub email: String,
    /// `aud`: none for the usual one, one as a string, several as an array.
    pub audience: Vec<String>,
    /// How long it lives; the usual time where unset.
    pub lifetime: Option<Lifetime>,
    /// More claims.
    pub claims: Option<CustomClaims>,
}

impl Tokens {
    /// A token for a stored user.
    ///
    /// # Errors
    /// [`IssueError::Busy`], [`IssueError::Failed`].
    pub async fn issue_user(&self, user: &User, session: Session) -> Result<Issued, IssueError> {
        let now = self.clock.now();
        let auth_time = match session {
            Session::Begins => now.as_secs(),
            Session::Since(then) => then,
        };
        let jti = self.jti()?;
        let lifetime = self.settings.lifetime;
        let claims = Claims {
            sub: &user.id.to_string(),
            username: user.username.as_str(),
            email: user.email.as_str(),
            iat: now.as_secs(),
            iss: &self.settings.issuer,
            aud: Audience::One(&self.settings.audience),
            exp: now.plus_secs(lifetime.as_secs()).as_secs(),
            jti: &jti,
            auth_time: Some(auth_time),
            // Nothing verifies addresses yet, and a token must not look as if something did.
            email_verified: Some(false),
            demo: false,
        };
        self.sign(None, &claims, None, lifetime, now).await
    }

    /// A token for whoever asks. It says so (`demo: true`), and opens nothing here.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn issue_demo(&self, request: &TokenRequest) -> Result<Issued, IssueError> {
        match request.lifetime {
            Some(lifetime) if lifetime > self.settings.max_lifetime => {
                Err(IssueError::TooLong(self.settings.max_lifetime.as_secs()))
            }
            _ => self.issue_custom(request, None, true).await,
        }
    }

    /// A token for the operator, who has the keys and may say what they like. `algorithm` is that of the signature; without
    /// one it is the default one.
    ///
    /// # Errors
    /// [`IssueError::Busy`], [`IssueError::Failed`].
    pub async fn issue_as_operator(
        &self,
        request: &TokenRequest,
        algorithm: Option<Algorithm>,
    ) -> Result<Issued, IssueError> {
        self.issue_custom(request, algorithm, false).await
    }

    async fn issue_custom(
        &self,
        request: &TokenRequest,
        algorithm: Option<Algorithm>,
        demo: bool,
    ) -> Result<Issued, IssueError> {
        let lifetime = request.lifetime.unwrap_or(self.settings.lifetime);
        let now = self.clock.now();
        let jti = self.jti()?;
        let claims = Claims {
            sub: &request.subject,
            username: &request.username,
            email: &request.email,
            iat: now.as_secs(),
            iss: &self.settings.issuer,
            aud: match request.audience.as_slice() {
                [] => Audience::One(&self.settings.audience),
                [one] => Audience::One(one),
                several => Audience::Several(several),
            },
            exp: now.plus_secs(lifetime.as_secs()).as_secs(),
            jti: &jti,
            auth_time: None,
            email_verified: None,
            demo,
        };
        self.sign(algorithm, &claims, request.claims.as_ref(), lifetime, now).await
    }

    async fn sign(
        &self,
        algorithm: Option<Algorithm>,
        claims: &Claims<'_>,
        custom: Option<&CustomClaims>,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        let json = claims.to_json(custom).map_err(|_| IssueError::Failed("the claims are no JSON"))?;
        if json.len() > MOST_CLAIMS {
            return Err(IssueError::TooLarge);
        }
        let token = self.keys.sign(algorithm, &json, lifetime, now.plus_secs(lifetime.as_secs())).await?;
        Ok(Issued { token, expires_in: lifetime.as_secs() })
    }

    fn jti(&self) -> Result<String, IssueError> {
        self.entropy.jti().map_err(|_| IssueError::Failed("the system has no randomness"))
    }
}
