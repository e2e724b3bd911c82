//! The task that reads the ring of keys again and again, and takes the steps that are due.

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::keys::RingRefresher;

#[async_trait]
impl Task for RingRefresher {
    fn name(&self) -> &'static str {
        "ring"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        self.look_again().await?;
        Ok(NextTurn::After(self.pause()))
    }
}
