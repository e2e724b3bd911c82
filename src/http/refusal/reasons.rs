//! The refusal for each error of a use case. Only the errors of domain types show their own text: it says
//! what the field must be.

use super::{FieldFault, GenerateFault, Kind, OAuthFault, Refusal};
use crate::accounts::AccountError;
use crate::oauth::{Cause, ClientAuthError, GenerateError, TokenError};
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
            CheckError::Denied => Kind::TokenRevoked.into(),
            CheckError::DenialsNotLoaded => Kind::NotReady.into(),
        }
    }
}

/// OAuth endpoints tell of an ambiguous request before ([`TokenError::InvalidRequest`]); those of the API read credentials from
/// the header `Authorization` alone.
impl From<ClientAuthError> for Refusal {
    fn from(error: ClientAuthError) -> Self {
        match error {
            ClientAuthError::Missing | ClientAuthError::Ambiguous(_) | ClientAuthError::Failed(_) => {
                Self::from(OAuthFault::InvalidClient).caused_by(error)
            }
            ClientAuthError::OtherScheme => Self::from(OAuthFault::OtherScheme("Basic")).caused_by(error),
            ClientAuthError::NotLoaded(_) => Self::from(Kind::NotReady).caused_by(error),
            ClientAuthError::Unchecked { retry_secs, .. } => {
                Self::from(Kind::ClientUnchecked(retry_secs)).caused_by(error)
            }
        }
    }
}

impl From<GenerateError> for Refusal {
    fn from(error: GenerateError) -> Self {
        let fault = match error {
            GenerateError::Client(error) => return error.into(),
            GenerateError::Token(CheckError::NoKeys) => return Kind::NoKeys.into(),
            GenerateError::Token(CheckError::DenialsNotLoaded) => return Kind::NotReady.into(),
            GenerateError::Token(error) => return Self::from(Kind::BearerFails).caused_by(error),
            GenerateError::NotAccepted(_) => return Self::from(Kind::BearerFails).caused_by(error),
            GenerateError::Reserved(error) => return error.into(),
            GenerateError::Status(error) => return TokenError::from(error).into(),
            GenerateError::Issue(error) => return error.into(),
            GenerateError::NoScope => GenerateFault::NoScope,
            GenerateError::NoPolicy => GenerateFault::NoPolicy,
            GenerateError::Subject => GenerateFault::Subject,
            GenerateError::Audience(audience) => GenerateFault::Audience(audience),
            GenerateError::Claim(name) => GenerateFault::Claim(name),
            GenerateError::Lifetime(most) => GenerateFault::Lifetime(most),
            GenerateError::LongestLifetime(most) => GenerateFault::LongestLifetime(most),
        };
        Kind::NotGenerated(fault).into()
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::InvalidClient(error) | TokenError::ClientUnchecked(error) => error.into(),
            TokenError::InvalidRequest(sentence) => OAuthFault::InvalidRequest(sentence).told_and_logged(),
            TokenError::InvalidGrant(sentence) => OAuthFault::InvalidGrant(sentence).told_and_logged(),
            TokenError::UnauthorizedClient(sentence) => {
                OAuthFault::UnauthorizedClient(sentence).told_and_logged()
            }
            TokenError::UnsupportedGrantType => OAuthFault::UnsupportedGrantType.told_and_logged(),
            TokenError::InvalidScope(sentence) => OAuthFault::InvalidScope(sentence).told_and_logged(),
            TokenError::InvalidTarget => OAuthFault::InvalidTarget.told_and_logged(),
            TokenError::InvalidToken(rejection) => Self::from(Kind::BearerFails).caused_by(rejection),
            TokenError::InsufficientScope => OAuthFault::InsufficientScope.into(),
            TokenError::Busy | TokenError::TooManyCodes => Kind::Busy.into(),
            TokenError::NotReady => Kind::NotReady.into(),
            TokenError::NoKeys => Kind::NoKeys.into(),
            TokenError::NoDatabase => Kind::NoDatabase.into(),
            TokenError::Unavailable(cause) => {
                Self::from(Kind::DatabaseUnavailable).caused_by(BoxedCause(cause))
            }
            TokenError::Failed(_) => Self::internal(error),
        }
    }
}

/// A cause that is known only as an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BoxedCause(Cause);

impl From<CustomClaimsError> for Refusal {
    fn from(error: CustomClaimsError) -> Self {
        FieldFault::Unparsed(error.to_string()).into()
    }
}
