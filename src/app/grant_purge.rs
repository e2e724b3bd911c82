//! Removes grants and browser sessions that have expired.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::store::{BrowserSessions, Grants, StoreError};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(60);
/// Between two removals while there is more to remove: requests write in between.
const PAUSE: Duration = Duration::from_secs(1);

/// Removes them in small portions.
pub(super) struct GrantPurge {
    grants: Arc<dyn Grants>,
    sessions: Arc<dyn BrowserSessions>,
}

impl GrantPurge {
    pub(super) fn new(grants: Arc<dyn Grants>, sessions: Arc<dyn BrowserSessions>) -> Self {
        Self { grants, sessions }
    }
}

#[async_trait]
impl Task for GrantPurge {
    fn name(&self) -> &'static str {
        "grants"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        let purged = async {
            let more_grants = self.grants.purge_grants(now).await?;
            Ok(self.sessions.purge_browser_sessions(now).await? || more_grants)
        };
        match purged.await {
            Ok(true) => Ok(NextTurn::After(PAUSE)),
            // If the database does not answer, the task that asks it tells of it.
            Ok(false) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
