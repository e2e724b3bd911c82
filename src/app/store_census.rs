//! The task that counts the rows of the database for the metrics.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::store::{Database, StoreError, TableMetrics};

/// Between two counts: counting costs the database something, and the numbers change slowly.
const EVERY: Duration = Duration::from_secs(60);

/// Counts.
pub(super) struct StoreCensus {
    database: Arc<dyn Database>,
    metrics: Arc<TableMetrics>,
}

impl StoreCensus {
    pub(super) fn new(database: Arc<dyn Database>, metrics: Arc<TableMetrics>) -> Self {
        Self { database, metrics }
    }
}

#[async_trait]
impl Task for StoreCensus {
    fn name(&self) -> &'static str {
        "census"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        let sizes = self.database.list_tables().await;
        if let Err(StoreError::Absent) = sizes {
            return Ok(NextTurn::Never);
        }
        // The task that asks the database tells of a database that does not answer.
        self.metrics.note(sizes.unwrap_or_default(), now);
        Ok(NextTurn::After(EVERY))
    }
}
