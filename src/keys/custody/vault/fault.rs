//! Why Vault gave no usable response.

use crate::keys::SignError;
use crate::keys::custody::CustodyError;

/// What went wrong, in words that contain no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// No response, or one that says to try again later: Vault is sealed, on standby, or overloaded.
    #[error("{0}")]
    Unavailable(String),
    /// The token is not valid, has expired, or its policies do not allow the request.
    #[error("it does not allow this: {0}")]
    Forbidden(String),
    /// The object does not exist.
    #[error("it was not found: {0}")]
    Missing(String),
    /// Anything else.
    #[error("{0}")]
    Refused(String),
}

impl Fault {
    /// The meaning of an unsuccessful response. `text` is what Vault says about it.
    pub(super) fn of_status(status: u16, text: String) -> Self {
        let said = if text.is_empty() { format!("status {status}") } else { text };
        match status {
            // A standby node may redirect to the active one, under a name that this program must not follow.
            300..=399 => Self::Unavailable(format!(
                "it redirects (status {status}); set VAULT_ADDR to the address that answers"
            )),
            // 412: a node that lags behind; 472 and 473: standby nodes.
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
