//! The heart of the house: the keys that sign and verify. [`custody`] keeps them while the process does not run,
//! [`schedule`] says what is due of them, [`Keeper`] does it, and [`Watch`] sees to it that it is done. [`Ring`] is the
//! immutable snapshot that every request reads, [`Signer`] makes signatures, and [`Keys`] holds the ring of the moment.

pub mod custody;
pub mod forecast;
mod inheritance;
mod keeper;
mod kind;
pub mod orders;
mod private;
mod relocation;
mod ring;
pub mod schedule;
mod settings;
mod signer;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwapOption, Guard};

use crate::clock::Clock;
use crate::domain::{Lifetime, Timestamp};

pub use keeper::{Begun, Keeper};
pub use kind::KeyKind;
pub use private::{Private, RemoteKey};
pub use relocation::Relocation;
pub use ring::{ActiveKey, Published, Ring};
pub use schedule::Schedule;
pub use settings::KeySettings;
pub use signer::{SignError, Signer};
pub use watch::Watch;

/// The ring of the moment, and what signs with it. Reading takes no lock; a new ring is swapped in whole.
pub struct Keys {
    view: ArcSwapOption<View>,
    signer: Signer,
    clock: Clock,
}

/// A ring and how fresh it is. Instants are milliseconds of uptime.
#[derive(Debug)]
pub struct View {
    ring: Arc<Ring>,
    read_at: u64,
    signs_until: u64,
}

impl View {
    /// How long, in seconds, readers may keep what the ring publishes when the system has been up for so long; nothing
    /// where the ring was read so long ago that another key may sign soon.
    pub fn max_age(&self, up: Duration) -> Option<u64> {
        let age = (up.as_millis() as u64).saturating_sub(self.read_at).div_ceil(1000);
        self.ring.max_age(age)
    }

    /// The ring itself.
    fn snapshot(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// The key that may sign then.
    fn signing(&self, up: Duration) -> Option<&Arc<ActiveKey>> {
        self.ring.active().filter(|_| (up.as_millis() as u64) < self.signs_until)
    }
}

impl std::ops::Deref for View {
    type Target = Ring;

    fn deref(&self) -> &Ring {
        &self.ring
    }
}

impl Keys {
    /// Begins without a ring: nothing is signed, checked or published before [`Keys::install`].
    pub fn new(signer: Signer, clock: Clock) -> Self {
        Self { view: ArcSwapOption::empty(), signer, clock }
    }

    /// The snapshot to work with for the length of one request; none where the ring could not be read yet.
    pub fn ring(&self) -> Guard<Option<Arc<View>>> {
        self.view.load()
    }

    /// Puts `ring` in the place of the one before. It was read when the system had been up for `read_at`, and may sign
    /// `signs` seconds from then.
    pub fn install(&self, ring: Arc<Ring>, read_at: Duration, signs: u64) {
        let read_at = read_at.as_millis() as u64;
        let signs_until = read_at.saturating_add(signs.saturating_mul(1000));
        self.view.store(Some(Arc::new(View { ring, read_at, signs_until })));
    }

    /// Takes the ring away: what it held is somewhere else now.
    pub fn clear(&self) {
        self.view.store(None);
    }

    /// Whether a token can be signed now, as far as is known here.
    pub fn may_sign(&self) -> bool {
        self.ring().as_ref().is_some_and(|view| view.signing(self.clock.uptime()).is_some())
    }

    /// Signs `claims`, a JSON object, with the active key: a compact JWS (RFC 7515 §3.1). The token is to live for
    /// `lifetime`, until `expires_at`.
    ///
    /// # Errors
    /// [`SignError`]; `Unavailable` where no key may sign, or none that is sure to be published for so long.
    pub async fn sign(
        &self,
        claims: &[u8],
        lifetime: Lifetime,
        expires_at: Timestamp,
    ) -> Result<String, SignError> {
        let up = self.clock.uptime();
        let key =
            self.ring().as_ref().and_then(|view| view.signing(up).cloned()).ok_or(SignError::Unavailable)?;
        if !key.carries(lifetime.as_secs()) {
            return Err(SignError::Unavailable);
        }
        key.note_expiry(expires_at);
        let input = jose::signing_input(key.protected_header(), claims);
        self.signer.sign(&key, input).await
    }
}
