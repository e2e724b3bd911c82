//! The only code that reads random numbers, except for the key generation of the crypto library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{Event, EventId, EventKind, EventSubject, Initiator, Timestamp, UserId};

/// Gives random bytes, from the system or, in tests, as a sequence that a seed determines.
#[derive(Clone, Debug)]
pub enum Entropy {
    /// The crypto library's generator.
    System,
    /// A counter that is hashed into bytes: repeatable, and only for tests.
    Seeded(Arc<AtomicU64>),
}

impl Entropy {
    /// A repeatable sequence for tests.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(AtomicU64::new(seed)))
    }

    /// `N` random bytes.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with random ones.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        match self {
            Self::System => fill_from_system(bytes),
            Self::Seeded(counter) => {
                fill_from_counter(counter, bytes);
                Ok(())
            }
        }
    }

    /// A `jti` (RFC 7519 §4.1.7): 128 random bits in 32 hex digits.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn jti(&self) -> Result<String, EntropyError> {
        Ok(format!("{:032x}", u128::from_be_bytes(self.bytes()?)))
    }

    /// A new user's id in the form of a MongoDB ObjectId: four bytes of time, eight of randomness.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn user_id(&self, now: Timestamp) -> Result<UserId, EntropyError> {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&(now.as_secs() as u32).to_be_bytes());
        bytes[4..].copy_from_slice(&self.bytes::<8>()?);
        Ok(UserId::from_bytes(bytes))
    }

    /// An event that happens at `at`, with a new id.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn event(
        &self,
        at: Timestamp,
        kind: EventKind,
        initiator: Initiator,
        subject: EventSubject,
    ) -> Result<Event, EntropyError> {
        Ok(Event::new(self.event_id(at)?, at, kind, initiator, subject))
    }

    /// The id of an event that happens at `at`.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn event_id(&self, at: Timestamp) -> Result<EventId, EntropyError> {
        Ok(EventId::new(at, self.bytes()?))
    }
}

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random generator failed")]
pub struct EntropyError;

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's randomness")]
fn fill_from_system(bytes: &mut [u8]) -> Result<(), EntropyError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| EntropyError)
}

/// SplitMix64, one step for every eight bytes.
fn fill_from_counter(counter: &AtomicU64, bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(8) {
        let mut z = counter.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
    }
}
