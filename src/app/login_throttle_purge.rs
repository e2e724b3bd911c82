//! Removes what is remembered of log-ins once it no longer counts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::store::{LoginThrottles, StoreError};

/// Between two looks. Records are kept for 30 days, so that an hour more does not matter.
const EVERY: Duration = Duration::from_secs(3600);
/// Between two removals while there is more to remove: log-ins write in between.
const PAUSE: Duration = Duration::from_secs(1);

/// Removes records in small portions.
pub(super) struct LoginThrottlePurge(Arc<dyn LoginThrottles>);

impl LoginThrottlePurge {
    pub(super) fn new(throttles: Arc<dyn LoginThrottles>) -> Self {
        Self(throttles)
    }
}

#[async_trait]
impl Task for LoginThrottlePurge {
    fn name(&self) -> &'static str {
        "login throttles"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.0.purge_login_throttles(now).await {
            Ok(true) => Ok(NextTurn::After(PAUSE)),
            // If the database does not answer, the task that asks it tells of it.
            Ok(false) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
