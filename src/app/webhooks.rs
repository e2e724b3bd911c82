//! The webhooks of a running service: the file that names endpoints, and the task that delivers events.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

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

/// The most bytes of the file of endpoints.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// The most bytes of a file with secrets.
const MAX_SECRET_BYTES: u64 = 4 << 10;
/// Between two looks for new events and due deliveries.
const EVERY: Duration = Duration::from_secs(1);
/// Portions of events that one turn works off.
const MAX_PORTIONS: usize = 20;
/// For what workers write after the last answer, when the process stops.
const TO_WRITE: Duration = Duration::from_secs(2);
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
    let text = read_file(path, MAX_FILE_BYTES).map_err(|error| faulty(unreadable(error)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read_secret = |name: &str| {
        let read = read_file(&folder.join(name), MAX_SECRET_BYTES).map(Secret::new);
        read.map_err(|error| format!("{name} cannot be read: {error}"))
    };
    WebhooksFile::parse(&text, &config.webhook_rules, read_secret).map(Some).map_err(faulty)
}

/// The text of a file that may have so many bytes.
fn read_file(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(text)
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
        fan_out: FanOut,
        dispatcher: Dispatcher,
        registry: WebhookRegistry,
        file: Option<WebhooksFile>,
    ) -> Self {
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

    /// The first failure of the workers that have ended since the last call.
    fn failure_of_workers(&mut self) -> Option<TurnError> {
        let mut failure = None;
        while let Some(ended) = self.workers.try_join_next() {
            failure = failure.or(failure_of(ended));
        }
        failure
    }
}

/// Why a worker failed. If the database does not answer, the task that asks it tells of it.
fn failure_of(ended: Result<Result<(), StoreError>, JoinError>) -> Option<TurnError> {
    match ended {
        Ok(Ok(()) | Err(StoreError::Unavailable(_))) => None,
        Ok(Err(error)) => Some(error.into()),
        Err(panic) => Some(panic.into()),
    }
}

#[async_trait]
impl Task for WebhookTask {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        let reconciled = match self.reconcile().await {
            // The task that asks the database, or the one that makes the secret, tells of it.
            Ok(())
            | Err(
                WebhookError::Store(StoreError::Absent | StoreError::Unavailable(_))
                | WebhookError::Secret(WebhookSecretError::NoServerSecret),
            ) => None,
            Err(error) => Some(TurnError::from(error)),
        };
        // What failed before does not keep events from the other endpoints.
        let failure = reconciled.or(self.failure_of_workers());
        let delivered = self.deliver(now).await;
        if let Some(failure) = failure {
            return Err(failure);
        }
        match delivered {
            Ok(true) => Ok(NextTurn::After(Duration::ZERO)),
            // If the database does not answer, the task that asks it tells of it.
            Ok(false) | Err(StoreError::Unavailable(_)) => Ok(NextTurn::After(EVERY)),
            Err(StoreError::Absent) => Ok(NextTurn::Never),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the queues back, so that other instances need not wait for the end of their leases.
    async fn last_turn(&mut self, _now: Timestamp, cut_off_at: Instant) -> Result<(), TurnError> {
        self.dispatcher.stop(cut_off_at.checked_sub(TO_WRITE).unwrap_or(cut_off_at));
        let mut failure = None;
        while let Some(ended) = self.workers.join_next().await {
            failure = failure.or(failure_of(ended));
        }
        failure.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::domain::{Initiator, WebhookId, WebhookScheme, WebhookUrl};
    use crate::server_secret::ServerSecretSettings;
    use crate::store::sqlite::Sqlite;
    use crate::store::{EventRecorder, IfMissing};
    use crate::webhooks::{DispatcherParts, NewWebhook, Reply, SignedHeaders, WebhookSender};

    /// Endpoints that never answer.
    #[derive(Default)]
    struct Silent {
        asked: AtomicUsize,
    }

    #[async_trait]
    impl WebhookSender for Silent {
        async fn send(&self, _: &WebhookUrl, _: SignedHeaders, _: Vec<u8>) -> Reply {
            self.asked.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }
    }

    /// A task with so many endpoints that have something to do.
    async fn task_with(endpoints: usize, sender: Arc<Silent>) -> (WebhookTask, Stores) {
        let (clock, entropy) = (Clock::manual(Timestamp::from_secs(1_900_000_000)), Entropy::seeded(5));
        let events = Arc::new(EventRecorder::new(entropy.clone()));
        let store = Sqlite::with_events(Path::new(":memory:"), IfMissing::Create, events).unwrap();
        let stores = Stores::of(store);
        let server_secret = CurrentServerSecret::default();
        let settings = ServerSecretSettings::parse("a server secret of more than 32 bytes").unwrap();
        server_secret.set(settings.with(None).unwrap());
        let rules = crate::webhooks::WebhookRules::default();
        let secret = server_secret.clone();
        let registry = WebhookRegistry::new(&stores, secret, rules, false, clock.clone(), entropy.clone());
        for n in 0..endpoints {
            let new = NewWebhook {
                id: Some(WebhookId::parse(&format!("e{n}")).unwrap()),
                url: WebhookUrl::parse("https://silent.example/").unwrap(),
                kinds: Vec::new(),
                description: String::new(),
                scheme: WebhookScheme::V1,
            };
            registry.create(new, &Initiator::OPERATOR).await.unwrap();
        }
        let parts = DispatcherParts { sender, server_secret, metrics: Arc::default(), clock, entropy };
        let dispatcher = Dispatcher::new(&stores, parts);
        (WebhookTask::new(FanOut::new(&stores, Arc::default()), dispatcher, registry, None), stores)
    }

    #[tokio::test]
    async fn the_task_works_on_so_many_endpoints_at_once_and_gives_their_queues_back_when_it_stops() {
        let (sender, due) = (Arc::<Silent>::default(), MAX_WORKERS + 3);
        let (mut task, stores) = task_with(due, Arc::clone(&sender)).await;
        let now = Timestamp::from_secs(1_900_000_000);
        let leased = async || {
            let mut leased = 0;
            for webhook in stores.webhooks.list_webhooks(None, due).await.unwrap() {
                let queue = stores.deliveries.find_delivery_queue(&webhook.id).await.unwrap();
                leased += usize::from(queue.is_some_and(|queue| queue.lease != 0));
            }
            leased
        };
        // Workers that race for the same queues leave others to the next turn.
        while leased().await < MAX_WORKERS {
            task.turn(now).await.unwrap();
            assert!(task.workers.len() <= MAX_WORKERS);
        }
        while sender.asked.load(Ordering::SeqCst) < MAX_WORKERS {
            tokio::task::yield_now().await;
        }
        task.turn(now).await.unwrap();
        assert_eq!((leased().await, task.workers.len()), (MAX_WORKERS, MAX_WORKERS));
        task.last_turn(now, Instant::now()).await.unwrap();
        assert_eq!((leased().await, task.workers.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_worker_that_panics_or_fails_fails_the_turn_which_delivers_all_the_same() {
        let (mut task, _stores) = task_with(1, Arc::default()).await;
        task.workers.spawn(async { panic!("as the test wants it") });
        tokio::task::yield_now().await;
        let error = task.turn(Timestamp::from_secs(1_900_000_000)).await.unwrap_err();
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(task.workers.len(), 1, "the queue of the endpoint");
        task.workers.spawn(async { Err(StoreError::Unavailable("as the test wants it".into())) });
        tokio::task::yield_now().await;
        assert!(task.turn(Timestamp::from_secs(1_900_000_000)).await.is_ok(), "another task tells of it");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_applied_does_not_keep_events_from_other_endpoints() {
        let (mut task, _stores) = task_with(1, Arc::default()).await;
        let text = r#"[{"id":"h","url":"http://h.example/","secret_file":"h"}]"#;
        let secret = |_: &str| Ok(Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()));
        let rules = crate::webhooks::WebhookRules { allow_http: true, ..Default::default() };
        task.file = Some(Arc::new(WebhooksFile::parse(text, &rules, secret).unwrap()));
        assert!(task.turn(Timestamp::from_secs(1_900_000_000)).await.is_err());
        assert_eq!(task.workers.len(), 1);
    }

    #[test]
    fn only_the_beginning_of_a_file_that_is_too_large_is_read() {
        let error = read_file(Path::new("/dev/zero"), MAX_SECRET_BYTES).unwrap_err();
        assert_eq!(error.to_string(), "it has more than 4096 bytes");
    }
}
