//! The ring after a step.

use serde_json::Map;

use super::due::known_to_all;
use super::{Action, Schedule};
use crate::domain::{KeyRecord, KeyState, Kid, NewKey, RingRecord, Timestamp};

/// If writing a change takes at most this many seconds, the dates in it stay as they are: clocks differ by more.
const PASSED_OVER: u64 = 1;

/// The ring after a step, with the next revision. `new` has the keys that the step makes.
pub fn apply(
    ring: &RingRecord,
    action: &Action,
    schedule: &Schedule,
    new: impl IntoIterator<Item = NewKey>,
    now: Timestamp,
) -> RingRecord {
    let mut ring = ring.clone();
    ring.revision += 1;
    match action {
        Action::Begin => {
            note_lead(&mut ring, schedule, now);
            ring.keys.extend(new.into_iter().map(|key| first(key, schedule, now)));
        }
        Action::NoteLead => note_lead(&mut ring, schedule, now),
        Action::Carry => {
            let active = ring.keys.iter_mut().filter(|key| key.state == KeyState::Active);
            active.for_each(|key| key.carries = key.carries.max(schedule.longest_token));
        }
        Action::Publish { kind, activates_at } => {
            if ring.active(kind.algorithm.name()).is_none() && !kind.algorithm.is_post_quantum() {
                announce_ends(&mut ring, schedule, *activates_at);
            }
            ring.keys.extend(new.into_iter().map(|key| published(key, schedule, *activates_at, now)));
        }
        Action::Activate(kid) => activate(&mut ring, kid, schedule, now),
        Action::Drop { alg, at } => {
            ring.dropped.insert(alg.clone(), *at);
        }
        Action::Keep(alg) => {
            ring.dropped.remove(alg);
        }
        Action::Retire(alg) => end(&mut ring, alg, schedule, 0, now),
        Action::Extend(kid, removes_at) => change(&mut ring, kid, |key| key.removes_at = Some(*removes_at)),
        Action::Remove(kid) => change(&mut ring, kid, |key| key.state = KeyState::Removed),
        Action::Discard(kid) => change(&mut ring, kid, |key| key.home = None),
        Action::Forget(kid) => ring.keys.retain(|key| key.kid != *kid),
    }
    let in_use: Vec<_> = ring.algorithms().into_iter().map(str::to_owned).collect();
    ring.dropped.retain(|alg, _| in_use.contains(alg));
    ring
}

/// The ring with corrected dates after a change that has the date `began` and was written at `now`; `None` if
/// no date needs a correction. An announcement counts from the time when others could read it, and so does the
/// retirement of a key.
pub fn written_late(
    before: &RingRecord,
    after: &RingRecord,
    schedule: &Schedule,
    began: Timestamp,
    now: Timestamp,
) -> Option<RingRecord> {
    let late = now.secs_since(began);
    if late <= PASSED_OVER {
        return None;
    }
    let mut ring = after.clone();
    let known_to_all = known_to_all(after, schedule, now);
    for key in &mut ring.keys {
        let was = before.find(key.kid.as_str()).map(|key| key.state);
        if key.state == KeyState::Published && was.is_none() && key.published_at == began {
            key.published_at = now;
            key.activates_at = key.activates_at.max(known_to_all);
        }
        if key.state == KeyState::Retired && was == Some(KeyState::Active) {
            key.removes_at = key.removes_at.map(|at| at.plus_secs(late));
        }
    }
    for (alg, at) in &mut ring.dropped {
        if before.dropped.get(alg) != Some(at) {
            *at = (*at).max(known_to_all);
        }
    }
    if ring.kept_until != before.kept_until {
        ring.kept_until = ring.kept_until.plus_secs(late);
    }
    (ring != *after).then(|| RingRecord { revision: after.revision + 1, ..ring })
}

