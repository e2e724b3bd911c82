//! The private half of a key, in this process or in a remote service.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jose::SigningKey;

use super::SignError;

/// The signer of a key.
#[derive(Clone)]
pub enum Private {
    /// The key itself, in memory that is wiped when it is dropped.
    Local(Arc<SigningKey>),
    /// A service that has the key and never returns it.
    Remote(Arc<dyn RemoteKey>),
}

/// A key with which a remote service signs.
#[async_trait]
pub trait RemoteKey: Send + Sync {
    /// The JWS signature value over `message` (RFC 7518 §3): `r || s` for ES256. The call has a deadline. The
    /// caller verifies the signature.
    ///
    /// # Errors
    /// [`SignError::Unavailable`] if the service does not answer, [`SignError::Failed`] if it refuses.
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
