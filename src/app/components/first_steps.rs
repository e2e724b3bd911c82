//! What a server and a function do with their components before the first request.

use std::time::Duration;

use tokio::time::timeout;

use super::Components;
use crate::app::task::Task;
use crate::app::{StartError, tell_adopted};
use crate::config::Config;
use crate::store::StoreError;

/// How long a start waits for the clients.
const CLIENTS_PATIENCE: Duration = Duration::from_secs(2);
/// How long a start waits for the server secret. A database has answered a moment before, and its verbs end within this time.
const SERVER_SECRET_PATIENCE: Duration = Duration::from_secs(2);

impl Components {
    /// Reads the ring of keys for the first time.
    pub(in crate::app) async fn load_keys(&mut self) -> Result<(), StartError> {
        self.ring_refresher.start().await?;
        if let Some(ring) = self.keys.ring().as_ref() {
            self.ring_service.schedule().check(ring.record())?;
        }
        Ok(())
    }

    /// What a server and a function do between their first look at the keys and their first request: they compare their keys
    /// with those of the other instances on the database, prepare the store, make the server secret if it is missing, and read
    /// the clients and the denials.
    ///
    /// # Errors
    /// [`StartError`] if another instance signs with other keys, or if a newer version has changed the database.
    pub(in crate::app) async fn finish_start(&mut self, config: &Config) -> Result<(), StartError> {
        tell_adopted(config, &self.keys);
        self.heartbeat.first(&self.database).await?;
        self.prepare().await?;
        self.keep_server_secret().await;
        self.read_clients().await;
        Ok(())
    }

    /// Has the store take the form of this version, which the version before may not read. This comes after everything that
    /// can refuse the start. If the database does not answer now, its first use prepares it.
    async fn prepare(&self) -> Result<(), StartError> {
        match self.stores.database.prepare().await {
            Err(error @ StoreError::Newer { .. }) => Err(StartError::NewerDatabase(error)),
            // The task that probes the database logs the failure.
            _ => Ok(()),
        }
    }

    /// Makes the server secret before the first request, unless that takes long: then its task makes it later.
    async fn keep_server_secret(&mut self) {
        if self.keys.ring().is_some() || !self.server_secret.uses_kept() {
            let turn = self.server_secret.turn(self.clock.now());
            let _ = timeout(SERVER_SECRET_PATIENCE, turn).await;
        }
    }

    /// Reads the clients and the denials before the first request, unless that takes long or fails: then their tasks read
    /// them later.
    async fn read_clients(&mut self) {
        let now = self.clock.now();
        let clients = timeout(CLIENTS_PATIENCE, self.client_refresh.turn(now));
        let denials = timeout(CLIENTS_PATIENCE, self.denial_task.turn(now));
        let (clients, denials) = tokio::join!(clients, denials);
        for turn in [clients, denials] {
            if let Ok(Err(error)) = turn {
                tracing::error!(
                    error,
                    "the clients or the denials could not be read; the service tries again"
                );
            }
        }
    }
}
