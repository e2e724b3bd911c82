//! Why an account's use case did not do what it was asked.

use super::HashError;
use crate::domain::{EmailError, PasswordError, Taken, UsernameError};
use crate::store::StoreError;
use crate::token::{CheckError, IssueError, Rejection};

/// Named by what happened. The texts are for the log and the command line; `http` has the status and the sentence that a
/// caller reads. The first three are the exception: the domain type that refuses a field says what the field must be, and a
/// caller of `http` reads the same text.
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
    #[error("a user with this username or email already exists")]
    Exists,
    /// There is no such user, or the password is another; which of them is not told.
    #[error("the username or the password is wrong")]
    Credentials,
    /// Too many log-ins to the account failed: the next one may come after so many seconds.
    #[error("too many log-ins to this account failed; the next one may come in {0} seconds")]
    Throttled(u16),
    /// So many log-ins to the account failed that only known addresses may try.
    #[error("so many log-ins to this account failed that only known addresses may try")]
    Limited,
    /// The token does not pass.
    #[error("the token does not pass")]
    Token(#[source] Rejection),
    /// The token is sound, but its session was ended. Callers read what they read for any token that does not pass.
    #[error("the token's session was ended by another password or by an operator")]
    LoggedOut,
    /// The token is sound, but no stored user's.
    #[error("there is no such user")]
    NoUser,
    /// Too long ago that the user logged in.
    #[error("the session is as old as a session may be")]
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
    /// No key may sign, or none is there to check with.
    #[error("the keys are unavailable")]
    NoKeys,
    /// A fault of ours.
    #[error("a fault of the service")]
    Internal(#[source] crate::store::Cause),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            // Named one by one: what another aggregate adds is not a user who exists.
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
