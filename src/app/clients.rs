//! The OAuth clients of a running service: the file that names them, and the task that keeps the copy in memory fresh.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::StartError;
use super::task::{NextTurn, Task, TurnError};
use crate::config::Config;
use crate::domain::{DemoTokens, Secret, Timestamp};
use crate::oauth::{
    ClientChangeError, ClientDirectory, ClientRegistry, ClientRules, ClientsFile, ClientsFileError,
};
use crate::store::StoreError;

/// Until the next try while the clients are not known and the database does not answer.
const RETRY: Duration = Duration::from_secs(1);

/// The rules for clients under these settings.
pub fn client_rules(config: &Config) -> ClientRules {
    ClientRules {
        audience: config.audience.clone(),
        longest_token: config.token_lifetime.max(config.max_token_lifetime).as_secs(),
        algorithms: config.algorithms.clone(),
        has_database: !config.store.is_absent(),
    }
}

/// Reads a file of clients. The files of secrets that it names are relative to its folder.
///
/// # Errors
/// [`ClientsFileError`] with all faults.
pub fn read_clients_file(path: &Path, rules: &ClientRules) -> Result<ClientsFile, ClientsFileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ClientsFileError(vec![format!("the file cannot be read: {error}")]))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read_secret = |name: &str| {
        let read = std::fs::read_to_string(folder.join(name)).map(Secret::new);
        // Editors and `echo` end a file with a line break.
        let trimmed =
            |text: Secret<String>| Secret::new(text.expose().trim_end_matches(['\n', '\r']).to_owned());
        read.map(trimmed).map_err(|error| format!("{name} cannot be read: {error}"))
    };
    ClientsFile::parse(&text, rules, read_secret)
}

/// The file of the settings, if they name one.
///
/// # Errors
/// [`StartError::ClientsFile`].
pub(super) fn clients_file(config: &Config) -> Result<Option<ClientsFile>, StartError> {
    let Some(path) = &config.clients_file else { return Ok(None) };
    let read = read_clients_file(path, &client_rules(config));
    read.map(Some).map_err(|faults| StartError::ClientsFile { path: path.clone(), faults })
}

/// Makes the stored clients as the file says, once, and reads all clients again and again.
pub(super) struct ClientRefresh {
    directory: ClientDirectory,
    registry: ClientRegistry,
    /// `None` if the settings name no file, or if the stored clients are as it says.
    file: Option<Arc<ClientsFile>>,
    refresh: Duration,
    demo_tokens: DemoTokens,
    had_clients: bool,
}

impl ClientRefresh {
    pub(super) fn new(
        directory: ClientDirectory,
        registry: ClientRegistry,
        file: Option<ClientsFile>,
        refresh: Duration,
        demo_tokens: DemoTokens,
    ) -> Self {
        let file = file.map(Arc::new);
        Self { directory, registry, file, refresh, demo_tokens, had_clients: false }
    }

    /// Until the first turn after the one of the start.
    pub(super) fn pause(&self) -> Duration {
        if self.directory.count().is_some() && self.file.is_none() { self.refresh } else { RETRY }
    }

    async fn reconcile(&mut self, now: Timestamp) -> Result<(), TurnError> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        match self.registry.reconcile(&file).await {
            Ok(changes) => {
                for change in changes {
                    tracing::info!(client = %change.id, change = change.action.name(), "CLIENTS_FILE changed a client");
                }
            }
            // Without a database, the clients of the file are all that there are.
            Err(ClientChangeError::Store(StoreError::Absent)) => {
                let records = file.clients().iter().map(|client| client.record(None, None, now.whole_secs()));
                self.directory.install(records.collect());
            }
            Err(error) => return Err(error.into()),
        }
        self.file = None;
        Ok(())
    }

    /// Logs when demo tokens are turned on or off because clients came or went.
    fn tell_of_demo_tokens(&mut self) {
        let has_clients = self.directory.has_clients();
        if self.had_clients != has_clients && self.demo_tokens == DemoTokens::UntilClients {
            if has_clients {
                tracing::info!(
                    "demo tokens are off, because there is a client; DEMO_TOKENS=true keeps them on"
                );
            } else {
                tracing::info!("demo tokens are on again, because there is no client any more");
            }
        }
        self.had_clients = has_clients;
    }
}

#[async_trait]
impl Task for ClientRefresh {
    fn name(&self) -> &'static str {
        "clients"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        let done = match self.reconcile(now).await {
            Ok(()) => self.directory.refresh().await.map_err(TurnError::from),
            Err(error) => Err(error),
        };
        self.tell_of_demo_tokens();
        let is_away = |error: &TurnError| {
            matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Unavailable(_)))
                || matches!(
                    error.downcast_ref::<ClientChangeError>(),
                    Some(ClientChangeError::Store(StoreError::Unavailable(_)))
                )
        };
        match done {
            Ok(()) if self.directory.is_fixed() => Ok(NextTurn::Never),
            Ok(()) => Ok(NextTurn::After(self.refresh)),
            // The task that asks the database tells of it.
            Err(error) if is_away(&error) => Ok(NextTurn::After(self.pause())),
            Err(error) => Err(error),
        }
    }
}
