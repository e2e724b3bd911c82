//! Whether the database answers: asked again and again, told to the log where that changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::store::{Health, Store, StoreError};

/// How often the database is asked whether it is there.
const EVERY: Duration = Duration::from_millis(500);
/// How long the start waits for the database's first answer; without one the service starts all the same.
const FIRST: Duration = Duration::from_millis(700);

/// Asks the database.
pub(super) struct Pulse {
    store: Arc<dyn Store>,
    health: Health,
    asked: bool,
}

impl Pulse {
    pub(super) fn new(store: Arc<dyn Store>, health: Health) -> Self {
        Self { store, health, asked: false }
    }

    /// Asks once. False where there is no database to ask.
    pub(super) async fn ask(&mut self) -> bool {
        let answer = self.store.ping().await;
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

    /// Asks for as long as the task lives. Returns when the first answer is in, or late.
    pub(super) async fn keep(mut self) -> JoinHandle<()> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut more = self.ask().await;
            // The start may have stopped waiting.
            let _ = tell.send(());
            while more {
                tokio::time::sleep(EVERY).await;
                more = self.ask().await;
            }
        });
        // Either the first answer is in or it is late; both are well.
        let _ = tokio::time::timeout(FIRST, told).await;
        task
    }
}
