//! What was changed through the listener and is not stored as an event yet. The listener knows no store: a task of `app` takes the
//! changes and stores them, so that the filter can also be changed while the database does not answer.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Changes that wait at the most. If there are more, the oldest one gives way; the log has them all.
const MAX_WAITING: usize = 100;

/// The changes, the oldest first. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct LogFilterChanges(Arc<Mutex<VecDeque<LogFilterChange>>>);

/// A change of the filter of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilterChange {
    /// The filter from then on.
    pub filter: String,
    /// The address of the client that changed it.
    pub by: IpAddr,
}

impl LogFilterChanges {
    pub(super) fn add(&self, change: LogFilterChange) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MAX_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(change);
    }

    /// Takes the changes since the last call.
    pub fn take(&self) -> Vec<LogFilterChange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_taken_once_and_the_oldest_of_too_many_gives_way() {
        let changes = LogFilterChanges::default();
        let change = |n: usize| LogFilterChange { filter: n.to_string(), by: [127, 0, 0, 1].into() };
        (0..=MAX_WAITING).for_each(|n| changes.clone().add(change(n)));
        assert_eq!(changes.take(), (1..=MAX_WAITING).map(change).collect::<Vec<_>>());
        assert_eq!(changes.take(), []);
    }
}
