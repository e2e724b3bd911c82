//! The components that a server and a function have in common, opened in order. `first_steps` does what a start does with them,
//! and `service` makes the service of them.

mod first_steps;
mod service;

use std::sync::Arc;
use std::time::Duration;

use super::checkpoints::check_checkpoint_file;
use super::clients::{ClientRefresh, clients_file};
use super::database_probe::DatabaseProbe;
use super::denials::DenialTask;
use super::instance_heartbeat::InstanceHeartbeat;
use super::log_filter_events::LogFilterEvents;
use super::metric_export::MetricExport;
use super::process_metrics::ProcessMetrics;
use super::server_secret::ServerSecretKeeper;
use super::stores::database_place;
use super::task::Supervised;
use super::webhooks::{WebhookTask, open_webhooks, webhooks_file};
use super::{StartError, open_clients, open_registry, open_ring_service, open_stores};
use crate::accounts::{LoginGuard, Registry};
use crate::admin::LogFilterChanges;
use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::event_counter::EventCounter;
use crate::health::{InstanceHealth, Tasks};
use crate::keys::{Keys, RingRefresher, RingService, Signer};
use crate::limits::{LiveInstances, RateLimits};
use crate::oauth::ClientDirectory;
use crate::server_secret::CurrentServerSecret;
use crate::store::{Health, IfMissing, StoreMetrics, Stores};
use crate::telemetry::metrics::MetricRegistry;
use crate::telemetry::traces::Tracer;
use crate::token::DeniedTokens;
use crate::webhooks::{Dispatcher, DispatcherParts, FanOut, NetworkSender, WebhookMetrics};

/// What a server and a function work with. The fields are for the steps of the start.
pub(super) struct Components {
    stores: Stores,
    registry: Registry,
    guard: LoginGuard,
    keys: Arc<Keys>,
    ring_service: RingService,
    ring_refresher: RingRefresher,
    heartbeat: InstanceHeartbeat,
    limits: RateLimits,
    server_secret: ServerSecretKeeper,
    clients: ClientDirectory,
    client_refresh: ClientRefresh,
    denied: DeniedTokens,
    denial_task: DenialTask,
    event_counter: EventCounter,
    webhook_task: WebhookTask,
    database: Health,
    health: Arc<InstanceHealth>,
    metrics: MetricRegistry,
    clock: Clock,
    mark: u32,
    tracer: Tracer,
    metric_export: Option<MetricExport>,
}

