//! The components that a server and a function have in common, opened in order.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::clients::{ClientRefresh, clients_file};
use super::database_probe::DatabaseProbe;
use super::denials::DenialTask;
use super::grant_purge::GrantPurge;
use super::health_watch::HealthWatch;
use super::instance_heartbeat::{self, InstanceHeartbeat};
use super::login_throttle_purge::LoginThrottlePurge;
use super::metric_export::MetricExport;
use super::process_metrics::ProcessMetrics;
use super::server_secret::ServerSecretKeeper;
use super::signer_probe::SignerProbe;
use super::store_census::StoreCensus;
use super::stores::database_place;
use super::task::{NextTurn, Supervised, Task, TurnError};
use super::{StartError, open_clients, open_registry, open_ring_service, open_stores, tell_adopted, tokens};
use crate::accounts::{Accounts, LoginGuard, Registry};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::entropy::Entropy;
use crate::health::{InstanceHealth, Tasks};
use crate::http::{Api, HttpService, HttpSettings, Parts};
use crate::keys::{KeyMetrics, Keys, RingRefresher, RingService, Signer};
use crate::limits::{LiveInstances, RateLimits};
use crate::oauth::{
    ClientAuthentication, ClientDirectory, Generation, Issuer, KeyFetcher, OAuth, OAuthParts,
};
use crate::server_secret::CurrentServerSecret;
use crate::store::{Health, IfMissing, StoreError, StoreMetrics, Stores, TableMetrics};
use crate::telemetry::metrics::{MetricRegistry, Source};
use crate::telemetry::traces::Tracer;
use crate::token::DeniedTokens;

