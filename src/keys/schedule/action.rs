//! The change that a step makes.

use super::Schedule;
use crate::domain::{Kid, RingRecord, Timestamp};
use crate::keys::KeyKind;

/// The next step of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make the keys that sign at once, if no key does.
    Begin,
    /// Record that the key set is served with another lead.
    NoteLead,
    /// Record that active keys sign for longer than before.
    Carry,
    /// Make a key and publish it; it signs at `activates_at`.
    Publish {
        /// The kind of the key.
        kind: KeyKind,
        /// When it begins to sign.
        activates_at: Timestamp,
    },
    /// Let the published key sign, and retire the key of its algorithm that signed before.
    Activate(Kid),
    /// Announce that the keys of an algorithm stop signing at `at`: the settings no longer list it.
    Drop {
        /// The JWA name.
        alg: String,
        /// The earliest time at which they stop.
        at: Timestamp,
    },
    /// Withdraw such an announcement: the settings list the algorithm.
    Keep(String),
    /// Retire the active key of an algorithm that was dropped.
    Retire(String),
    /// Keep a retired key for longer: one of its tokens lives longer than was assumed.
    Extend(Kid, Timestamp),
    /// Remove a retired key from the key set.
    Remove(Kid),
    /// Destroy the private half of a key that has left.
    Discard(Kid),
    /// Drop the record of a key that left long ago.
    Forget(Kid),
}

impl Action {
    /// The kinds of the keys that must be made for it. A ring that has never had a key begins with one of
    /// each algorithm: no key set without them was ever served.
    pub fn makes(&self, ring: &RingRecord, schedule: &Schedule) -> Vec<KeyKind> {
        match self {
            Self::Begin if ring.keys.is_empty() => schedule.kinds.clone(),
            Self::Begin => schedule.default_kind().into_iter().collect(),
            Self::Publish { kind, .. } => vec![*kind],
            _ => Vec::new(),
        }
    }

    /// Whether it is the same step, although an instant in it may be different.
    pub fn is_again(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Publish { kind, .. }, Self::Publish { kind: of_other, .. }) => kind == of_other,
            (Self::Drop { alg, .. }, Self::Drop { alg: of_other, .. }) => alg == of_other,
            (Self::Extend(kid, _), Self::Extend(of_other, _)) => kid == of_other,
            _ => self == other,
        }
    }
}
