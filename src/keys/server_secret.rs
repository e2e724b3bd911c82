//! How the ring of keys keeps the server secret: it is made once, and is beside the private keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::RingService;
use super::custody::CustodyError;
use super::key_event::Cause;
use super::ring_change::{Changed, LOST_RACES};
use crate::domain::{RingRecord, Secret, ServerSecretRecord, Timestamp};
use crate::entropy::{Entropy, EntropyError};

/// Why the server secret could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepSecretError {
    /// The keys' custody.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The system gives no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl RingService {
    /// The secret beside the keys. If there is none, this makes it; if several programs do so at the same moment, one makes it
    /// and all get the same. `None` if no ring is written yet, if the ring has moved, or if nothing can be written: then a
    /// later call makes it.
    ///
    /// # Errors
    /// [`KeepSecretError`].
    pub async fn keep_server_secret(
        &self,
        entropy: &Entropy,
    ) -> Result<Option<ServerSecretRecord>, KeepSecretError> {
        for _ in 0..LOST_RACES {
            let Some(before) = self.load().await?.filter(|ring| ring.moved.is_none()) else {
                return Ok(None);
            };
            if before.server_secret.is_some() {
                return Ok(before.server_secret);
            }
            let with_secret = |now| {
                let made = make(entropy, now)?;
                Ok::<_, KeepSecretError>(RingRecord {
                    revision: before.revision + 1,
                    server_secret: Some(made),
                    ..before.clone()
                })
            };
            match self.change(&before, Cause::ServerSecret, with_secret).await? {
                Changed::To(after) => return Ok(after.server_secret),
                Changed::Outrun => {}
                Changed::Unwritable(fault) => {
                    tracing::info!(%fault, "the server secret is not made yet: it could not be kept");
                    return Ok(None);
                }
            }
        }
        Err(CustodyError::Unavailable("other programs change the ring all the time".into()).into())
    }
}

fn make(entropy: &Entropy, now: Timestamp) -> Result<ServerSecretRecord, EntropyError> {
    let bytes = Secret::new(entropy.bytes::<32>()?);
    let text = Secret::new(STANDARD.encode(bytes.expose()));
    Ok(ServerSecretRecord::new(text.expose(), now))
}
