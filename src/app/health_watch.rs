//! The task that looks at what the instance can do, so that a change is in the log though no probe asks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::health::InstanceHealth;

/// Between two looks, which read memory only.
const EVERY: Duration = Duration::from_secs(1);

/// Looks.
pub(super) struct HealthWatch(Arc<InstanceHealth>);

impl HealthWatch {
    pub(super) fn new(health: Arc<InstanceHealth>) -> Self {
        Self(health)
    }
}

#[async_trait]
impl Task for HealthWatch {
    fn name(&self) -> &'static str {
        "health"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        self.0.capabilities();
        Ok(NextTurn::After(EVERY))
    }
}
