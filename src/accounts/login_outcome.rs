//! How a log-in ended, in the words of logs and figures.

use super::{AccountError, LoggedIn};

/// How a log-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginOutcome {
    /// The user got a token.
    Succeeded,
    /// The password was wrong, or there is no such user.
    Wrong,
    /// Too many log-ins failed before: this one came too early and was not checked.
    Throttled,
    /// So many failed that only known addresses may try.
    Limited,
    /// Too much work is waiting.
    Busy,
    /// The database or the keys are unavailable.
    Unavailable,
    /// A fault of ours.
    Failed,
}

impl LoginOutcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Succeeded,
        Self::Wrong,
        Self::Throttled,
        Self::Limited,
        Self::Busy,
        Self::Unavailable,
        Self::Failed,
    ];

    /// How this log-in ended.
    pub fn of(result: &Result<LoggedIn, AccountError>) -> Self {
        match result {
            Ok(_) => Self::Succeeded,
            Err(AccountError::Credentials) => Self::Wrong,
            Err(AccountError::Throttled(_)) => Self::Throttled,
            Err(AccountError::Limited) => Self::Limited,
            Err(AccountError::Busy) => Self::Busy,
            Err(AccountError::Unavailable(_) | AccountError::NoKeys | AccountError::NoDatabase) => {
                Self::Unavailable
            }
            Err(_) => Self::Failed,
        }
    }

    /// Its name in logs and figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Wrong => "wrong",
            Self::Throttled => "throttled",
            Self::Limited => "limited",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }
}
