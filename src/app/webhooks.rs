//! The webhooks of a running service: the file that names endpoints, and the task that delivers events.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::task::{NextTurn, Task, TurnError};
use super::{StartError, open_ring_service};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Secret, Timestamp};
use crate::entropy::Entropy;
use crate::server_secret::CurrentServerSecret;
use crate::store::{StoreError, Stores};
use crate::webhooks::{
    Dispatcher, FanOut, WebhookError, WebhookRegistry, WebhookSecretError, WebhooksFile, WebhooksFileError,
};

/// Between two looks for new events and due deliveries.
const EVERY: Duration = Duration::from_secs(1);
/// Portions of events that one turn works off.
const MAX_PORTIONS: usize = 20;
/// The endpoints at once on which this instance works.
const MAX_WORKERS: usize = 32;

/// The endpoints in `stores`, for commands and for the file of endpoints.
pub fn open_webhooks(
    config: &Config,
    stores: &Stores,
    server_secret: CurrentServerSecret,
    clock: Clock,
    entropy: Entropy,
) -> WebhookRegistry {
    let (rules, file_in_use) = (config.webhook_rules.clone(), config.webhooks_file.is_some());
    WebhookRegistry::new(stores, server_secret, rules, file_in_use, clock, entropy)
}

/// The server secret as it is now, for a command. There may be none yet.
///
/// # Errors
/// [`StartError`] if the custody of the secret cannot be used.
pub async fn read_server_secret(config: &Config, stores: &Stores) -> Result<CurrentServerSecret, StartError> {
    let ring_service = open_ring_service(config, stores, Clock::System)?;
    let ring = if config.server_secret.uses_kept() { ring_service.peek().await? } else { None };
    let current = CurrentServerSecret::default();
    let kept = ring.as_ref().and_then(|ring| ring.server_secret.as_ref());
    if let Some(secret) = config.server_secret.with(kept) {
        current.set(secret);
    }
    Ok(current)
}

/// Reads the file of endpoints that the settings name. The files of secrets that it names are relative to its folder.
///
/// # Errors
/// [`StartError::WebhooksFile`] with all faults.
pub fn webhooks_file(config: &Config) -> Result<Option<WebhooksFile>, StartError> {
    let Some(path) = &config.webhooks_file else { return Ok(None) };
    let faulty = |faults| StartError::WebhooksFile { path: path.clone(), faults };
    let unreadable = |error| WebhooksFileError(vec![format!("the file cannot be read: {error}")]);
    let text = std::fs::read_to_string(path).map_err(|error| faulty(unreadable(error)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read_secret = |name: &str| {
        let read = std::fs::read_to_string(folder.join(name)).map(Secret::new);
        read.map_err(|error| format!("{name} cannot be read: {error}"))
    };
    WebhooksFile::parse(&text, &config.webhook_rules, read_secret).map(Some).map_err(faulty)
}

/// Makes deliveries of new events and has them sent. Any number of instances may do this at once. The calls run beside the turns,
/// so that an endpoint that does not answer delays no turn.
pub(super) struct WebhookTask {
    fan_out: FanOut,
    dispatcher: Dispatcher,
    registry: WebhookRegistry,
    /// `None` if the settings name no file, or if the stored endpoints are as it says.
    file: Option<Arc<WebhooksFile>>,
    workers: JoinSet<Result<(), StoreError>>,
}

impl WebhookTask {
    pub(super) fn new(
        stores: &Stores,
        dispatcher: Dispatcher,
        registry: WebhookRegistry,
        file: Option<WebhooksFile>,
    ) -> Self {
        let fan_out = FanOut::new(stores);
        Self { fan_out, dispatcher, registry, file: file.map(Arc::new), workers: JoinSet::new() }
    }

    async fn reconcile(&mut self) -> Result<(), WebhookError> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        for (id, change) in self.registry.reconcile(&file).await? {
            tracing::info!(webhook = %id, change, "WEBHOOKS_FILE changed an endpoint");
        }
        self.file = None;
        Ok(())
    }

    /// Returns whether there may be more events.
    async fn deliver(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let mut failed = None;
        while let Some(ended) = self.workers.try_join_next() {
            failed = failed.or(ended.ok().and_then(Result::err));
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let mut more = true;
        for _ in 0..MAX_PORTIONS {
            more = self.fan_out.take_portion(now).await?;
            if !more {
                break;
            }
        }
        let free = MAX_WORKERS.saturating_sub(self.workers.len());
        for _ in 0..self.dispatcher.count_due(free).await? {
            let dispatcher = self.dispatcher.clone();
            self.workers.spawn(async move { dispatcher.work().await });
        }
        Ok(more)
    }
}

#[async_trait]
impl Task for WebhookTask {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.reconcile().await {
            // The task that asks the database, or the one that makes the secret, tells of it.
            Ok(())
            | Err(
                WebhookError::Store(StoreError::Absent | StoreError::Unavailable(_))
                | WebhookError::Secret(WebhookSecretError::NoServerSecret),
            ) => {}
            Err(error) => return Err(error.into()),
        }
        match self.deliver(now).await {
            Ok(true) => Ok(NextTurn::After(Duration::ZERO)),
            // If the database does not answer, the task that asks it tells of it.
            Ok(false) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }
}
