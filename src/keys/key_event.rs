//! The meaning of a change of the ring: events for single keys, or for the ring as a whole.

use std::fmt;

use crate::domain::{KeyRecord, KeyState, Kid, Moved, RingRecord, Timestamp};

/// Why a ring was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It began.
    Begun,
    /// A step of the schedule was due.
    Due,
    /// An operator ordered it.
    Ordered,
    /// It moved to another custody. This changes no key.
    Moved,
    /// A change was written later than its date says, so it got a new date.
    WrittenLate,
    /// The server secret was made; this changes no key.
    ServerSecret,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begun => "first key",
            Self::Due => "schedule",
            Self::Ordered => "operator",
            Self::Moved => "moved",
            Self::WrittenLate => "written late",
            Self::ServerSecret => "server secret",
        })
    }
}

/// What has happened to a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingEvent {
    /// A key of it has changed.
    Key(KeyEvent),
    /// It has moved to another custody, with all keys.
    Moved(Moved),
    /// Its keys were sealed anew.
    Resealed {
        /// The number of sealed keys.
        keys: usize,
        /// The keys that had no seal before and were accepted.
        accepted: Vec<Kid>,
    },
}

/// A key that has another state than before, or that is to leave its state at another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// The key.
    pub kid: Kid,
    /// The JWA name of its algorithm.
    pub alg: String,
    /// Its state before; `None` for a new key.
    pub from: Option<KeyState>,
    /// Its state now; `None` if its record was dropped. The previous state if only the time has changed.
    pub to: Option<KeyState>,
    /// When the change was written.
    pub at: Timestamp,
    /// Why.
    pub why: Cause,
}

/// The events of a change that was written at `at`: first what begins, then what ends. The copy that a move
/// makes at the new place has no event; the change that ends the ring at the old place has one.
pub fn events(before: &RingRecord, after: &RingRecord, why: Cause, at: Timestamp) -> Vec<RingEvent> {
    let moved = after.moved.clone().filter(|_| before.moved.is_none()).map(RingEvent::Moved);
    let of_keys = match why {
        Cause::Moved => Vec::new(),
        _ => key_events(before, after, why, at),
    };
    of_keys.into_iter().map(RingEvent::Key).chain(moved).collect()
}

fn key_events(before: &RingRecord, after: &RingRecord, why: Cause, at: Timestamp) -> Vec<KeyEvent> {
    let event = |key: &KeyRecord, from, to| {
        let (kid, alg) = (key.kid.clone(), key.alg.clone());
        KeyEvent { kid, alg, from, to, at, why }
    };
    let of_after = after.keys.iter().filter_map(|key| {
        let was = before.find(key.kid.as_str());
        let same = was.is_some_and(|was| was.state == key.state && leaves_at(was) == leaves_at(key));
        (!same).then(|| event(key, was.map(|was| was.state), Some(key.state)))
    });
    let gone = before.keys.iter().filter(|key| after.find(key.kid.as_str()).is_none());
    let of_gone = gone.map(|key| event(key, Some(key.state), None));
    let mut events: Vec<_> = of_after.chain(of_gone).collect();
    events.sort_by_key(|event| event.to.map_or(u8::MAX, |state| state as u8));
    events
}

/// When a key is to leave its state, if that is known.
fn leaves_at(key: &KeyRecord) -> Option<Timestamp> {
    match key.state {
        KeyState::Published => Some(key.activates_at),
        KeyState::Retired => key.removes_at,
        KeyState::Active | KeyState::Removed => None,
    }
}

/// Writes the events of a change to the log.
pub(super) fn tell(before: &RingRecord, after: &RingRecord, why: Cause, at: Timestamp) {
    for event in events(before, after, why, at) {
        event.tell(after);
    }
}

impl RingEvent {
    /// Writes the event to the log. `after` is the ring after the change.
    pub(super) fn tell(&self, after: &RingRecord) {
        match self {
            Self::Key(event) => event.tell(after),
            Self::Moved(Moved { to, until }) => {
                let keys = after.verifying().count();
                tracing::info!(to, %until, keys, "the ring has moved to another custody, with all keys");
            }
            Self::Resealed { keys, accepted } => {
                let accepted = accepted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                tracing::info!(keys, accepted, "the keys of the ring are sealed anew");
            }
        }
    }
}

