//! When a key is published, signs, retires and goes: rules of a record, settings and `now`, and nothing else. One step
//! at a time, so that missed deadlines are caught up in the right order; every instant is written down, so that a
//! restart neither resets nor skips anything (docs/adr/0009).
//!
//! Two instants make the promise that a verifier can verify every token:
//! * a key signs no earlier than a lead after its publication, when nobody keeps a key set without it any more;
//! * it leaves the key set no earlier than the last token that it may have signed has expired on the slowest clock.

use serde_json::Map;

use super::KeyKind;
use crate::domain::{KeyRecord, KeyState, Kid, NewKey, RingRecord, Timestamp};

/// What an operator decides about keys. Lengths are in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// How long a key signs; nothing for ever.
    pub period: Option<u64>,
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
    /// What kind of key is to sign.
    pub kind: KeyKind,
    /// Whether an RSA key of another size will do.
    pub any_size: bool,
}

/// How long, in seconds, the record of a key is kept that has left: 90 days, for whoever asks what happened.
const REMEMBERED: u64 = 90 * 86_400;

/// Seconds that the writing of a publication may take: clocks differ by more.
const PASSED_OVER: u64 = 1;

/// The next step of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a key that signs at once, where none does.
    Begin,
    /// Note that the key set is served under another lead.
    SettleLead,
    /// Note that the active key signs for longer than before.
    Carry,
    /// Make a key and publish it; it signs at `activates_at`.
    Publish {
        /// When its turn comes.
        activates_at: Timestamp,
    },
    /// Let the published key sign, and retire the one that did.
    Activate(Kid),
    /// Keep a retired key for longer: a token of it lives longer than was thought.
    Extend(Kid, Timestamp),
    /// Take a retired key out of the key set.
    Remove(Kid),
    /// Destroy the private half of a key that has left.
    Discard(Kid),
    /// Drop the record of a key that left long ago.
    Forget(Kid),
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

    /// Whether the ring is held to what these settings say. One that was held to more lag stays so till what was served
    /// then is forgotten: instances with settings of before may still run.
    fn is_settled(&self, ring: &RingRecord, now: Timestamp) -> bool {
        let lags = ring.lag == self.lag() || (ring.lag > self.lag() && now < ring.kept_until);
        ring.lead == self.lead() && lags
    }

    /// # Errors
    /// [`PeriodTooShort`] where a key's successor would have to be published before the key itself signs.
    pub fn check(&self) -> Result<(), PeriodTooShort> {
        let Self { jwks_max_age, verifier_cache, clock_skew, staleness, .. } = *self;
        match self.period {
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

    /// Till when an instance may sign with a ring that it read at `read_at` and has not seen since. Nobody retires its
    /// key before the successor's turn, and where there is no successor yet, one is published a lead before; from then
    /// on its time is what every key is kept for.
    pub fn signs_until(&self, ring: &RingRecord, read_at: Timestamp) -> Timestamp {
        let turn = ring.next().map_or(read_at.plus_secs(ring.lead), |next| next.activates_at);
        read_at.max(turn.minus_secs(self.clock_skew)).plus_secs(self.staleness)
    }

    fn wants(&self, key: &KeyRecord) -> bool {
        let Ok(algorithm) = key.alg.parse::<jose::Algorithm>() else { return false };
        let fits = !algorithm.is_rsa() || self.any_size || self.kind.rsa_bits == key.bits;
        self.kind.algorithm == algorithm && fits
    }
}

/// The latest expiry of the tokens that this process has signed with each key.
pub type Outstanding<'a> = &'a [(Kid, Timestamp)];

/// The next step that is due at `now`, if there is one.
pub fn plan(
    ring: &RingRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
) -> Option<Action> {
    let Some(active) = ring.active() else {
        return Some(ring.next().map_or(Action::Begin, |next| Action::Activate(next.kid.clone())));
    };
    if !schedule.is_settled(ring, now) {
        return Some(Action::SettleLead);
    }
    if active.carries < schedule.longest_token {
        return Some(Action::Carry);
    }
    if let Some(next) = ring.next().filter(|next| next.activates_at <= now) {
        return Some(Action::Activate(next.kid.clone()));
    }
    // Before there is another key: where the document's size has a limit, room comes first.
    let leaves = ring.keys.iter().find_map(|key| match key.state {
        KeyState::Retired => leave(key, schedule, outstanding, now),
        KeyState::Removed
            if key.home.is_none() && key.removes_at.is_some_and(|at| at.plus_secs(REMEMBERED) <= now) =>
        {
            Some(Action::Forget(key.kid.clone()))
        }
        _ => None,
    });
    if leaves.is_some() {
        return leaves;
    }
    if ring.next().is_none() && is_due(active, schedule, now) {
        return Some(Action::Publish { activates_at: turn(ring, active, schedule, now) });
    }
    // Last, for it asks somebody else, who may refuse.
    let left = |key: &&KeyRecord| key.state == KeyState::Removed && key.home.is_some();
    ring.keys.iter().find(left).map(|key| Action::Discard(key.kid.clone()))
}

/// A step as it is to be taken at `now`: making a key takes time, and its turn counts from its publication.
pub fn taken_at(action: &Action, ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Action {
    match (action, ring.active()) {
        (Action::Publish { .. }, Some(active)) => {
            Action::Publish { activates_at: turn(ring, active, schedule, now) }
        }
        _ => action.clone(),
    }
}

/// The ring after a publication that took until `now` to be written, if that is too long to pass over: the key's turn
/// counts from when others could read of it.
pub fn written_late(
    ring: &RingRecord,
    action: &Action,
    schedule: &Schedule,
    now: Timestamp,
) -> Option<RingRecord> {
    let Action::Publish { .. } = action else { return None };
    let mut ring = ring.clone();
    let known_to_all = known_to_all(&ring, schedule, now);
    let key = ring.keys.last_mut().filter(|key| key.published_at.plus_secs(PASSED_OVER) < now)?;
    key.published_at = now;
    key.activates_at = key.activates_at.max(known_to_all);
    ring.revision += 1;
    Some(ring)
}

/// The first instant after `now` at which a step may fall due.
pub fn due_at(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let publish = ring.active().filter(|_| ring.next().is_none()).and_then(|active| {
        let ends_at = began(active).plus_secs(schedule.period?);
        Some(ends_at.minus_secs(schedule.lead()))
    });
    let of_keys = ring.keys.iter().filter_map(|key| match key.state {
        KeyState::Published => Some(key.activates_at),
        KeyState::Active => None,
        KeyState::Retired => key.removes_at,
        KeyState::Removed => key.removes_at.map(|at| at.plus_secs(REMEMBERED)),
    });
    of_keys.chain(publish).filter(|at| *at > now).min()
}

/// What is due of a retired key.
fn leave(
    key: &KeyRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
) -> Option<Action> {
    let removes_at = key.removes_at.unwrap_or(now);
    let needed = latest(outstanding, &key.kid).map(|expiry| expiry.plus_secs(schedule.clock_skew));
    match needed.filter(|needed| *needed > removes_at) {
        Some(needed) => Some(Action::Extend(key.kid.clone(), needed)),
        None if removes_at <= now => Some(Action::Remove(key.kid.clone())),
        None => None,
    }
}

/// Whether the active key's successor should be published by now.
fn is_due(active: &KeyRecord, schedule: &Schedule, now: Timestamp) -> bool {
    let ends_at = schedule.period.map(|period| began(active).plus_secs(period));
    !schedule.wants(active) || ends_at.is_some_and(|ends_at| now.plus_secs(schedule.lead()) >= ends_at)
}

/// When a key that is published now may sign.
fn turn(ring: &RingRecord, active: &KeyRecord, schedule: &Schedule, now: Timestamp) -> Timestamp {
    let known_to_all = known_to_all(ring, schedule, now);
    match schedule.period {
        Some(period) if schedule.wants(active) => known_to_all.max(began(active).plus_secs(period)),
        _ => known_to_all,
    }
}

/// From when on every verifier knows a key that is published now, whoever serves the key set under whichever settings.
pub(super) fn known_to_all(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Timestamp {
    now.plus_secs(schedule.lead().max(ring.lead)).max(ring.kept_until)
}

fn began(active: &KeyRecord) -> Timestamp {
    active.activated_at.unwrap_or(active.activates_at)
}

fn latest(outstanding: Outstanding<'_>, kid: &Kid) -> Option<Timestamp> {
    outstanding.iter().find(|(of_key, _)| of_key == kid).map(|(_, expiry)| *expiry)
}

/// The ring after a step, one revision on. `new` is the key that the step makes, where it makes one.
pub fn apply(
    ring: &RingRecord,
    action: &Action,
    schedule: &Schedule,
    new: Option<NewKey>,
    now: Timestamp,
) -> RingRecord {
    let mut ring = ring.clone();
    ring.revision += 1;
    match action {
        Action::Begin => {
            settle_lead(&mut ring, schedule, now);
            ring.keys.extend(new.map(|key| first(key, schedule, now)));
        }
        Action::SettleLead => settle_lead(&mut ring, schedule, now),
        Action::Carry => {
            let active = ring.keys.iter_mut().filter(|key| key.state == KeyState::Active);
            active.for_each(|key| key.carries = key.carries.max(schedule.longest_token));
        }
        Action::Publish { activates_at } => {
            ring.keys.extend(new.map(|key| published(key, schedule, *activates_at, now)));
        }
        Action::Activate(kid) => activate(&mut ring, kid, schedule, now),
        Action::Extend(kid, removes_at) => {
            if let Some(key) = find(&mut ring, kid) {
                key.removes_at = Some(*removes_at);
            }
        }
        Action::Remove(kid) => {
            if let Some(key) = find(&mut ring, kid) {
                key.state = KeyState::Removed;
            }
        }
        Action::Discard(kid) => {
            if let Some(key) = find(&mut ring, kid) {
                key.home = None;
            }
        }
        Action::Forget(kid) => ring.keys.retain(|key| key.kid != *kid),
    }
    ring
}

pub(super) fn first(new: NewKey, schedule: &Schedule, now: Timestamp) -> KeyRecord {
    KeyRecord { state: KeyState::Active, activated_at: Some(now), ..published(new, schedule, now, now) }
}

pub(super) fn published(
    new: NewKey,
    schedule: &Schedule,
    activates_at: Timestamp,
    now: Timestamp,
) -> KeyRecord {
    KeyRecord {
        kid: new.kid,
        aliases: Vec::new(),
        alg: schedule.kind.algorithm.name().to_owned(),
        bits: if schedule.kind.algorithm.is_rsa() { schedule.kind.rsa_bits } else { 256 },
        state: KeyState::Published,
        public: new.public,
        home: new.home,
        published_at: now,
        activates_at,
        activated_at: None,
        retired_at: None,
        removes_at: None,
        revoked_at: None,
        carries: schedule.longest_token,
        rest: Map::new(),
    }
}

/// Answers that were served under a longer lead are kept for as long as it said.
fn settle_lead(ring: &mut RingRecord, schedule: &Schedule, now: Timestamp) {
    if schedule.lead() < ring.lead {
        ring.kept_until = ring.kept_until.max(now.plus_secs(ring.lead));
    }
    ring.lag = if now < ring.kept_until { ring.lag.max(schedule.lag()) } else { schedule.lag() };
    ring.lead = schedule.lead();
}

fn activate(ring: &mut RingRecord, kid: &Kid, schedule: &Schedule, now: Timestamp) {
    // Before its turn, an instance that has not heard of it signs on with the old key till then.
    let early = find(ring, kid).map_or(0, |key| key.activates_at.secs_since(now));
    let stays = ring.active().map_or(0, |active| schedule.retirement(ring, active.carries));
    for key in ring.keys.iter_mut().filter(|key| key.state == KeyState::Active) {
        key.state = KeyState::Retired;
        key.retired_at = Some(now);
        key.removes_at = Some(now.plus_secs(stays.saturating_add(early)));
    }
    if let Some(key) = find(ring, kid) {
        key.state = KeyState::Active;
        key.activated_at = Some(now);
        key.carries = schedule.longest_token;
    }
}

fn find<'a>(ring: &'a mut RingRecord, kid: &Kid) -> Option<&'a mut KeyRecord> {
    ring.keys.iter_mut().find(|key| key.kid == *kid)
}
