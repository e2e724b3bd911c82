//! The operator's decisions about keys.

use super::{KeyKind, Schedule};
use crate::domain::{Kid, Rotation};

/// The operator's decisions about keys. Lengths are in seconds.
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// `KEY_ROTATION`.
    pub rotation: Rotation,
    /// `JWKS_MAX_AGE`.
    pub jwks_max_age: u64,
    /// `VERIFIER_CACHE`.
    pub verifier_cache: u64,
    /// By how much clocks may differ.
    pub clock_skew: u64,
    /// How often an instance reads the ring, in seconds.
    pub refresh: u64,
    /// The longest life of any token.
    pub longest_token: u64,
    /// The kinds of keys that sign; the first one signs if the caller asks for no algorithm.
    pub kinds: Vec<KeyKind>,
    /// Whether an RSA key of another size is accepted.
    pub any_size: bool,
    /// The name of the first key. If it is `None`, a new key is named after its thumbprint, and an existing
    /// key keeps the original's name.
    pub first_kid: Option<Kid>,
}

impl KeySettings {
    /// The number of reads of the ring after which an instance's view counts as too old to sign with.
    const LOOKS: u64 = 4;

    /// How old the view that an instance has of the ring may be, in seconds.
    pub fn staleness(&self) -> u64 {
        self.refresh * Self::LOOKS
    }

    /// The rules that follow from them.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            period: self.rotation.period(false),
            period_of_adopted: self.rotation.period(true),
            jwks_max_age: self.jwks_max_age,
            verifier_cache: self.verifier_cache,
            clock_skew: self.clock_skew,
            staleness: self.staleness(),
            longest_token: self.longest_token,
            kinds: self.kinds.clone(),
            any_size: self.any_size,
        }
    }
}
