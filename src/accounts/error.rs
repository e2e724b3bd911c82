//! Why a use case of the accounts failed.

use super::HashError;
use crate::domain::{EmailError, PasswordError, Taken, UsernameError};
use crate::entropy::EntropyError;
use crate::store::StoreError;
use crate::token::{CheckError, IssueError, Rejection};

/// The variants are named after what happened. The texts are for the log and the command line; `http` has the
/// status and the sentence that a caller reads. The first three are the exception: the domain type that
/// refuses a field says what the field must be, and a caller of `http` reads the same text.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name is not allowed.
    #[error(transparent)]
    Username(#[from] UsernameError),
    /// The address is not allowed.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// The password is not allowed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Another user has the name or the address.
    #[error("a user with this username or email already exists")]
    Exists,
    /// There is no such user, or the password is wrong; the caller does not learn which of the two.
    #[error("the username or the password is wrong")]
    Credentials,
    /// Too many log-ins to the account failed: the next one may come after so many seconds.
    #[error("too many log-ins to this account failed; the next one may come in {0} seconds")]
    Throttled(u16),
    /// So many log-ins to the account failed that only known addresses may try.
    #[error("so many log-ins to this account failed that only known addresses may try")]
    Limited,
    /// The token is not valid.
    #[error("the token is not valid")]
    Token(#[source] Rejection),
    /// The token is valid, but its session has ended. Callers read the same as for any token that is not
    /// valid.
    #[error("the session of the token has ended, because the password was changed or an operator ended it")]
    LoggedOut,
    /// The token is valid, but its subject is not a stored user.
    #[error("there is no such user")]
    NoUser,
    /// The user logged in too long ago.
    #[error("the session is too old")]
    SessionEnded,
    /// Too much work is waiting.
    #[error("too much work is waiting")]
    Busy,
    /// The server runs without a database.
    #[error("accounts need a database: set SKIP_DATABASE=false")]
    NoDatabase,
    /// The database does not answer.
    #[error("the database is unavailable")]
    Unavailable(#[source] StoreError),
    /// No key may sign, or no key is known with which a token could be checked.
    #[error("the keys are unavailable")]
    NoKeys,
    /// An internal error.
    #[error("an internal error")]
    Internal(#[source] crate::store::Cause),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            // The variants are listed one by one: if another aggregate adds one, it does not mean that a user
            // exists.
            StoreError::Conflict(Taken::UserId | Taken::Username | Taken::Email) => Self::Exists,
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

impl From<EntropyError> for AccountError {
    fn from(error: EntropyError) -> Self {
        Self::Internal(error.into())
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
            CheckError::NoKeys | CheckError::DenialsNotLoaded => Self::NoKeys,
            CheckError::Denied => Self::LoggedOut,
        }
    }
}
