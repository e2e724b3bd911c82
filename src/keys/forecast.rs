//! The future of a ring: the schedule's own steps, taken at the instants at which they become due.

use super::KeyKind;
use super::schedule::{Action, Schedule, due_at, plan, step};
use crate::domain::{Kid, NewKey, RingRecord, Timestamp};

/// A future step.
#[derive(Clone, Debug)]
pub struct Event {
    /// The earliest time of the step.
    pub at: Timestamp,
    /// The step.
    pub action: Action,
}

/// The most steps and instants that a forecast considers.
const MAX_ROUNDS: usize = 8_192;

/// The steps from `now` until `until`, and the ring as it is then. Keys that do not exist yet have invented
/// names.
pub fn forecast(
    ring: &RingRecord,
    schedule: &Schedule,
    now: Timestamp,
    until: Timestamp,
) -> (RingRecord, Vec<Event>) {
    let (mut ring, mut at, mut events) = (ring.clone(), now, Vec::new());
    for _ in 0..MAX_ROUNDS {
        let mut count = ring.keys.iter().filter(|key| key.kid.as_str().starts_with(TO_COME)).count();
        let make = |kind| {
            count += 1;
            yet_to_be_made(kind, count)
        };
        if let Some((action, after)) = step(&ring, schedule, &[], at, make) {
            ring = after;
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

/// The next step of a ring and its time, if there is one.
pub fn next(ring: &RingRecord, schedule: &Schedule, now: Timestamp) -> Option<Event> {
    let mut at = now;
    for _ in 0..MAX_ROUNDS {
        if let Some(action) = plan(ring, schedule, &[], at) {
            return Some(Event { at, action });
        }
        at = due_at(ring, schedule, at)?;
    }
    None
}

/// The beginning of the name of a key that does not exist yet.
pub const TO_COME: &str = "to-come-";

fn yet_to_be_made(kind: KeyKind, number: usize) -> NewKey {
    let kid = Kid::parse(&format!("{TO_COME}{number}")).unwrap_or_else(|_| Kid::original());
    let (alg, bits) = (kind.algorithm.name().to_owned(), kind.rsa_bits);
    NewKey { kid, alg, bits, public: String::new(), home: None }
}