/// A key that signs at once.
pub(in crate::keys) fn first(new: NewKey, schedule: &Schedule, now: Timestamp) -> KeyRecord {
    KeyRecord { state: KeyState::Active, activated_at: Some(now), ..published(new, schedule, now, now) }
}

/// A key that signs at `activates_at`.
pub(in crate::keys) fn published(
    new: NewKey,
    schedule: &Schedule,
    activates_at: Timestamp,
    now: Timestamp,
) -> KeyRecord {
    KeyRecord {
        kid: new.kid,
        aliases: Vec::new(),
        alg: new.alg,
        bits: new.bits,
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

/// Records the lead and the lag of the settings. If the lead becomes shorter, caches may still keep key sets that
/// were served with the longer lead: `kept_until` says until when.
fn note_lead(ring: &mut RingRecord, schedule: &Schedule, now: Timestamp) {
    if schedule.lead() < ring.lead {
        ring.kept_until = ring.kept_until.max(now.plus_secs(ring.lead));
    }
    ring.lag = if now < ring.kept_until { ring.lag.max(schedule.lag()) } else { schedule.lag() };
    ring.lead = schedule.lead();
}

/// The first key of an algorithm that may be the default replaces the keys of algorithms that the settings no
/// longer list: they stop when it begins to sign.
pub(in crate::keys) fn announce_ends(ring: &mut RingRecord, schedule: &Schedule, at: Timestamp) {
    let unlisted: Vec<_> = ring
        .signing()
        .filter(|key| !schedule.lists(&key.alg) && !ring.dropped.contains_key(&key.alg))
        .map(|key| key.alg.clone())
        .collect();
    ring.dropped.extend(unlisted.into_iter().map(|alg| (alg, at)));
}

fn activate(ring: &mut RingRecord, kid: &Kid, schedule: &Schedule, now: Timestamp) {
    let Some(alg) = ring.find(kid.as_str()).map(|key| key.alg.clone()) else { return };
    // If the key signs before its `activates_at`, an instance that has not read this change continues to sign
    // with the old key until `activates_at`.
    let early = ring.find(kid.as_str()).map_or(0, |key| key.activates_at.secs_since(now));
    retire(ring, &alg, schedule, early, now);
    change(ring, kid, |key| {
        key.state = KeyState::Active;
        key.activated_at = Some(now);
        key.carries = schedule.longest_token;
    });
    if schedule.has_candidate(KeyState::Active, ring) {
        let over = ring.dropped.iter().filter(|(alg, at)| **at <= now && !schedule.lists(alg));
        let over: Vec<_> = over.map(|(alg, _)| alg.clone()).collect();
        over.iter().for_each(|alg| end(ring, alg, schedule, early, now));
    }
}

/// Retires the active key of an algorithm. The key stays in the key set until the last token that it may have signed has
/// expired, and `early` seconds longer.
fn retire(ring: &mut RingRecord, alg: &str, schedule: &Schedule, early: u64, now: Timestamp) {
    let stays = ring.active(alg).map_or(0, |active| schedule.retirement(ring, active.carries));
    for key in ring.keys.iter_mut().filter(|key| key.state == KeyState::Active && key.alg == alg) {
        key.state = KeyState::Retired;
        key.retired_at = Some(now);
        key.removes_at = Some(now.plus_secs(stays.saturating_add(early)));
    }
}

/// Ends an algorithm: its active key retires, and its next key, which has never signed, leaves at once.
fn end(ring: &mut RingRecord, alg: &str, schedule: &Schedule, early: u64, now: Timestamp) {
    retire(ring, alg, schedule, early, now);
    for key in ring.keys.iter_mut().filter(|key| key.state == KeyState::Published && key.alg == alg) {
        key.state = KeyState::Removed;
        key.removes_at = Some(now);
    }
}

fn change(ring: &mut RingRecord, kid: &Kid, to: impl FnOnce(&mut KeyRecord)) {
    if let Some(key) = ring.keys.iter_mut().find(|key| key.kid == *kid) {
        to(key);
    }
}
