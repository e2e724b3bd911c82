//! A step in two halves: first which step is due and which keys it needs, then the ring after it. Making a
//! key takes time, so the server waits between the halves; a forecast invents names for the keys. Both use
//! this file.

use super::apply::apply;
use super::due::{Outstanding, due, known_to_all, turn};
use super::{Action, Schedule};
use crate::domain::{NewKey, RingRecord, Timestamp};
use crate::keys::KeyKind;

/// A step that is due.
#[derive(Clone, Debug)]
pub struct Step {
    action: Action,
    makes: Vec<KeyKind>,
}

impl Step {
    /// The next step that is due at `now`, if there is one. `passed_over` are the steps that could not be
    /// prepared.
    pub fn next(
        ring: &RingRecord,
        schedule: &Schedule,
        outstanding: Outstanding<'_>,
        passed_over: &[Action],
        now: Timestamp,
    ) -> Option<Self> {
        let is_new = |action: &Action| passed_over.iter().all(|known| !action.is_again(known));
        let action = due(ring, schedule, outstanding, now).into_iter().find(is_new)?;
        let makes = action.makes(ring, schedule);
        Some(Self { action, makes })
    }

    /// Its effect; an instant in it is correct if the step is written at once.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// The kinds of the keys that must be made for it.
    pub fn makes(&self) -> &[KeyKind] {
        &self.makes
    }

    /// The step as it is taken at `now`, and the ring after it: making a key takes time, and an announcement
    /// counts from the time when it is written. `new` has the keys for which [`Self::makes`] asks.
    pub fn take(
        &self,
        ring: &RingRecord,
        schedule: &Schedule,
        new: impl IntoIterator<Item = NewKey>,
        now: Timestamp,
    ) -> (Action, RingRecord) {
        let action = match &self.action {
            Action::Publish { kind, .. } => {
                Action::Publish { kind: *kind, activates_at: turn(ring, *kind, schedule, now) }
            }
            Action::Drop { alg, .. } => {
                Action::Drop { alg: alg.clone(), at: known_to_all(ring, schedule, now) }
            }
            other => other.clone(),
        };
        let after = apply(ring, &action, schedule, new, now);
        (action, after)
    }
}

/// The next step that is due at `now`, and the ring after it; `make` returns the keys that it needs.
pub fn step(
    ring: &RingRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
    make: impl FnMut(KeyKind) -> NewKey,
) -> Option<(Action, RingRecord)> {
    let step = Step::next(ring, schedule, outstanding, &[], now)?;
    let new: Vec<_> = step.makes().iter().copied().map(make).collect();
    Some(step.take(ring, schedule, new, now))
}

/// The effect of the next step that is due at `now`, if there is one.
pub fn plan(
    ring: &RingRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
) -> Option<Action> {
    Step::next(ring, schedule, outstanding, &[], now).map(|step| step.action)
}
