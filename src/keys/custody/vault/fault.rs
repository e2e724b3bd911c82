//! Why Vault gave no answer to work with.

use crate::keys::SignError;
use crate::keys::custody::CustodyError;

/// What went wrong, in words that hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// No answer, or one that says to come back later: sealed, standing by, overloaded.
    #[error("{0}")]
    Unavailable(String),
    /// The token is not good, not good any more, or its policies do not allow it.
    #[error("it does not allow it: {0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("there is nothing there: {0}")]
    Missing(String),
    /// Anything else.
    #[error("{0}")]
    Refused(String),
}

impl Fault {
    /// What an answer other than a good one means. `text` is what Vault says of it.
    pub(super) fn of_status(status: u16, text: String) -> Self {
        let said = if text.is_empty() { format!("status {status}") } else { text };
        match status {
            // A node that stands by may send to the one that leads, under a name that is not ours to follow.
            300..=399 => Self::Unavailable(format!(
                "it sends elsewhere (status {status}); VAULT_ADDR must be where it answers"
            )),
            // 412: a node that lags behind; 472 and 473: nodes that stand by.
            412 | 429 | 472 | 473 | 500..=599 => Self::Unavailable(said),
            403 => Self::Forbidden(said),
            404 => Self::Missing(said),
            _ => Self::Refused(said),
        }
    }
}

impl From<Fault> for CustodyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(_) => Self::Unavailable(fault.into()),
            _ => Self::Refused(fault.into()),
        }
    }
}

impl From<Fault> for SignError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(_) => Self::Unavailable,
            _ => Self::Failed,
        }
    }
}
