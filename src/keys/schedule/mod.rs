//! When a key is published, signs, retires and leaves the key set: functions of the ring's document, the
//! settings and `now`. The schedule takes one step at a time, so that it takes missed steps in the right order. Every instant
//! is stored in the record, so that a restart neither resets nor skips anything (docs/adr/0009). Each
//! algorithm of the settings has its own active key and next key (docs/adr/0034).
//!
//! Two rules guarantee that a verifier can verify every token:
//! * a key signs no earlier than a lead (see [`Schedule::lead`]) after its publication, because until then a
//!   verifier may keep a key set without it;
//! * a key leaves the key set only when the last token that it may have signed has expired on the slowest
//!   clock.

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

/// The operator's decisions about keys. Lengths are in seconds.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// How long a key signs; `None` if it signs for ever.
    pub period: Option<u64>,
    /// The same in a ring that began with a key of the original.
    pub period_of_adopted: Option<u64>,
    /// How long caches may keep the key set, as the response says.
    pub jwks_max_age: u64,
    /// How long the slowest verifier keeps the key set if it ignores what the response says.
    pub verifier_cache: u64,
    /// By how much any two clocks may differ.
    pub clock_skew: u64,
    /// The greatest age of an instance's copy of the ring.
    pub staleness: u64,
    /// The longest life of any token.
    pub longest_token: u64,
    /// The algorithms that should sign, each with its kind of key. The first one signs if the caller asks for
    /// no algorithm.
    pub kinds: Vec<KeyKind>,
    /// Whether an RSA key of another size is accepted.
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
    /// How long a key of `ring` signs; `None` if it signs for ever.
    pub fn period_of(&self, ring: &RingRecord) -> Option<u64> {
        if ring.adopted { self.period_of_adopted } else { self.period }
    }

    /// The lead: how long before its first signature a key must be published. It contains both `jwks_max_age`
    /// and `verifier_cache`, because a cache may keep a response for the first time and then give it to a
    /// verifier, which ignores the age of the response and keeps it for the second time.
    pub fn lead(&self) -> u64 {
        self.jwks_max_age + self.verifier_cache + self.clock_skew + self.staleness
    }

    /// How long a key must stay after its last signature if it signed tokens with the lifetime `carries`. An
    /// instance that does not know the change continues to sign; its clock, the clock of the retiring
    /// instance and the clock of a verifier may all differ.
    pub fn retirement(&self, ring: &RingRecord, carries: u64) -> u64 {
        carries.max(self.longest_token).saturating_add(self.lag().max(ring.lag))
    }

    /// How long an instance that has not read a change may act on the ring before it, with all differences
    /// between clocks.
    fn lag(&self) -> u64 {
        self.staleness + 2 * self.clock_skew
    }

    /// Whether the ring has the lead and the lag of these settings. A greater lag in the ring counts as well
    /// until `kept_until`: instances with earlier settings may still run.
    fn is_noted_in(&self, ring: &RingRecord, now: Timestamp) -> bool {
        let lags = ring.lag == self.lag() || (ring.lag > self.lag() && now < ring.kept_until);
        ring.lead == self.lead() && lags
    }

    /// Checks that a key signs at least for a lead.
    ///
    /// # Errors
    /// [`PeriodTooShort`] if not: then its successor would have to be published before the key itself signs.
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

    /// How long, in seconds, a client may keep the key set of a `ring` that was read `age` seconds ago; `None`
    /// if the service must not serve this key set any more. A key that is not in this ring signs at the
    /// earliest a lead after the ring was read.
    pub fn max_age(&self, ring: &RingRecord, age: u64) -> Option<u64> {
        match ring.lead.checked_sub(age + self.verifier_cache + self.clock_skew) {
            Some(known) => Some(known.min(self.jwks_max_age)),
            // The lead of the ring is shorter than the settings require: the service serves a key set that it
            // has just read, and caches must not keep it.
            None => (age <= self.staleness).then_some(0),
        }
    }

    /// Until when an instance may sign with `alg` if it read its ring at `read_at` and has not read it since.
    /// The key is not retired before the next key begins to sign, or before the announced end of its
    /// algorithm. If neither is announced yet, the announcement will come at least a lead before. After that,
    /// every key is kept for the time in which such an instance may still sign.
    pub fn signs_until(&self, ring: &RingRecord, alg: &str, read_at: Timestamp) -> Timestamp {
        // Programs that know only one algorithm let any next key replace this one.
        let next = if ring.has_several() { ring.next(alg) } else { ring.next_of_any() };
        let announced = next.map(|next| next.activates_at).into_iter().chain(ring.dropped.get(alg).copied());
        let turn = announced.min().unwrap_or(read_at.plus_secs(ring.lead));
        read_at.max(turn.minus_secs(self.clock_skew)).plus_secs(self.staleness)
    }

    /// The kind of the keys that sign if the caller asks for no algorithm.
    pub fn default_kind(&self) -> Option<KeyKind> {
        self.kinds.first().copied()
    }

    /// The kind of key for an algorithm of the settings.
    pub fn kind_of(&self, alg: &str) -> Option<KeyKind> {
        self.kinds.iter().copied().find(|kind| kind.algorithm.name() == alg)
    }

    /// Whether the settings list this algorithm.
    pub fn lists(&self, alg: &str) -> bool {
        self.kind_of(alg).is_some()
    }

    /// The key that signs if the caller asks for no algorithm: that of the first algorithm of the settings
    /// which has an active key. If no algorithm of the settings has one, it is any active key. A post-quantum
    /// key is never the default one: few verifiers know it.
    pub fn default_key<'a>(&self, ring: &'a RingRecord) -> Option<&'a KeyRecord> {
        let listed = self.kinds.iter().filter_map(|kind| ring.active(kind.algorithm.name()));
        listed.chain(ring.signing()).find(|key| may_be_default(key))
    }

    /// The published key that signs instead of the default one if no key may: that of the first algorithm of
    /// the settings which has one. If no algorithm of the settings has one, it is the key that is due first.
    pub fn next_default<'a>(&self, ring: &'a RingRecord) -> Option<&'a KeyRecord> {
        let mut listed = self.kinds.iter().filter_map(|kind| ring.next(kind.algorithm.name()));
        let published = ring.keys.iter().filter(|key| key.state == KeyState::Published);
        let first = published.filter(|key| may_be_default(key)).min_by_key(|key| key.activates_at);
        listed.find(|key| may_be_default(key)).or(first)
    }

    /// Whether the settings list the kind of a key.
    fn fits(&self, key: &KeyRecord) -> bool {
        let kind = self.kind_of(&key.alg);
        kind.is_some_and(|kind| !kind.algorithm.is_rsa() || self.any_size || kind.rsa_bits == key.bits)
    }

    /// Whether an algorithm of the settings has a key with this state that may be the default one.
    fn has_candidate(&self, state: KeyState, ring: &RingRecord) -> bool {
        ring.keys.iter().any(|key| key.state == state && may_be_default(key) && self.lists(&key.alg))
    }
}

/// Whether this key may sign if the caller asks for no algorithm. Only such keys count if a ring must stay
/// able to sign.
fn may_be_default(key: &KeyRecord) -> bool {
    !is_post_quantum(&key.alg)
}

/// Whether only few verifiers know this algorithm, so that it is never the default one.
pub(super) fn is_post_quantum(alg: &str) -> bool {
    alg.parse().is_ok_and(Algorithm::is_post_quantum)
}
