//! How the ring of keys keeps the server secret: it is made once, and is beside the private keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::RingService;
use super::custody::{CustodyError, FileFault};
use super::key_event::Cause;
use super::ring_change::{Changed, LOST_RACES};
use crate::domain::{RingRecord, Secret, ServerSecretRecord, Timestamp};
use crate::entropy::{Entropy, EntropyError};
use crate::server_secret::{ServerSecretError, fingerprint_of, has_fingerprint};

/// Why the server secret could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepSecretError {
    /// The secret beside the keys exists but cannot be used.
    #[error("the server secret beside the keys cannot be used: {0}")]
    Unusable(String),
    /// It does not exist, and the place of the keys cannot be written.
    #[error("there is no server secret yet, because it could not be stored: {0}")]
    Unwritable(FileFault),
    /// Its fingerprint.
    #[error(transparent)]
    Fingerprint(#[from] ServerSecretError),
    /// The keys' custody.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl RingService {
    /// The secret beside the keys. If there is none, this makes it; if several programs do so at the same moment, one makes it
    /// and all get the same. The ring has its fingerprint from then on. `None` if no ring is written yet, or if the ring has
    /// moved: then a later call makes it. A secret that cannot be used stays as it is.
    ///
    /// # Errors
    /// [`KeepSecretError`].
    pub async fn keep_server_secret(
        &self,
        entropy: &Entropy,
    ) -> Result<Option<ServerSecretRecord>, KeepSecretError> {
        for _ in 0..LOST_RACES {
            let Some(before) = self.load().await? else { return Ok(None) };
            if let Some(fault) = &before.server_secret_fault {
                return Err(KeepSecretError::Unusable(fault.to_string()));
            }
            if before.moved.is_some() || has_fingerprint(&before)? {
                return Ok(before.server_secret);
            }
            let after = |now| with_secret(&before, entropy, now);
            match self.change(&before, Cause::ServerSecret, after).await? {
                Changed::To(after) => return Ok(after.server_secret),
                Changed::Outrun => {}
                // The secret is used all the same.
                Changed::Unwritable(_) if before.server_secret.is_some() => return Ok(before.server_secret),
                Changed::Unwritable(fault) => return Err(KeepSecretError::Unwritable(fault)),
            }
        }
        Err(CustodyError::Unavailable("other programs change the ring all the time".into()).into())
    }
}

/// `ring` with a secret, which is made if there is none, and with its fingerprint.
fn with_secret(ring: &RingRecord, entropy: &Entropy, now: Timestamp) -> Result<RingRecord, KeepSecretError> {
    let secret = match &ring.server_secret {
        Some(secret) => secret.clone(),
        None => make(entropy, now)?,
    };
    Ok(RingRecord {
        revision: ring.revision + 1,
        server_secret_fingerprint: Some(fingerprint_of(&secret)?),
        server_secret: Some(secret),
        ..ring.clone()
    })
}

fn make(entropy: &Entropy, now: Timestamp) -> Result<ServerSecretRecord, EntropyError> {
    let bytes = Secret::new(entropy.bytes::<32>()?);
    let text = Secret::new(STANDARD.encode(bytes.expose()));
    Ok(ServerSecretRecord::new(text.expose(), now))
}
