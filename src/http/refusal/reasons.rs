//! The refusal for each error of a use case. Only the errors of domain types show their own text: it says
//! what the field must be.

use super::{FieldFault, Kind, Refusal};
use crate::accounts::AccountError;
use crate::token::{CheckError, CustomClaimsError, IssueError};

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Username(_) | AccountError::Email(_) | AccountError::Password(_) => {
                FieldFault::Unparsed(error.to_string()).into()
            }
            AccountError::Exists => Kind::UserExists.into(),
            AccountError::Credentials => Kind::Credentials.into(),
            AccountError::Throttled(secs) => Kind::LoginThrottled(secs).into(),
            AccountError::Limited => Kind::LoginLimited.into(),
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
            IssueError::TooLong(most) => FieldFault::LifetimeTooLong(most).into(),
            IssueError::TooLarge => FieldFault::TokenTooLong.into(),
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
        FieldFault::Unparsed(error.to_string()).into()
    }
}
