//! The task that prepares the lists of the states of tokens.

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::oauth::StatusListPublisher;
use crate::store::StoreError;

#[async_trait]
impl Task for StatusListPublisher {
    fn name(&self) -> &'static str {
        "status lists"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.refresh(now).await {
            // If the database does not answer, the task that asks it tells of it.
            Ok(()) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(self.pause())),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
