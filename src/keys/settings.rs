//! What an operator decides about keys.

use super::KeyKind;
use crate::domain::{Kid, Rotation};

/// What an operator decides about keys. Lengths are in seconds.
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
    /// How often an instance looks at the ring.
    pub refresh: u64,
    /// The longest life of any token.
    pub longest_token: u64,
    /// What kind of key signs.
    pub kind: KeyKind,
    /// Whether an RSA key of another size will do.
    pub any_size: bool,
    /// The name of the first key; where there is none, a key that is made has its thumbprint, and one that is found has the
    /// original's.
    pub first_kid: Option<Kid>,
}
