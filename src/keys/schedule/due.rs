//! The steps that are due.

use super::{Action, Schedule};
use crate::domain::{KeyRecord, KeyState, Kid, RingRecord, Timestamp};
use crate::keys::KeyKind;

/// How long, in seconds, the record of a key is kept after the key has left: 90 days, so that an operator can
/// see what happened.
const REMEMBERED: u64 = 90 * 86_400;

/// For each key, the latest expiry of the tokens that this process has signed with it.
pub type Outstanding<'a> = &'a [(Kid, Timestamp)];

/// The steps that are due at `now`. The first one is next; if it fails, the following one is next. A step
/// that must not be skipped is alone in the list. A ring that has moved takes no steps.
pub(super) fn due(
    ring: &RingRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
) -> Vec<Action> {
    if ring.moved.is_some() {
        return Vec::new();
    }
    if schedule.default_key(ring).is_none() {
        return vec![without_default(ring, schedule)];
    }
    if !schedule.is_noted_in(ring, now) {
        return vec![Action::NoteLead];
    }
    if ring.signing().any(|active| active.carries < schedule.longest_token) {
        return vec![Action::Carry];
    }
    let keeps = ring.dropped.iter().filter_map(|(alg, at)| keep(ring, alg, *at, schedule, now));
    let turns = schedule.kinds.iter().filter_map(|kind| {
        let next = ring.next(kind.algorithm.name()).filter(|next| next.activates_at <= now)?;
        Some(Action::Activate(next.kid.clone()))
    });
    let in_use = ring.algorithms();
    let ends = ring.dropped.iter().filter(|(alg, at)| {
        let due = **at <= now && !schedule.lists(alg) && in_use.contains(alg.as_str());
        due && schedule.has_candidate(KeyState::Active, ring)
    });
    // This comes before another key is published: the size of the document may be limited, and a key that
    // leaves makes space.
    let leaves = ring.keys.iter().filter_map(|key| leave(key, schedule, outstanding, now));
    let publications = schedule.kinds.iter().filter_map(|kind| publish(ring, *kind, schedule, now));
    // This is the last, because it calls another service, which may refuse.
    let discards = ring.keys.iter().filter(|key| key.state == KeyState::Removed && key.home.is_some());
    keeps
        .chain(turns)
        .chain(ends.map(|(alg, _)| Action::Retire(alg.clone())))
        .chain(leaves)
        .chain(publications)
        .chain(drops(ring, schedule, now))
        .chain(discards.map(|key| Action::Discard(key.kid.clone())))
        .collect()
}

/// The first instant after `now` at which a step may become due.
pub fn due_at(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    let publications = schedule.kinds.iter().filter_map(|kind| {
        let alg = kind.algorithm.name();
        let active = ring.active(alg).filter(|_| ring.next(alg).is_none())?;
        let ends_at = began(active).plus_secs(schedule.period_of(ring)?);
        Some(ends_at.minus_secs(schedule.lead()))
    });
    let of_keys = ring.keys.iter().filter_map(|key| match key.state {
        KeyState::Published => Some(key.activates_at),
        KeyState::Active => None,
        KeyState::Retired => key.removes_at,
        KeyState::Removed => key.removes_at.map(|at| at.plus_secs(REMEMBERED)),
    });
    let of_dropped = ring
        .dropped
        .iter()
        .map(|(alg, at)| if schedule.lists(alg) { at.minus_secs(renewal(ring, schedule)) } else { *at });
    of_keys.chain(publications).chain(of_dropped).filter(|at| *at > now).min()
}

/// Gives a default key to a ring that has none: a published key signs, or a new one if there is none.
fn without_default(ring: &RingRecord, schedule: &Schedule) -> Action {
    let next = schedule.next_default(ring);
    next.map_or(Action::Begin, |next| Action::Activate(next.kid.clone()))
}

