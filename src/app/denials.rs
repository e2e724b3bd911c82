//! The task that reads the denials of all instances.

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

/// Reads denials about every `KEY_REFRESH`.
pub(super) struct DenialTask {
    reader: DenialReader,
    denied: DeniedTokens,
    refresh: Duration,
}

impl DenialTask {
    pub(super) fn new(store: Arc<dyn Denials>, denied: DeniedTokens, refresh: Duration) -> Self {
        Self { reader: DenialReader::new(store, denied.clone()), denied, refresh }
    }

    /// Until the next turn.
    pub(super) fn pause(&self) -> Duration {
        if self.denied.is_loaded() { self.refresh } else { RETRY }
    }
}

#[async_trait]
impl Task for DenialTask {
    fn name(&self) -> &'static str {
        "denials"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.reader.read(now).await {
            // If the database does not answer, the task that asks it tells of it.
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(self.pause())),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
