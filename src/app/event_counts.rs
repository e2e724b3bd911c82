//! The task that stores what was only counted, for each minute, kind and client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::{EventId, Timestamp};
use crate::entropy::{Entropy, EntropyError};
use crate::event_counter::{Counted, EventCounter};
use crate::store::{EventCount, Events, StoreError};

/// Between two writes. If the process is killed, the counts of this time are lost.
const EVERY: Duration = Duration::from_secs(10);
const MINUTE_SECS: u64 = 60;

/// Counts of one batch, so that its document does not become too large.
const MOST_IN_A_BATCH: usize = 10_000;

/// Adds the counts of the last seconds to those of their minute.
pub(super) struct EventCountTask {
    counter: EventCounter,
    events: Arc<dyn Events>,
    entropy: Entropy,
    /// Batches of which it is not known whether the store has them.
    waiting: VecDeque<(EventId, Vec<EventCount>)>,
}

/// Why the counts could not be stored.
#[derive(Debug, thiserror::Error)]
enum EventCountError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl EventCountTask {
    pub(super) fn new(counter: EventCounter, events: Arc<dyn Events>, entropy: Entropy) -> Self {
        Self { counter, events, entropy, waiting: VecDeque::new() }
    }

    /// First the batches that wait. Meanwhile, the counter goes on.
    async fn store(&mut self, now: Timestamp) -> Result<(), EventCountError> {
        self.store_waiting().await?;
        let minute = Timestamp::from_secs(now.as_secs() / MINUTE_SECS * MINUTE_SECS);
        let of_minute = |Counted { kind, client, count }: Counted| EventCount { minute, kind, client, count };
        let counts: Vec<_> = self.counter.take().into_iter().map(of_minute).collect();
        for counts in counts.chunks(MOST_IN_A_BATCH) {
            self.waiting.push_back((self.entropy.event_id(now)?, counts.to_vec()));
        }
        Ok(self.store_waiting().await?)
    }

    async fn store_waiting(&mut self) -> Result<(), StoreError> {
        while let Some((batch, counts)) = self.waiting.front() {
            self.events.add_event_counts(*batch, counts).await?;
            self.waiting.pop_front();
        }
        Ok(())
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
            Ok(()) | Err(EventCountError::Store(StoreError::Unavailable(_))) => Ok(NextTurn::After(EVERY)),
            Err(EventCountError::Store(StoreError::Absent)) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }

    async fn last_turn(&mut self, now: Timestamp, _cut_off_at: Instant) -> Result<(), TurnError> {
        Ok(self.store(now).await?)
    }
}
