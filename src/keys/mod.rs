//! The heart of the house: the keys that sign and verify. [`custody`] keeps private keys at rest, [`Ring`] is the
//! immutable snapshot that every request reads, [`Signer`] makes signatures, and [`Keys`] holds the ring of the moment.

pub mod custody;
mod ring;
pub mod schedule;
mod signer;

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

pub use ring::{ActiveKey, Published, Ring};
pub use signer::{LocalSigner, SignError, Signer};

/// The ring of the moment, and what signs with it. Reading takes no lock; a new ring is swapped in whole.
pub struct Keys {
    ring: ArcSwap<Ring>,
    signer: Arc<dyn Signer>,
}

impl Keys {
    /// Begins with `ring`.
    pub fn new(ring: Ring, signer: Arc<dyn Signer>) -> Self {
        Self { ring: ArcSwap::from_pointee(ring), signer }
    }

    /// The snapshot to work with for the length of one request.
    pub fn ring(&self) -> Guard<Arc<Ring>> {
        self.ring.load()
    }

    /// Signs `claims`, a JSON object, with the active key: a compact JWS (RFC 7515 §3.1).
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, claims: &[u8]) -> Result<String, SignError> {
        let key = Arc::clone(self.ring().active());
        let input = jose::signing_input(key.protected_header(), claims);
        self.signer.sign(key, input).await
    }
}
