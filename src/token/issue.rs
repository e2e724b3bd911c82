//! Issuing: what was decided for a subject is signed.

use jose::Algorithm;

use super::{CustomClaims, Subject, Tokens};
use crate::domain::{Caller, Lifetime};
use crate::keys::SignError;

/// Bytes of claims that, encoded and with the longest header and RSA signature, still make a token of 16 KiB. With the
/// longer signatures of ML-DSA the keys refuse what does not fit.
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
            SignError::TooLarge => Self::TooLarge,
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

/// What a caller wants in a token of its own making.
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
    /// A demo token for any caller.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn issue_demo(&self, caller: &Caller, request: &TokenRequest) -> Result<Issued, IssueError> {
        let issued = self.issue(Subject::Demo(request), None).await?;
        tracing::debug!(request_id = %caller.request_id, "a demo token is issued");
        Ok(issued)
    }

    /// A token for this subject, signed with the active key of `algorithm`, or of the default one.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn issue(
        &self,
        subject: Subject<'_>,
        algorithm: Option<Algorithm>,
    ) -> Result<Issued, IssueError> {
        let now = self.clock.now();
        let jti = self.entropy.jti().map_err(|_| IssueError::Failed("the system has no randomness"))?;
        let draft = subject.draft(&self.settings, now, &jti)?;
        let json = draft.claims.to_json(draft.custom);
        let json = json.map_err(|_| IssueError::Failed("the claims are no JSON"))?;
        if json.len() > MOST_CLAIMS {
            return Err(IssueError::TooLarge);
        }
        let expires_in = draft.lifetime.as_secs();
        let expires_at = now.plus_secs(expires_in);
        let token = self.keys.sign(algorithm, draft.typ, &json, draft.lifetime, expires_at).await?;
        Ok(Issued { token, expires_in })
    }
}
