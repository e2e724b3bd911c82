//! The task that reads the denials of all instances, and removes those that have expired.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::oauth::DenialReader;
use crate::store::{Denials, StoreError};
use crate::token::DeniedTokens;

/// Until the next try while the denials are not known and the database does not answer.
const RETRY: Duration = Duration::from_secs(1);
/// Between two removals.
const PURGE_EVERY_SECS: u64 = 60;

/// Reads denials about every `KEY_REFRESH`.
pub(super) struct DenialTask {
    reader: DenialReader,
    denied: DeniedTokens,
    refresh: Duration,
    purged_at: Timestamp,
}

impl DenialTask {
    pub(super) fn new(store: Arc<dyn Denials>, denied: DeniedTokens, refresh: Duration) -> Self {
        let purged_at = Timestamp::from_secs(0);
        Self { reader: DenialReader::new(store, denied.clone()), denied, refresh, purged_at }
    }

    /// Until the next turn.
    pub(super) fn pause(&self) -> Duration {
        if self.denied.is_loaded() { self.refresh } else { RETRY }
    }

    async fn read_and_purge(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.reader.read(now).await?;
        if now.secs_since(self.purged_at) >= PURGE_EVERY_SECS && !self.reader.purge(now).await? {
            self.purged_at = now;
        }
        Ok(())
    }
}

#[async_trait]
impl Task for DenialTask {
    fn name(&self) -> &'static str {
        "denials"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.read_and_purge(now).await {
            // If the database does not answer, the task that asks it tells of it.
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(self.pause())),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
