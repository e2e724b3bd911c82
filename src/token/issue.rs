//! Issues tokens: signs the claims that `subject` has decided.

use jose::Algorithm;
use serde::Serialize;

use super::{AnswerKind, CustomClaims, Subject, Tokens};
use crate::domain::{Caller, EventKind, Kid, Lifetime, Secret, Timestamp};
use crate::keys::{SignError, Signed};

/// The most bytes of claims as JSON. Encoded, with the longest header and RSA signature, they make a token of at most
/// 16 KiB. A token with a longer signature (ML-DSA) may be too long: then `Keys::sign` refuses it.
const MAX_CLAIMS_BYTES: usize = 10 * 1024 + 512;

/// How long a client may take to check a signed answer: the key stays published for so long.
const ANSWER_LIFE: Lifetime = Lifetime::hours(1);

/// A new token.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token. It gives access to an account, so it is not shown.
    pub token: Secret<String>,
    /// Its lifetime in seconds.
    pub expires_in: u64,
}

/// A new token with what is needed to find it again.
#[derive(Clone, Debug)]
pub struct TracedToken {
    /// The token.
    pub issued: Issued,
    /// Its `jti`.
    pub jti: String,
    /// Its `iat`.
    pub issued_at: Timestamp,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// The key that signed it.
    pub kid: Kid,
}

/// Why no token was issued. The texts are for the log and the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The token would live longer than the operator allows.
    #[error("a demo token may live for at most {0} seconds")]
    TooLong(u64),
    /// The token would be longer than verifiers accept, including our own.
    #[error("the token would be longer than verifiers accept; ask for fewer or shorter claims and audiences")]
    TooLarge,
    /// Too many signatures are waiting: try again shortly.
    #[error("too many signatures are waiting")]
    Busy,
    /// No key may sign it now: try again shortly.
    #[error("no key may sign this token now")]
    Unavailable,
    /// An internal error.
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

/// When a user logged in: the `auth_time` of the token (OpenID Connect Core §2). A refreshed token has that of the token
/// before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// Just now.
    Begins,
    /// At this time, in seconds since 1970.
    Since(u64),
}

/// The values that a caller wants in a token.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `sub`.
    pub subject: String,
    /// `username`.
    pub username: String,
    /// `email`.
    pub email: String,
    /// `aud`: if it is empty, the default audience; one as a string, several as an array.
    pub audience: Vec<String>,
    /// The lifetime; if it is `None`, the default lifetime.
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
        let made = self.make(subject, algorithm).await?;
        if let Subject::Demo(_) = subject {
            self.counter.count(EventKind::DemoTokensMade, None);
        }
        Ok(Issued { token: made.signed.token, expires_in: made.expires_in })
    }

    /// As [`Tokens::issue`], with what is needed to find the token again.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn issue_traced(
        &self,
        subject: Subject<'_>,
        algorithm: Option<Algorithm>,
    ) -> Result<TracedToken, IssueError> {
        let made = self.make(subject, algorithm).await?;
        Ok(TracedToken {
            jti: made.jti,
            issued_at: Timestamp::from_secs(made.issued_at.as_secs()),
            expires_at: Timestamp::from_secs(made.issued_at.plus_secs(made.expires_in).as_secs()),
            kid: made.signed.key.kid().clone(),
            issued: Issued { token: made.signed.token, expires_in: made.expires_in },
        })
    }

    async fn make(&self, subject: Subject<'_>, algorithm: Option<Algorithm>) -> Result<Made, IssueError> {
        let made = self.sign(subject, algorithm).await;
        self.metrics.count_issue(subject, made.as_ref().map(|made| made.signed.algorithm));
        made
    }

    async fn sign(&self, subject: Subject<'_>, algorithm: Option<Algorithm>) -> Result<Made, IssueError> {
        let now = self.clock.now();
        let jti = self.entropy.jti().map_err(|_| IssueError::Failed("the system has no randomness"))?;
        let draft = subject.draft(&self.settings, now, &jti)?;
        let json = draft.claims.to_json(draft.more);
        let json = within_limit(json.map_err(|_| IssueError::Failed("the claims are not JSON"))?)?;
        let expires_in = draft.lifetime.as_secs();
        let expires_at = now.plus_secs(expires_in);
        let signed = self.keys.sign(algorithm, draft.typ, &json, draft.lifetime, expires_at).await?;
        Ok(Made { signed, jti, issued_at: now, expires_in })
    }
}

/// A token, and what it was made of.
struct Made {
    signed: Signed,
    jti: String,
    issued_at: Timestamp,
    expires_in: u64,
}

impl Tokens {
    /// The algorithm that signs if the caller asks for none; `None` if no key may sign now.
    pub fn default_algorithm(&self) -> Option<Algorithm> {
        self.keys.ring().as_ref().and_then(|ring| ring.active().map(|key| key.verifying().algorithm()))
    }

    /// Signs an answer of an endpoint for a client, of the kind that metrics count: it is no token, and has no `exp`.
    ///
    /// # Errors
    /// [`IssueError`].
    pub async fn sign_answer(
        &self,
        kind: AnswerKind,
        claims: &impl Serialize,
        algorithm: Option<Algorithm>,
    ) -> Result<Secret<String>, IssueError> {
        let signed = self.sign_claims(kind, claims, algorithm).await;
        self.metrics.count_answer(kind, signed.as_ref().map(|(_, algorithm)| *algorithm));
        signed.map(|(token, _)| token)
    }

    async fn sign_claims(
        &self,
        kind: AnswerKind,
        claims: &impl Serialize,
        algorithm: Option<Algorithm>,
    ) -> Result<(Secret<String>, Algorithm), IssueError> {
        let json = serde_json::to_vec(claims).map_err(|_| IssueError::Failed("the claims are not JSON"))?;
        let json = within_limit(json)?;
        let (life, expires_at) = (ANSWER_LIFE, self.clock.now().plus_secs(ANSWER_LIFE.as_secs()));
        let signed = self.keys.sign(algorithm, kind.typ(), &json, life, expires_at).await?;
        Ok((signed.token, signed.algorithm))
    }
}

/// The claims, if a token can contain them.
fn within_limit(claims: Vec<u8>) -> Result<Vec<u8>, IssueError> {
    if claims.len() > MAX_CLAIMS_BYTES { Err(IssueError::TooLarge) } else { Ok(claims) }
}

#[cfg(test)]
mod tests {
    use jose::{ProtectedHeader, Typ};

    use super::*;

    #[test]
    fn claims_are_refused_above_their_limit_in_bytes() {
        let sized = |len| within_limit(vec![b'x'; len]).map(|claims| claims.len());
        assert_eq!(sized(MAX_CLAIMS_BYTES), Ok(MAX_CLAIMS_BYTES));
        assert_eq!(sized(MAX_CLAIMS_BYTES + 1), Err(IssueError::TooLarge));
    }

    #[test]
    fn the_most_claims_fit_into_a_token_with_the_longest_header_and_rsa_signature() {
        let header = ProtectedHeader::encode(Algorithm::Rs256, Typ::AtJwt, &"k".repeat(128));
        let input = jose::signing_input(&header, &[b'x'; MAX_CLAIMS_BYTES]);
        let token = jose::attach(input, &[0; 4096 / 8]);
        assert!(token.len() <= jose::MAX_TOKEN_LEN, "{}", token.len());
    }

    #[test]
    fn debug_does_not_show_a_token() {
        let issued = Issued { token: Secret::new("eyJ.hidden".to_owned()), expires_in: 60 };
        assert_eq!(format!("{issued:?}"), "Issued { token: Secret, expires_in: 60 }");
    }
}
