//! The task that stores what was only counted, for each minute, kind and client.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::event_counter::{Counted, EventCounter};
use crate::store::{EventCount, Events, StoreError};

/// Between two writes. If the process is killed, the counts of this time are lost.
const EVERY: Duration = Duration::from_secs(10);
const MINUTE_SECS: u64 = 60;

/// Adds the counts of the last seconds to those of their minute.
pub(super) struct EventCountTask {
    counter: EventCounter,
    events: Arc<dyn Events>,
}

impl EventCountTask {
    pub(super) fn new(counter: EventCounter, events: Arc<dyn Events>) -> Self {
        Self { counter, events }
    }

    async fn store(&self, now: Timestamp) -> Result<(), StoreError> {
        let counted = self.counter.take();
        if counted.is_empty() {
            return Ok(());
        }
        let minute = Timestamp::from_secs(now.as_secs() / MINUTE_SECS * MINUTE_SECS);
        let of_minute = |one: &Counted| EventCount {
            minute,
            kind: one.kind,
            client: one.client.clone(),
            count: one.count,
        };
        let counts: Vec<_> = counted.iter().map(of_minute).collect();
        let stored = self.events.add_event_counts(&counts).await;
        if stored.is_err() {
            self.counter.give_back(&counted);
        }
        stored
    }
}

#[async_trait]
impl Task for EventCountTask {
    fn name(&self) -> &'static str {
        "event counts"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.store(now).await {
            // If the database does not answer, the task that asks it tells of it.
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }

    async fn last_turn(&mut self, now: Timestamp, _cut_off_at: Instant) -> Result<(), TurnError> {
        Ok(self.store(now).await?)
    }
}