/// How long a start waits for the clients.
const CLIENTS_PATIENCE: Duration = Duration::from_secs(2);
/// How long a start waits for the server secret. A database has answered a moment before, and its verbs end within this time.
const SERVER_SECRET_PATIENCE: Duration = Duration::from_secs(2);

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
        let (metrics, store_metrics) = (MetricRegistry::default(), Arc::<StoreMetrics>::default());
        let tracer = open_tracer(config, mark, &clock, entropy)?;
        let place = tracer.is_on().then(|| database_place(config));
        let stores = open_stores(config, IfMissing::Create)?.observed(&store_metrics, place.as_ref());
        metrics.add(store_metrics);
        metrics.add(Arc::new(ProcessMetrics::new(clock.now())));
        let registry = open_registry(config, &stores, clock.clone(), entropy.clone())?;
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
        let guard = LoginGuard::new(
            Arc::clone(&stores.login_throttles),
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
        let denied = DeniedTokens::default();
        let refresh = Duration::from_secs(config.key_refresh);
        let denial_task = DenialTask::new(Arc::clone(&stores.denials), denied.clone(), refresh);
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
            database,
            health,
            metrics,
            clock,
            mark,
            tracer,
            metric_export,
        })
    }

    /// Reads the ring of keys for the first time.
    pub(super) async fn load_keys(&mut self) -> Result<(), StartError> {
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
    pub(super) async fn finish_start(&mut self, config: &Config) -> Result<(), StartError> {
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

    /// The service for all requests, and the tasks other than [`Self::database_probe`]. The start has just done the work of
    /// some of them; they begin with a pause.
    pub(super) fn into_service(
        self,
        config: &Config,
        port: u16,
        entropy: Entropy,
    ) -> (HttpService, Vec<Supervised>) {
        let Self { stores, registry, guard, keys, ring_service, ring_refresher, heartbeat, .. } = self;
        let Self { limits, server_secret, health, metrics, clock, mark, tracer, metric_export, .. } = self;
        let Self { clients, client_refresh, denied, denial_task, .. } = self;
        let current_secret = server_secret.current().clone();
        let refresh = Duration::from_secs(ring_service.settings().refresh);
        let pause = ring_refresher.pause();
        let (clients_pause, denials_pause) = (client_refresh.pause(), denial_task.pause());
        let (known, table_metrics) = (health.tasks(), Arc::<TableMetrics>::default());
        let mut tasks = vec![
            Supervised::new(ring_refresher, known).after(pause),
            Supervised::new(SignerProbe::new(Arc::clone(&keys), refresh), known),
            Supervised::new(heartbeat, known).after(instance_heartbeat::EVERY),
            Supervised::new(server_secret, known).after(refresh),
            Supervised::new(client_refresh, known).after(clients_pause),
            Supervised::new(denial_task, known).after(denials_pause),
            Supervised::new(LoginThrottlePurge::new(stores.login_throttles), known),
            Supervised::new(
                GrantPurge::new(Arc::clone(&stores.grants), Arc::clone(&stores.browser_sessions)),
                known,
            ),
            Supervised::new(HealthWatch::new(Arc::clone(&health)), known),
            Supervised::new(StoreCensus::new(stores.database, Arc::clone(&table_metrics)), known),
        ];
        if let Some(export) = metric_export {
            let interval = export.interval();
            tasks.push(Supervised::new(export, known).after(interval));
        }
        let tokens = tokens(config, port, Arc::clone(&keys), clock.clone(), entropy.clone()).sharing(denied);
        metrics.add(tokens.metrics());
        metrics.add_all(of_keys(&keys, &ring_service, &clock));
        let accounts = Accounts::new(registry, guard, tokens.clone(), clock.clone(), config.session_max_age);
        metrics.add_all(accounts.metrics());
        metrics.add_all([Arc::clone(&health) as Arc<dyn Source>, Arc::new(known.clone()), table_metrics]);
        let settings = HttpSettings {
            demo_tokens: config.demo_tokens,
            password_policy: config.password_policy,
            allowed_origins: config.allowed_origins.clone(),
            public_url: config.public_url.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            trusted_proxy_header: config.trusted_proxy_header,
            body_memory: config.max_body_memory,
            access_log: config.access_log,
            brand: config.brand.clone(),
        };
        let issuer = config.oauth_issuer.on_port(port);
        let client_authentication = ClientAuthentication::new(
            clients.clone(),
            issuer.clone(),
            config.key_clock_skew,
            KeyFetcher::new(clock.clone()),
            clock.clone(),
        );
        let oauth = OAuth::new(OAuthParts {
            issuer: issuer.map(|issuer| Issuer::new(issuer, config.internal_url.clone())),
            algorithms: config.algorithms.clone(),
            tokens: tokens.clone(),
            clients: clients.clone(),
            authentication: client_authentication.clone(),
            users: stores.users,
            denials: stores.denials,
            assertions: stores.assertions,
            grants: stores.grants,
            browser_sessions: stores.browser_sessions,
            consents: stores.consents,
            session_lifetimes: config.browser_session_lifetimes,
            grant_lifetimes: config.grant_lifetimes,
            server_secret: current_secret,
            clock: clock.clone(),
            entropy,
        });
        let generation = Generation::new(tokens.clone(), clients.clone(), client_authentication);
        let api = Api::new(Parts {
            tokens,
            accounts,
            oauth,
            clients,
            generation,
            keys,
            health,
            limits,
            clock,
            settings,
        });
        let http_service = HttpService::new(api, mark, tracer);
        metrics.add(http_service.metrics());
        (http_service, tasks)
    }
}

/// What records requests, if the settings name a collector.
fn open_tracer(config: &Config, mark: u32, clock: &Clock, entropy: &Entropy) -> Result<Tracer, StartError> {
    match config.traces.clone() {
        Some(settings) => Ok(Tracer::start(settings, mark, clock.clone(), entropy.clone())?),
        None => Ok(Tracer::default()),
    }
}

/// What is counted of the ring, of its custody and of the signatures.
fn of_keys(keys: &Arc<Keys>, ring_service: &RingService, clock: &Clock) -> Vec<Arc<dyn Source>> {
    let ring = KeyMetrics::new(Arc::clone(keys), Arc::clone(ring_service.schedule()), clock.clone());
    let mut sources = keys.signer().metrics().to_vec();
    sources.extend([Arc::new(ring) as Arc<dyn Source>, ring_service.custody().metrics()]);
    sources
}

#[async_trait]
impl Task for RingRefresher {
    fn name(&self) -> &'static str {
        "ring"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        self.look_again().await?;
        Ok(NextTurn::After(self.pause()))
    }
}
