//! A step in two halves: which one is due and which keys it needs, and the ring after it. Making a key takes time, so the
//! server waits between the halves; a forecast makes names up. All go this one way.

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
    /// The next step that is due at `now`, if there is one. `passed_over` are those that could not be prepared.
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

    /// What it does; an instant in it is the one that would hold if it were written at once.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// The kinds of the keys that are to be made for it.
    pub fn makes(&self) -> &[KeyKind] {
        &self.makes
    }

    /// The step as it is taken at `now`, and the ring after it: making a key takes time, and what is announced counts from
    /// when it is written. `new` has the keys that [`Self::makes`] asks for.
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

/// The next step that is due at `now`, and the ring after it; `make` gives the keys that it makes.
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

/// What the next step does that is due at `now`, if there is one.
pub fn plan(
    ring: &RingRecord,
    schedule: &Schedule,
    outstanding: Outstanding<'_>,
    now: Timestamp,
) -> Option<Action> {
    Step::next(ring, schedule, outstanding, &[], now).map(|step| step.action)
}
