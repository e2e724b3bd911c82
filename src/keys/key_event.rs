//! What a change of the ring means for each key of it.

use crate::domain::{KeyState, Kid, RingRecord, Timestamp};

/// Why a ring was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It began.
    Begun,
    /// A step of the schedule was due.
    Due,
    /// An operator ordered it.
    Ordered,
    /// It moved to another custody.
    Moved,
    /// The server secret was made; no key changes by that.
    ServerSecret,
}

/// A key that is in another state than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    /// The key.
    pub kid: Kid,
    /// The JWA name of its algorithm.
    pub alg: String,
    /// Its state before; nothing for a key that is new.
    pub from: Option<KeyState>,
    /// Its state now; nothing where its record was dropped.
    pub to: Option<KeyState>,
    /// When the change was written.
    pub at: Timestamp,
    /// Why.
    pub why: Cause,
}

/// The events of a change that was written at `at`: first what begins, then what ends.
pub fn events(before: &RingRecord, after: &RingRecord, why: Cause, at: Timestamp) -> Vec<KeyEvent> {
    let event = |kid: &Kid, alg: &str, from, to| {
        (from != to).then(|| KeyEvent { kid: kid.clone(), alg: alg.to_owned(), from, to, at, why })
    };
    let state_in = |ring: &RingRecord, kid: &Kid| ring.find(kid.as_str()).map(|key| key.state);
    let of_after = after
        .keys
        .iter()
        .filter_map(|key| event(&key.kid, &key.alg, state_in(before, &key.kid), Some(key.state)));
    let gone = before.keys.iter().filter(|key| after.find(key.kid.as_str()).is_none());
    let of_gone = gone.filter_map(|key| event(&key.kid, &key.alg, Some(key.state), None));
    let mut events: Vec<_> = of_after.chain(of_gone).collect();
    events.sort_by_key(|event| event.to.map_or(u8::MAX, |state| state as u8));
    events
}

impl KeyEvent {
    /// Writes it to the log.
    pub(super) fn tell(&self, after: &RingRecord) {
        let Self { kid, alg, from, to, at: _, why } = self;
        let key = after.find(kid.as_str());
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        match (from, to) {
            (None, Some(KeyState::Active)) => tracing::info!(%kid, alg, ?why, "a new key signs"),
            (_, Some(KeyState::Active)) => tracing::info!(%kid, alg, ?why, "the next key signs"),
            (_, Some(KeyState::Published)) => {
                let activates_at = text(key.map(|key| key.activates_at));
                tracing::info!(%kid, alg, activates_at, ?why, "a new key is published; it signs when every verifier can know it");
            }
            (_, Some(KeyState::Retired)) => {
                let removes_at = text(key.and_then(|key| key.removes_at));
                tracing::info!(%kid, alg, removes_at, ?why, "a key signs no more; it verifies on");
            }
            (_, Some(KeyState::Removed)) => tracing::info!(%kid, alg, ?why, "a key has left the key set"),
            (_, None) => tracing::debug!(%kid, alg, ?why, "a key's record is dropped"),
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
            let events = events(before, after, Cause::Due, at(9));
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
        let removed = apply(&rotated, &Action::Remove(key(1).kid), &schedule, [], at(9));
        assert_eq!(told(&rotated, &removed), [of("key-1", Retired, Some(Removed))]);
        let forgotten = apply(&removed, &Action::Forget(key(1).kid), &schedule, [], at(9));
        assert_eq!(told(&removed, &forgotten), [of("key-1", Removed, None)]);
        assert_eq!(events(&removed, &removed, Cause::Ordered, at(9)), []);
    }
}
