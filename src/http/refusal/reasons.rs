//! What each error of a use case is to a caller.

use super::{Kind, Refusal};
use crate::accounts::AccountError;
use crate::token::{CheckError, CustomClaimsError, IssueError};

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Username(_) | AccountError::Email(_) | AccountError::Password(_) => {
                Self::invalid(error.to_string())
            }
            AccountError::Exists => Kind::UserExists.into(),
            AccountError::Credentials => Kind::Credentials.into(),
            AccountError::Token(rejection) => Self::from(Kind::BearerFails).caused_by(rejection),
            AccountError::LoggedOut => Self::from(Kind::BearerFails).caused_by(error),
            AccountError::NoUser => Kind::NoUser.into(),
            AccountError::SessionEnded => Kind::SessionEnded.into(),
            AccountError::Busy => Kind::Busy.into(),
            AccountError::NoDatabase => Kind::NoDatabase.into(),
            AccountError::Unavailable(cause) => Self::from(Kind::DatabaseUnavailable).caused_by(cause),
            AccountError::NoKeys => Kind::NoKeys.into(),
            AccountError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<IssueError> for Refusal {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::TooLong(_) | IssueError::TooLarge => Self::invalid(error.to_string()),
            IssueError::Busy => Kind::Busy.into(),
            IssueError::Unavailable => Kind::NoKeys.into(),
            IssueError::Failed(_) => Self::internal(error),
        }
    }
}

impl From<CheckError> for Refusal {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Rejected(rejection) => Kind::TokenFails(rejection).into(),
            CheckError::NoKeys => Kind::NoKeys.into(),
        }
    }
}

impl From<CustomClaimsError> for Refusal {
    fn from(error: CustomClaimsError) -> Self {
        Self::invalid(error.to_string())
    }
}
