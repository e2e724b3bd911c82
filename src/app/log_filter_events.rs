//! The task that stores an event for each change of the log's filter through the admin listener.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::task::{NextTurn, Task, TurnError};
use crate::admin::LogFilterChanges;
use crate::domain::{Actor, Event, EventField, EventKind, EventSubject, Initiator, Timestamp};
use crate::entropy::{Entropy, EntropyError};
use crate::store::{Events, StoreError};

/// Between two looks for changes.
const EVERY: Duration = Duration::from_secs(1);

/// Stores the changes as events.
pub(super) struct LogFilterEvents {
    changes: LogFilterChanges,
    events: Arc<dyn Events>,
    entropy: Entropy,
    /// Events that the store has not taken yet.
    waiting: VecDeque<Event>,
}

/// Why the events could not be stored.
#[derive(Debug, thiserror::Error)]
enum LogFilterEventError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl LogFilterEvents {
    pub(super) fn new(changes: LogFilterChanges, events: Arc<dyn Events>, entropy: Entropy) -> Self {
        Self { changes, events, entropy, waiting: VecDeque::new() }
    }

    async fn store(&mut self, now: Timestamp) -> Result<(), LogFilterEventError> {
        for change in self.changes.take() {
            let by =
                Initiator { address: Some(change.by), ..Initiator::outside_requests(Actor::Operator(None)) };
            let event = self.entropy.event(now, EventKind::LogFilterChanged, by, EventSubject::Settings)?;
            self.waiting.push_back(event.with(EventField::Filter, change.filter));
        }
        while let Some(event) = self.waiting.front() {
            self.events.append_event(event).await?;
            self.waiting.pop_front();
        }
        Ok(())
    }
}

#[async_trait]
impl Task for LogFilterEvents {
    fn name(&self) -> &'static str {
        "log filter events"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.store(now).await {
            Err(LogFilterEventError::Store(StoreError::Absent)) => Ok(NextTurn::Never),
            // If the database does not answer, the task that asks it tells of it.
            Ok(()) | Err(LogFilterEventError::Store(StoreError::Unavailable(_))) => {
                Ok(NextTurn::After(EVERY))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn last_turn(&mut self, now: Timestamp, _cut_off_at: Instant) -> Result<(), TurnError> {
        match self.store(now).await {
            Ok(()) | Err(LogFilterEventError::Store(StoreError::Absent)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