/// The step that is due for a key that has retired or left.
fn leave(
    key: &KeyRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
) -> Option<Action> {
    match key.state {
        KeyState::Retired => remove(key, schedule, outstanding, now),
        KeyState::Removed
            if key.home.is_none() && key.removes_at.is_some_and(|at| at.plus_secs(REMEMBERED) <= now) =>
        {
            Some(Action::Forget(key.kid.clone()))
        }
        _ => None,
    }
}

/// The step that is due for a retired key.
fn remove(
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

/// The publication of the next key of an algorithm, or of its first one, if it is due.
fn publish(ring: &RingRecord, kind: KeyKind, schedule: &Schedule, now: Timestamp) -> Option<Action> {
    let alg = kind.algorithm.name();
    let due = match (ring.next(alg), ring.active(alg)) {
        (Some(_), _) => false,
        (None, Some(active)) => ends(ring, active, schedule, now),
        (None, None) => true,
    };
    due.then(|| Action::Publish { kind, activates_at: turn(ring, kind, schedule, now) })
}

/// Whether the next key should be published by now.
fn ends(ring: &RingRecord, active: &KeyRecord, schedule: &Schedule, now: Timestamp) -> bool {
    let ends_at = schedule.period_of(ring).map(|period| began(active).plus_secs(period));
    !schedule.fits(active) || ends_at.is_some_and(|ends_at| now.plus_secs(schedule.lead()) >= ends_at)
}

/// When a key of this kind may sign if it is published now.
pub(super) fn turn(ring: &RingRecord, kind: KeyKind, schedule: &Schedule, now: Timestamp) -> Timestamp {
    let known_to_all = known_to_all(ring, schedule, now);
    let active = ring.active(kind.algorithm.name()).filter(|active| schedule.fits(active));
    match (schedule.period_of(ring), active) {
        (Some(period), Some(active)) => known_to_all.max(began(active).plus_secs(period)),
        _ => known_to_all,
    }
}

/// The announcements for algorithms that have keys and are not in the settings. Another instance may have
/// other settings, so nothing ends at once.
fn drops<'a>(
    ring: &'a RingRecord,
    schedule: &'a Schedule,
    now: Timestamp,
) -> impl Iterator<Item = Action> + 'a {
    let states = [KeyState::Active, KeyState::Published];
    let follows = states.into_iter().any(|state| schedule.has_candidate(state, ring));
    let unlisted = ring.algorithms().into_iter().filter(move |alg| follows && !schedule.lists(alg));
    let unannounced = unlisted.filter(|alg| !ring.dropped.contains_key(*alg));
    unannounced.map(move |alg| Action::Drop { alg: alg.to_owned(), at: known_to_all(ring, schedule, now) })
}

/// Withdraws the announcement of another instance that an algorithm ends, when half of a lead is left: while
/// the settings of two instances differ, one announces and the other withdraws, and neither writes more often
/// than that.
fn keep(ring: &RingRecord, alg: &str, at: Timestamp, schedule: &Schedule, now: Timestamp) -> Option<Action> {
    let due = schedule.lists(alg) && at <= now.plus_secs(renewal(ring, schedule));
    due.then(|| Action::Keep(alg.to_owned()))
}

/// How long before the announced end of an algorithm an instance that lists it withdraws the announcement.
fn renewal(ring: &RingRecord, schedule: &Schedule) -> u64 {
    schedule.lead().max(ring.lead) / 2
}

/// The time from which every verifier knows a key that is published now, whichever instance serves the key
/// set, and with whichever settings.
pub(in crate::keys) fn known_to_all(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Timestamp {
    now.plus_secs(schedule.lead().max(ring.lead)).max(ring.kept_until)
}

fn began(active: &KeyRecord) -> Timestamp {
    active.activated_at.unwrap_or(active.activates_at)
}

fn latest(outstanding: Outstanding<'_>, kid: &Kid) -> Option<Timestamp> {
    outstanding.iter().find(|(of_key, _)| of_key == kid).map(|(_, expiry)| *expiry)
}
