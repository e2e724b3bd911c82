//! What a ring will go through: the schedule's own steps, taken at the instants at which they fall due.

use super::schedule::{Action, Schedule, apply, due_at, plan};
use crate::domain::{Kid, NewKey, RingRecord, Timestamp};

/// A step to come.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, at the earliest.
    pub at: Timestamp,
    /// What.
    pub action: Action,
}

/// Steps that one instant may bring, and instants that are looked at.
const MOST: usize = 8_192;

/// The steps from `now` till `until`, and the ring as it is then. Keys that are yet to be made have made-up names.
pub fn forecast(
    ring: &RingRecord,
    schedule: &Schedule,
    now: Timestamp,
    until: Timestamp,
) -> (RingRecord, Vec<Event>) {
    let (mut ring, mut at, mut events) = (ring.clone(), now, Vec::new());
    for _ in 0..MOST {
        if let Some(action) = plan(&ring, schedule, &[], at) {
            let new = matches!(action, Action::Begin | Action::Publish { .. }).then(|| yet_to_be_made(&ring));
            ring = apply(&ring, &action, schedule, new, at);
            events.push(Event { at, action });
        } else {
            match due_at(&ring, schedule, at).filter(|due| *due <= until) {
                Some(due) => at = due,
                None => break,
            }
        }
    }
    (ring, events)
}

/// The next step of a ring, and when, if there is one to come.
pub fn next(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Option<Event> {
    let mut at = now;
    for _ in 0..MOST {
        if let Some(action) = plan(ring, schedule, &[], at) {
            return Some(Event { at, action });
        }
        at = due_at(ring, schedule, at)?;
    }
    None
}

/// How the name of a key begins that is yet to be made.
pub const TO_COME: &str = "to-come-";

fn yet_to_be_made(ring: &RingRecord) -> NewKey {
    let number = ring.keys.iter().filter(|key| key.kid.as_str().starts_with(TO_COME)).count() + 1;
    let kid = Kid::parse(&format!("{TO_COME}{number}")).unwrap_or_else(|_| Kid::original());
    NewKey { kid, public: String::new(), home: None }
}
