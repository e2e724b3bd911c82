//! Asks the database regularly whether it answers, and logs each change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::store::{Database, Health, StoreError};

/// The time between two questions.
const EVERY: Duration = Duration::from_millis(500);
/// How long the start waits for the first answer of the database. Without an answer, the service starts all
/// the same.
pub(super) const FIRST: Duration = Duration::from_millis(700);

/// Probes the database.
pub(super) struct DatabaseProbe {
    database: Arc<dyn Database>,
    health: Health,
    asked: bool,
}

impl DatabaseProbe {
    pub(super) fn new(database: Arc<dyn Database>, health: Health) -> Self {
        Self { database, health, asked: false }
    }

    /// Asks once. Returns false if there is no database.
    async fn ask(&mut self) -> bool {
        let answer = self.database.ping().await;
        if let Err(StoreError::Absent) = answer {
            return false;
        }
        let news = self.health.note(answer.is_ok());
        let first = !std::mem::replace(&mut self.asked, true);
        match answer {
            Ok(()) if news => tracing::info!("the database answers"),
            Err(error) if news || first => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "accounts are off until the database answers");
            }
            _ => {}
        }
        true
    }
}

#[async_trait]
impl Task for DatabaseProbe {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        Ok(if self.ask().await { NextTurn::After(EVERY) } else { NextTurn::Never })
    }
}
