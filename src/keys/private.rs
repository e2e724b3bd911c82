//! The private half of a key, here or far away.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jose::SigningKey;

use super::SignError;

/// What makes a key's signatures.
#[derive(Clone)]
pub enum Private {
    /// The key itself, in memory that is wiped when it is dropped.
    Local(Arc<SigningKey>),
    /// A service that has the key and never gives it away.
    Remote(Arc<dyn RemoteKey>),
}

/// A key that a service elsewhere signs with.
#[async_trait]
pub trait RemoteKey: Send + Sync {
    /// The JWS signature value over `message` (RFC 7518 §3): `r || s` for ES256. It ends in good time. The caller verifies it.
    ///
    /// # Errors
    /// [`SignError::Unavailable`] where the service does not answer, [`SignError::Failed`] where it refuses.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local(_) => "Local",
            Self::Remote(_) => "Remote",
        })
    }
}