impl Components {
    /// Opens the components. It asks neither the database nor the custody anything yet.
    pub(super) fn open(config: &Config, clock: Clock, entropy: &Entropy) -> Result<Self, StartError> {
        let mark = u32::from_be_bytes(entropy.bytes()?);
        let file = clients_file(config)?;
        let endpoints = webhooks_file(config)?;
        check_checkpoint_file(config)?;
        let (metrics, store_metrics) = (MetricRegistry::default(), Arc::<StoreMetrics>::default());
        let tracer = open_tracer(config, mark, &clock, entropy)?;
        let place = tracer.is_on().then(|| database_place(config));
        let stores =
            open_stores(config, IfMissing::Create, entropy)?.observed(&store_metrics, place.as_ref());
        metrics.add(store_metrics);
        metrics.add(Arc::new(ProcessMetrics::new(clock.now())));
        let denied = DeniedTokens::default();
        let registry =
            open_registry(config, &stores, clock.clone(), entropy.clone())?.telling(denied.clone());
        let keys = Arc::new(Keys::new(Signer::start(config.rsa_batch, entropy.clone())?, clock.clone()));
        let ring_service = open_ring_service(config, &stores, clock.clone())?;
        let ring_refresher =
            RingRefresher::new(ring_service.clone(), Arc::clone(&keys), clock.clone(), entropy.clone());
        let instances = Arc::clone(&stores.instances);
        let live = LiveInstances::default();
        let limits = RateLimits::new(config.rate_limits.clone(), clock.clone(), live.clone());
        metrics.add(Arc::new(limits.clone()));
        let heartbeat = InstanceHeartbeat::new(
            instances,
            live,
            Arc::clone(&keys),
            &ring_service,
            clock.clone(),
            entropy,
        )?;
        let (database, tasks) = (Health::default(), Tasks::new(clock.clone()));
        let accounts = !config.store.is_absent();
        let health = InstanceHealth::new(Arc::clone(&keys), database.clone(), accounts, tasks, clock.clone());
        let health = Arc::new(health);
        let server_secret = ServerSecretKeeper::new(
            Arc::clone(&keys),
            ring_service.clone(),
            config.server_secret.clone(),
            entropy.clone(),
        );
        let event_counter = EventCounter::default();
        let guard = LoginGuard::new(
            &stores,
            event_counter.clone(),
            server_secret.current().clone(),
            clock.clone(),
            entropy.clone(),
        )?;
        let clients = ClientDirectory::new(Arc::clone(&stores.clients));
        let client_refresh = ClientRefresh::new(
            clients.clone(),
            open_clients(config, &stores, clock.clone(), entropy.clone()),
            file,
            Duration::from_secs(config.key_refresh),
            config.demo_tokens,
        );
        let refresh = Duration::from_secs(config.key_refresh);
        let denial_task = DenialTask::new(Arc::clone(&stores.denials), denied.clone(), refresh);
        let webhook_metrics = Arc::<WebhookMetrics>::default();
        metrics.add(Arc::clone(&webhook_metrics) as _);
        let fan_out = FanOut::new(&stores, Arc::clone(&webhook_metrics));
        let dispatcher = open_dispatcher(config, &stores, &server_secret, webhook_metrics, &clock, entropy);
        let current = server_secret.current().clone();
        let webhooks = open_webhooks(config, &stores, current, clock.clone(), entropy.clone());
        let webhook_task = WebhookTask::new(fan_out, dispatcher, webhooks, endpoints);
        let metric_export = config
            .metric_export
            .clone()
            .map(|settings| MetricExport::new(metrics.clone(), settings, mark, clock.clone()));
        Ok(Self {
            stores,
            registry,
            guard,
            keys,
            ring_service,
            ring_refresher,
            heartbeat,
            limits,
            server_secret,
            clients,
            client_refresh,
            denied,
            denial_task,
            event_counter,
            webhook_task,
            database,
            health,
            metrics,
            clock,
            mark,
            tracer,
            metric_export,
        })
    }

    pub(super) fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    pub(super) fn ring_service(&self) -> &RingService {
        &self.ring_service
    }

    pub(super) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// What exports the metrics, if the settings name a collector.
    pub(super) fn metric_export(&self) -> Option<&MetricExport> {
        self.metric_export.as_ref()
    }

    /// How the instance fares.
    pub(super) fn health(&self) -> &Arc<InstanceHealth> {
        &self.health
    }

    /// All metrics. The service adds its own when it is made.
    pub(super) fn metrics(&self) -> &MetricRegistry {
        &self.metrics
    }

    /// The OAuth clients.
    pub(super) fn clients(&self) -> &ClientDirectory {
        &self.clients
    }

    /// The server secret, for modules that derive keys from it. There may be no secret yet.
    pub(super) fn server_secret(&self) -> &CurrentServerSecret {
        self.server_secret.current()
    }

    /// The task that probes the database. It begins before the keys are read.
    pub(super) fn database_probe(&self) -> Supervised {
        let probe = DatabaseProbe::new(Arc::clone(&self.stores.database), self.database.clone());
        Supervised::new(probe, self.health.tasks())
    }

    /// The task that stores changes of the log's filter as events.
    pub(super) fn log_filter_events(&self, changes: LogFilterChanges, entropy: Entropy) -> Supervised {
        let task = LogFilterEvents::new(changes, Arc::clone(&self.stores.events), entropy);
        Supervised::new(task, self.health.tasks())
    }
}

/// What sends events to endpoints.
fn open_dispatcher(
    config: &Config,
    stores: &Stores,
    server_secret: &ServerSecretKeeper,
    metrics: Arc<WebhookMetrics>,
    clock: &Clock,
    entropy: &Entropy,
) -> Dispatcher {
    let parts = DispatcherParts {
        sender: Arc::new(NetworkSender::new(&config.webhook_rules, None)),
        server_secret: server_secret.current().clone(),
        metrics,
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    Dispatcher::new(stores, parts)
}

/// What records requests, if the settings name a collector.
fn open_tracer(config: &Config, mark: u32, clock: &Clock, entropy: &Entropy) -> Result<Tracer, StartError> {
    match config.traces.clone() {
        Some(settings) => Ok(Tracer::start(settings, mark, clock.clone(), entropy.clone())?),
        None => Ok(Tracer::default()),
    }
}
