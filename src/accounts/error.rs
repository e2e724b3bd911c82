//! Why an account's use case did not do what it was asked.

use super::HashError;
use crate::domain::{EmailError, PasswordError, UsernameError};
use crate::store::StoreError;
use crate::token::{CheckError, IssueError, Rejection};

/// What the log says of a token whose session was ended.
#[derive(Debug, thiserror::Error)]
#[error("its session was ended by another password or by an operator")]
pub struct LoggedOut;

/// Named by what happened; `http` gives each its status.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be one.
    #[error(transparent)]
    Username(#[from] UsernameError),
    /// The address cannot be one.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The name or the address is taken.
    #[error("User with this username or email already exists")]
    Exists,
    /// Nobody, or not by this password; which of them is not told.
    #[error("Invalid credentials")]
    Credentials,
    /// The token does not pass.
    #[error("Token verification failed")]
    Token(Rejection),
    /// The token is sound, but its session was ended: by another password, or by an operator. Callers read what they
    /// read for any token that does not pass.
    #[error("Token verification failed")]
    LoggedOut(#[source] LoggedOut),
    /// The token is sound, but no stored user's.
    #[error("User not found")]
    NoUser,
    /// Too long ago that the user logged in.
    #[error("The session has ended; log in again")]
    SessionEnded,
    /// Too much work is waiting.
    #[error("The server is busy; try again shortly")]
    Busy,
    /// The server runs without a database.
    #[error("Accounts need a database, and this server runs without one (SKIP_DATABASE=true)")]
    NoDatabase,
    /// The database does not answer.
    #[error("The database is unavailable; try again shortly")]
    Unavailable(#[source] StoreError),
    /// No key may sign, or none is there to check with.
    #[error("The keys are unavailable; try again shortly")]
    NoKeys,
    /// A fault of ours.
    #[error("Internal server error")]
    Internal(#[source] crate::store::Cause),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::Exists,
            StoreError::Absent => Self::NoDatabase,
            StoreError::Unavailable(_) | StoreError::Newer { .. } | StoreError::Corrupt(_) => {
                Self::Unavailable(error)
            }
            StoreError::Backend(_) => Self::Internal(error.into()),
        }
    }
}

impl From<IssueError> for AccountError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Busy => Self::Busy,
            IssueError::Unavailable => Self::NoKeys,
            other => Self::Internal(other.into()),
        }
    }
}

impl From<HashError> for AccountError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed => Self::Internal(error.into()),
        }
    }
}

impl From<CheckError> for AccountError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Rejected(rejection) => Self::Token(rejection),
            CheckError::NoKeys => Self::NoKeys,
        }
    }
}
