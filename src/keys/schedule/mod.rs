//! When a key is published, signs, retires and goes: rules of a record, settings and `now`, and nothing else. One step
//! at a time, so that missed deadlines are caught up in the right order; every instant is written down, so that a
//! restart neither resets nor skips anything (docs/adr/0009). Each algorithm of the settings has an active key and a
//! next key of its own (docs/adr/0034).
//!
//! Two instants make the promise that a verifier can verify every token:
//! * a key signs no earlier than a lead after its publication, when no verifier keeps a key set without it any more;
//! * it leaves the key set no earlier than the last token that it may have signed has expired on the slowest clock.

mod action;
mod apply;
mod due;
mod step;
#[cfg(test)]
pub(super) mod tests;

pub use action::Action;
pub(super) use apply::{announce_ends, first, published};
pub use apply::{apply, written_late};
pub(super) use due::known_to_all;
pub use due::{Outstanding, due_at};
pub use step::{Step, plan, step};

use jose::Algorithm;

use super::KeyKind;
use crate::domain::{KeyRecord, KeyState, RingRecord, Timestamp};

/// What an operator decides about keys. Lengths are in seconds.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How long a key signs; nothing where it signs for ever.
    pub period: Option<u64>,
    /// The same in a ring that began with a key of the original.
    pub period_of_adopted: Option<u64>,
    /// How long the answer says that it may be kept.
    pub jwks_max_age: u64,
    /// How long the slowest verifier keeps it that does not read what the answer says.
    pub verifier_cache: u64,
    /// By how much any two clocks may differ.
    pub clock_skew: u64,
    /// How old an instance's view of the ring may be.
    pub staleness: u64,
    /// The longest life of any token.
    pub longest_token: u64,
    /// The algorithms that are to sign, each with its kind of key. The first one signs where no algorithm is asked for.
    pub kinds: Vec<KeyKind>,
    /// Whether an RSA key of another size will do.
    pub any_size: bool,
}

/// Settings that would break the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "keys would sign for {period} s and must be published {lead} s before they sign \
     (JWKS_MAX_AGE {jwks_max_age} + VERIFIER_CACHE {verifier_cache} + clock skew {clock_skew} + staleness {staleness}): \
     make KEY_ROTATION longer, or one of the others shorter"
)]
pub struct PeriodTooShort {
    period: u64,
    lead: u64,
    jwks_max_age: u64,
    verifier_cache: u64,
    clock_skew: u64,
    staleness: u64,
}

impl Schedule {
    /// How long a key of `ring` signs; nothing where it signs for ever.
    pub fn period_of(&self, ring: &RingRecord) -> Option<u64> {
        if ring.adopted { self.period_of_adopted } else { self.period }
    }

    /// How long before it signs a key must be published. It is the sum, because a cache on the way may hand a verifier
    /// that ignores ages an answer that is as old as it may be already.
    pub fn lead(&self) -> u64 {
        self.jwks_max_age + self.verifier_cache + self.clock_skew + self.staleness
    }

    /// How long after its last signature a key that signed tokens of the life `carries` must stay. An instance that has
    /// not heard yet signs on; its clock, the retiring one's and a verifier's may each differ from the others.
    pub fn retirement(&self, ring: &RingRecord, carries: u64) -> u64 {
        carries.max(self.longest_token).saturating_add(self.lag().max(ring.lag))
    }

    fn lag(&self) -> u64 {
        self.staleness + 2 * self.clock_skew
    }

    /// Whether the ring is held to what these settings say. One that was held to more lag stays so until what was served
    /// then is forgotten: instances with settings of before may still run.
    fn is_noted_in(&self, ring: &RingRecord, now: Timestamp) -> bool {
        let lags = ring.lag == self.lag() || (ring.lag > self.lag() && now < ring.kept_until);
        ring.lead == self.lead() && lags
    }

    /// # Errors
    /// [`PeriodTooShort`] where a key's successor would have to be published before the key itself signs.
    pub fn check(&self, ring: &RingRecord) -> Result<(), PeriodTooShort> {
        let Self { jwks_max_age, verifier_cache, clock_skew, staleness, .. } = *self;
        match self.period_of(ring) {
            Some(period) if period < self.lead() => {
                let lead = self.lead();
                Err(PeriodTooShort { period, lead, jwks_max_age, verifier_cache, clock_skew, staleness })
            }
            _ => Ok(()),
        }
    }

    /// How long, in seconds, a reader may keep the key set of a `ring` that was read `age` seconds ago; nothing where it
    /// must not be given out any more. A key that is not in it signs a lead after it was read, at the earliest.
    pub fn max_age(&self, ring: &RingRecord, age: u64) -> Option<u64> {
        match ring.lead.checked_sub(age + self.verifier_cache + self.clock_skew) {
            Some(known) => Some(known.min(self.jwks_max_age)),
            // The ring is held to less than the settings ask for: what is fresh goes out, and is not to be kept.
            None => (age <= self.staleness).then_some(0),
        }
    }

    /// Until when an instance may sign by `alg` with a ring that it read at `read_at` and has not seen since. Nothing
    /// retires the key before its successor's turn, or before the end that is announced for its algorithm. Where neither
    /// is announced yet, it will be a lead before; from then on its time is what every key is kept for.
    pub fn signs_until(&self, ring: &RingRecord, alg: &str, read_at: Timestamp) -> Timestamp {
        // Programs that know one algorithm only let any next key replace this one.
        let next = if ring.has_several() { ring.next(alg) } else { ring.next_of_any() };
        let announced = next.map(|next| next.activates_at).into_iter().chain(ring.dropped.get(alg).copied());
        let turn = announced.min().unwrap_or(read_at.plus_secs(ring.lead));
        read_at.max(turn.minus_secs(self.clock_skew)).plus_secs(self.staleness)
    }

    /// The kind of the keys that sign where no algorithm is asked for.
    pub fn default_kind(&self) -> Option<KeyKind> {
        self.kinds.first().copied()
    }

    /// The kind of an algorithm of the settings.
    pub fn kind_of(&self, alg: &str) -> Option<KeyKind> {
        self.kinds.iter().copied().find(|kind| kind.algorithm.name() == alg)
    }

    /// Whether the settings list this algorithm.
    pub fn lists(&self, alg: &str) -> bool {
        self.kind_of(alg).is_some()
    }

    /// The key that signs where no algorithm is asked for: that of the first algorithm of the settings which has an
    /// active key. While none of them has one, it is any active key. A post-quantum key is never the default one: few
    /// verifiers know it.
    pub fn default_key<'a>(&self, ring: &'a RingRecord) -> Option<&'a KeyRecord> {
        let listed = self.kinds.iter().filter_map(|kind| ring.active(kind.algorithm.name()));
        listed.chain(ring.signing()).find(|key| !is_post_quantum(&key.alg))
    }

    /// Whether a key is of a kind that is to sign.
    fn fits(&self, key: &KeyRecord) -> bool {
        let kind = self.kind_of(&key.alg);
        kind.is_some_and(|kind| !kind.algorithm.is_rsa() || self.any_size || kind.rsa_bits == key.bits)
    }

    /// Whether an algorithm of the settings has a key in this state.
    fn any_is(&self, state: KeyState, ring: &RingRecord) -> bool {
        ring.keys.iter().any(|key| key.state == state && self.lists(&key.alg))
    }
}

fn is_post_quantum(alg: &str) -> bool {
    alg.parse().is_ok_and(Algorithm::is_post_quantum)
}
