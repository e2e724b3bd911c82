//! Collects the events of changes and seals them into the chain.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::store::{EventMetrics, Events, StoreError};

/// Between two looks for new events.
const EVERY: Duration = Duration::from_secs(1);
/// Portions that one turn works off.
const MAX_PORTIONS: usize = 20;

/// Collects and seals in small portions. Any number of instances may do this at once.
pub(super) struct EventSealer {
    events: Arc<dyn Events>,
    metrics: Arc<EventMetrics>,
}

impl EventSealer {
    pub(super) fn new(events: Arc<dyn Events>, metrics: Arc<EventMetrics>) -> Self {
        Self { events, metrics }
    }

    /// Returns whether there may be more to do.
    async fn collect_and_seal(&self, now: Timestamp) -> Result<bool, StoreError> {
        let mut more = false;
        for _ in 0..MAX_PORTIONS {
            let more_to_collect = self.events.relay_events(now).await?;
            more = self.events.seal_events().await? || more_to_collect;
            if !more {
                break;
            }
        }
        self.metrics.note(self.events.find_oldest_unsealed_event().await?, now);
        Ok(more)
    }
}

#[async_trait]
impl Task for EventSealer {
    fn name(&self) -> &'static str {
        "events"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.collect_and_seal(now).await {
            Ok(true) => Ok(NextTurn::After(Duration::ZERO)),
            // If the database does not answer, the task that asks it tells of it.
            Ok(false) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