impl KeyEvent {
    fn tell(&self, after: &RingRecord) {
        let Self { kid, alg, from, to, at: _, why } = self;
        let leaves_at = after.find(kid.as_str()).and_then(leaves_at).map(|at| at.to_string());
        use KeyState::{Active, Published, Removed, Retired};
        match (from, to) {
            (None, Some(Active)) => tracing::info!(%kid, alg, %why, "a new key signs"),
            (_, Some(Active)) => tracing::info!(%kid, alg, %why, "the next key signs"),
            (Some(Published), Some(Published)) => {
                tracing::info!(%kid, alg, activates_at = leaves_at, %why, "a published key signs at another time than was announced");
            }
            (_, Some(Published)) => {
                tracing::info!(%kid, alg, activates_at = leaves_at, %why, "a new key is published; it signs when every verifier can know it");
            }
            (Some(Retired), Some(Retired)) => {
                tracing::info!(%kid, alg, removes_at = leaves_at, %why, "a retired key stays longer");
            }
            (_, Some(Retired)) => {
                tracing::info!(%kid, alg, removes_at = leaves_at, %why, "a key no longer signs; it continues to verify");
            }
            (_, Some(Removed)) => tracing::info!(%kid, alg, %why, "a key has left the key set"),
            (_, None) => tracing::debug!(%kid, alg, %why, "a key's record is dropped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::NewKey;
    use crate::keys::schedule::tests::{ES256, at, new_key, schedule};
    use crate::keys::schedule::{Action, apply};

    fn key(number: u64) -> NewKey {
        new_key(ES256, number)
    }

    #[test]
    fn a_rotation_tells_first_what_signs_and_then_what_does_no_more() {
        let schedule = schedule(&[ES256]);
        let empty = RingRecord::empty();
        let begun = apply(&empty, &Action::Begin, &schedule, [key(1)], at(0));
        let told = |before: &RingRecord, after: &RingRecord| {
            let events = key_events(before, after, Cause::Due, at(9));
            events.into_iter().map(|event| (event.kid.to_string(), event.from, event.to)).collect::<Vec<_>>()
        };
        use KeyState::{Active, Published, Removed, Retired};
        assert_eq!(told(&empty, &begun), [("key-1".to_owned(), None, Some(Active))]);
        let publish = Action::Publish { kind: ES256, activates_at: at(5) };
        let published = apply(&begun, &publish, &schedule, [key(2)], at(1));
        assert_eq!(told(&begun, &published), [("key-2".to_owned(), None, Some(Published))]);
        let second = key(2).kid;
        let rotated = apply(&published, &Action::Activate(second), &schedule, [], at(5));
        let of = |kid: &str, from, to| (kid.to_owned(), Some(from), to);
        assert_eq!(
            told(&published, &rotated),
            [of("key-2", Published, Some(Active)), of("key-1", Active, Some(Retired))]
        );
        let extended = apply(&rotated, &Action::Extend(key(1).kid, at(999)), &schedule, [], at(9));
        assert_eq!(told(&rotated, &extended), [of("key-1", Retired, Some(Retired))]);
        let removed = apply(&rotated, &Action::Remove(key(1).kid), &schedule, [], at(9));
        assert_eq!(told(&rotated, &removed), [of("key-1", Retired, Some(Removed))]);
        let forgotten = apply(&removed, &Action::Forget(key(1).kid), &schedule, [], at(9));
        assert_eq!(told(&removed, &forgotten), [of("key-1", Removed, None)]);
        assert_eq!(events(&removed, &removed, Cause::Ordered, at(9)), []);
    }
    #[test]
    fn a_move_is_one_event_though_every_key_is_new_at_the_new_place() {
        let ring = apply(&RingRecord::empty(), &Action::Begin, &schedule(&[ES256]), [key(1)], at(0));
        assert_eq!(events(&RingRecord::empty(), &ring, Cause::Moved, at(9)), []);
        let moved = Moved { to: "database".to_owned(), until: at(99) };
        let frozen = RingRecord { moved: Some(moved.clone()), ..ring.clone() };
        assert_eq!(events(&ring, &frozen, Cause::Moved, at(9)), [RingEvent::Moved(moved)]);
        assert_eq!(events(&frozen, &frozen, Cause::Moved, at(9)), []);
    }
}
