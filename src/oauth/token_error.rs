//! Why an OAuth endpoint refuses a request.

use std::borrow::Cow;

use super::{ClientAuthError, StatusPlaceError};
use crate::entropy::EntropyError;
use crate::store::{Cause, StoreError};
use crate::token::{CheckError, IssueError};

/// Why an OAuth endpoint refuses. The names are those of RFC 6749 §5.2 and RFC 8707 §2; a sentence says to the programmer of the
/// client what to change.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// `invalid_request`: a parameter is missing, occurs twice or cannot be read.
    #[error("{0}")]
    InvalidRequest(Cow<'static, str>),
    /// `invalid_client`: the client did not authenticate. The sentence is the same for an unknown client and a wrong secret.
    #[error("the client could not be authenticated")]
    InvalidClient(#[source] ClientAuthError),
    /// The client cannot be authenticated now: try again later.
    #[error("the client cannot be authenticated now")]
    ClientUnchecked(#[source] ClientAuthError),
    /// `invalid_grant`: the code or the refresh token is not valid, or belongs to another client.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// `unauthorized_client`: the client may not do this.
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// `unsupported_grant_type`.
    #[error("the service does not support this grant type")]
    UnsupportedGrantType,
    /// `invalid_scope`: a scope is malformed, or the client may not have it.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// `invalid_target`: the client may not have tokens for this resource.
    #[error("this client may not have tokens for this resource")]
    InvalidTarget,
    /// `invalid_token`: the access token at a protected resource is not valid (RFC 6750 §3.1).
    #[error("the access token is not valid")]
    InvalidToken(#[source] CheckError),
    /// `insufficient_scope`: the access token is valid, and not meant for this.
    #[error("the access token has not the scope openid")]
    InsufficientScope,
    /// Too much work is waiting: try again shortly.
    #[error("the server is busy")]
    Busy,
    /// The user has asked for too many codes of the client in the last minute, and no client has used them.
    #[error("the user has asked for too many codes of this client: try again in a minute")]
    TooManyCodes,
    /// No key may sign now, or no key is known yet.
    #[error("no key may sign now, or no key is known yet")]
    NoKeys,
    /// What the answer needs is not loaded yet: the clients, the denials or the server secret.
    #[error("what the answer needs is not loaded yet")]
    NotReady,
    /// The server runs without a database.
    #[error("the server runs without a database")]
    NoDatabase,
    /// The database does not answer.
    #[error("the database is unavailable")]
    Unavailable(Cause),
    /// An internal error.
    #[error("{0}")]
    Failed(Cow<'static, str>),
}

impl TokenError {
    /// A request that cannot be read, with the sentence for the programmer of the client.
    pub fn invalid_request(sentence: &'static str) -> Self {
        Self::InvalidRequest(sentence.into())
    }
}

impl From<EntropyError> for TokenError {
    fn from(error: EntropyError) -> Self {
        Self::Failed(error.to_string().into())
    }
}

impl From<CheckError> for TokenError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::NoKeys => Self::NoKeys,
            CheckError::DenialsNotLoaded => Self::NotReady,
            CheckError::Rejected(_) | CheckError::Denied => Self::InvalidToken(error),
        }
    }
}

impl From<ClientAuthError> for TokenError {
    fn from(error: ClientAuthError) -> Self {
        match error {
            ClientAuthError::Missing | ClientAuthError::OtherScheme | ClientAuthError::Failed(_) => {
                Self::InvalidClient(error)
            }
            ClientAuthError::Ambiguous(sentence) => Self::invalid_request(sentence),
            ClientAuthError::NotLoaded(_) => Self::NotReady,
            ClientAuthError::Unchecked { .. } => Self::ClientUnchecked(error),
        }
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Absent => Self::NoDatabase,
            StoreError::Unavailable(cause) => Self::Unavailable(cause),
            other => Self::Failed(other.to_string().into()),
        }
    }
}

impl From<StatusPlaceError> for TokenError {
    fn from(error: StatusPlaceError) -> Self {
        match error {
            StatusPlaceError::Store(error) => error.into(),
            StatusPlaceError::NotReady => Self::NotReady,
            StatusPlaceError::Off | StatusPlaceError::Failed(_) => Self::Failed(error.to_string().into()),
        }
    }
}

impl From<IssueError> for TokenError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::TooLarge => {
                Self::invalid_request("the token would be too long; ask for fewer scopes and resources")
            }
            IssueError::Busy => Self::Busy,
            IssueError::Unavailable => Self::NoKeys,
            IssueError::TooLong(_) => Self::Failed("the lifetime is too long".into()),
            IssueError::Failed(what) => Self::Failed(what.into()),
        }
    }
}
