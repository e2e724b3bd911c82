//! Puts the program together: opens the store, loads the keys, runs the background tasks, serves, and stops.
//! `main` and the tests start the same value.

mod archive;
mod backup;
mod checkpoints;
mod clients;
mod components;
mod custody;
mod database_probe;
mod denials;
mod event_counts;
mod event_sealer;
mod function;
mod function_metrics;
mod function_tasks;
mod health_watch;
mod instance_heartbeat;
mod key_events;
mod listener;
mod log_filter_events;
mod metric_export;
mod operator_event;
mod process_metrics;
mod purge;
mod ring_refresh;
mod server_secret;
mod settings_event;
mod signer_probe;
mod status_lists;
mod stopping;
mod store_census;
mod stores;
mod task;
mod webhooks;

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener as PassedListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::accounts::{Hasher, Registry};
use crate::admin::{Admin, AdminListener, LogFilterChanges};
use crate::audit::CheckpointFileError;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{RingRecord, Rotation};
use crate::entropy::{Entropy, EntropyError};
use crate::http::{HttpService, Limits, serve};
use crate::keys::custody::{CustodyError, SealerError, VaultError};
use crate::keys::schedule::PeriodTooShort;
use crate::keys::{KeyKind, KeySettings, Keys, RingService, Signer};
use crate::oauth::{ClientDirectory, ClientRegistry, ClientsFileError};
use crate::server_secret::CurrentServerSecret;
use crate::store::StoreError;
use crate::telemetry::LogFilter;
use crate::telemetry::metrics::MetricRegistry;
use crate::telemetry::traces::Tracer;
use crate::token::{TokenSettings, Tokens};
use crate::webhooks::WebhooksFileError;
use components::Components;
use database_probe::FIRST;
use listener::{adopt, connection_limit, listen, listen_for_admin};
use metric_export::MetricExport;
use stopping::end_together;

pub use crate::store::{IfMissing, Stores};
pub use archive::Archive;
pub use backup::{Backup, BackupError, back_up};
pub use checkpoints::check_checkpoint_file;
pub use clients::{client_rules, read_clients_file};
pub use function::Function;
pub use listener::passed_listener;
pub use operator_event::{EventError, store_event};
pub use stores::{missing_database, open_stores};
pub use task::{NextTurn, Supervised, Supervisor, Task, TurnError};
pub use webhooks::{open_webhooks, read_server_secret, webhooks_file};

/// The most connections of one peer address, unless the operator sets another number.
const USUAL_CONNECTIONS_PER_ADDRESS: usize = 1024;

/// How long the end waits for the collectors of traces and metrics.
const COLLECTOR_PATIENCE: Duration = Duration::from_secs(5);
/// Later than this after the stop it does not.
const STOP_PATIENCE: Duration = Duration::from_millis(9_800);

/// The service, ready to run.
pub struct App {
    listener: TcpListener,
    http_service: Arc<HttpService>,
    limits: Limits,
    keys: Arc<Keys>,
    keys_place: String,
    server_secret: CurrentServerSecret,
    clients: ClientDirectory,
    tasks: Supervisor,
    admin: Option<AdminListener>,
    metrics: MetricRegistry,
    tracer: Tracer,
    metric_export: Option<MetricExport>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The custody cannot be used.
    #[error(transparent)]
    Keys(#[from] CustodyError),
    /// With these settings, verifiers could not check tokens.
    #[error("{0}")]
    Schedule(#[from] PeriodTooShort),
    /// `KEY_ENCRYPTION_KEY` is not a valid key.
    #[error("KEY_ENCRYPTION_KEY {0}")]
    Sealing(SealerError),
    /// The ring is to be stored in the database, and no key protects it there.
    #[error(
        "KEY_ENCRYPTION_KEY is needed: the ring of keys is in the database, and an attacker who can write there could add a key; \
         `keys secret` makes one"
    )]
    RingUnprotected,
    /// The file of clients cannot be used.
    #[error("CLIENTS_FILE={} cannot be used:\n{faults}", .path.display())]
    ClientsFile {
        /// The file.
        path: PathBuf,
        /// All its faults.
        faults: ClientsFileError,
    },
    /// The file of endpoints for webhooks cannot be used.
    #[error("WEBHOOKS_FILE={} cannot be used:\n{faults}", .path.display())]
    WebhooksFile {
        /// The file.
        path: PathBuf,
        /// All its faults.
        faults: WebhooksFileError,
    },
    /// Nothing can be appended to the file of checkpoints.
    #[error("{0}. Set it to a file that the service may append to, or leave it out")]
    CheckpointFile(CheckpointFileError),
    /// The settings for Vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another instance on the same database signs with keys that this one does not have.
    #[error(transparent)]
    Disagrees(#[from] instance_heartbeat::Disagrees),
    /// The URI of the database cannot be read. The cause is not shown, because it might contain a password.
    #[error(
        "MONGODB_URI cannot be used: check it against the form mongodb://user:password@host:27017/database; `@`, `:`, `/` and `%` in a password are written %40, %3A, %2F and %25"
    )]
    Store(#[source] StoreError),
    /// A newer version of the program has changed the database.
    #[error("{0}")]
    NewerDatabase(#[source] StoreError),
    /// Another program uses the address, or this machine does not have it.
    #[error(
        "cannot listen on {address}: {cause}; set PORT or HOST to something else, or stop the program that uses this address"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        cause: io::Error,
    },
    /// The address of `ADMIN_ADDRESS` is taken or not ours.
    #[error(
        "the admin listener cannot listen on {address}: {cause}; set ADMIN_ADDRESS to another address, or to off"
    )]
    ListenForAdmin {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        cause: io::Error,
    },
    /// What systemd passes is not exactly one listening socket.
    #[error(
        "systemd must pass exactly one listening TCP socket, but {0}: put one ListenStream= and Accept=no into the socket unit"
    )]
    Passed(String),
    /// The system starts no thread, or it ended one.
    #[error("a thread of the service failed: {0}")]
    Threads(#[from] io::Error),
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// The users in `stores`, for the server and for commands.
///
/// # Errors
/// [`StartError`] if the system starts no thread. This function reads nothing yet.
pub fn open_registry(
    config: &Config,
    stores: &Stores,
    clock: Clock,
    entropy: Entropy,
) -> Result<Registry, StartError> {
    let hasher = Hasher::start(config.bcrypt_rounds, entropy.clone())?;
    let longest_token = config.token_lifetime.max(config.max_token_lifetime);
    Ok(Registry::new(stores, hasher, clock, entropy).with_longest_token(longest_token))
}

/// The clients in `stores`, for commands and for the file of clients.
pub fn open_clients(config: &Config, stores: &Stores, clock: Clock, entropy: Entropy) -> ClientRegistry {
    let file_in_use = config.clients_file.is_some();
    ClientRegistry::new(stores, client_rules(config), file_in_use, clock, entropy)
}

/// The service for the ring that `config` names; its keys may be in `stores`.
///
/// # Errors
/// [`StartError`] if the settings cannot be used. This function reads nothing yet.
pub fn open_ring_service(config: &Config, stores: &Stores, clock: Clock) -> Result<RingService, StartError> {
    let rsa_bits = config.key_bits.unwrap_or(2048);
    let settings = KeySettings {
        rotation: config.key_rotation,
        jwks_max_age: config.jwks_max_age,
        verifier_cache: config.verifier_cache,
        clock_skew: config.key_clock_skew,
        refresh: config.key_refresh,
        longest_token: config.token_lifetime.max(config.max_token_lifetime).as_secs(),
        kinds: config
            .algorithms
            .iter()
            .map(|algorithm| KeyKind { algorithm: *algorithm, rsa_bits })
            .collect(),
        any_size: config.key_bits.is_none(),
        first_kid: config.kid.clone(),
    };
    let ring_service = RingService::new(custody::open(config, stores, &clock)?, clock, settings);
    // Without the setting, the ring decides whether keys change at all.
    if let Rotation::Every(_) = config.key_rotation {
        ring_service.schedule().check(&RingRecord::empty())?;
    }
    Ok(ring_service)
}

/// The keys of `ring` as they are now. This is for a command, which ends before the keys change.
///
/// # Errors
/// [`StartError`], also if the private half of the active key cannot be opened.
pub async fn open_keys(ring_service: &RingService, ring: &RingRecord) -> Result<Arc<Keys>, StartError> {
    if let Some(active) = ring_service.schedule().default_key(ring) {
        ring_service.open(active).await?;
    }
    let keys = Keys::new(Signer::start(false, Entropy::System)?, Clock::System);
    keys.install(Arc::new(ring_service.snapshot(ring, None).await?), Clock::System.uptime(), |_| u64::MAX);
    Ok(Arc::new(keys))
}

/// Issues and checks tokens with `keys`.
///
/// `port` is the one on which the server listens.
pub fn tokens(config: &Config, port: u16, keys: Arc<Keys>, clock: Clock, entropy: Entropy) -> Tokens {
    let settings = TokenSettings {
        issuer: config.issuer.clone(),
        oauth_issuer: config.oauth_issuer.on_port(port),
        audience: config.audience.clone(),
        lifetime: config.token_lifetime,
        max_lifetime: config.max_token_lifetime,
        clock_skew: config.clock_skew,
    };
    Tokens::new(keys, clock, entropy, settings)
}

impl App {
    /// Opens everything and listens, on the socket that systemd passed, or else on the address of `config`.
    /// The server answers nothing before [`App::run`].
    ///
    /// # Errors
    /// [`StartError`]. An unreachable database is not an error here.
    pub async fn build(
        config: &Config,
        passed: Option<PassedListener>,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, StartError> {
        let limits = limits(config);
        let listener = match passed {
            Some(passed) => adopt(passed)?,
            None => listen(config.host, config.port)?,
        };
        let port = listener.local_addr()?.port();
        let admin = listen_for_admin(config.admin)?;
        let mut components = Components::open(config, clock.clone(), &entropy)?;
        let mut tasks = Supervisor::new(clock);
        tasks.start_and_wait(components.database_probe(), FIRST).await;
        components.load_keys().await?;
        components.finish_start(config).await?;
        let (server_secret, clients) = (components.server_secret().clone(), components.clients().clone());
        let keys = Arc::clone(components.keys());
        let keys_place = components.ring_service().custody().ring_store().place();
        let (health, metrics) = (Arc::clone(components.health()), components.metrics().clone());
        let tracer = components.tracer().clone();
        let metric_export = components.metric_export().cloned();
        let log_changes = LogFilterChanges::default();
        if admin.is_some() {
            tasks.start(components.log_filter_events(log_changes.clone(), entropy.clone()));
        }
        let (http_service, others) = components.into_service(config, port, entropy);
        others.into_iter().for_each(|task| tasks.start(task));
        let http_service = Arc::new(http_service);
        let log = LogFilter::detached(&config.log_level);
        let admin = admin.map(|listener| {
            AdminListener::new(listener, Admin::new(metrics.clone(), health, log, log_changes))
        });
        Ok(Self {
            listener,
            http_service,
            limits,
            keys,
            keys_place,
            server_secret,
            clients,
            tasks,
            admin,
            metrics,
            tracer,
            metric_export,
        })
    }

    /// The same, with the filter of the process's log, which the admin listener shows and replaces.
    #[must_use]
    pub fn with_log_filter(self, log: LogFilter) -> Self {
        Self { admin: self.admin.map(|admin| admin.with_log_filter(log)), ..self }
    }

    /// All metrics.
    pub fn metrics(&self) -> &MetricRegistry {
        &self.metrics
    }

    /// The address of the admin listener, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|admin| admin.address().ok())
    }

    /// The address on which the service listens.
    ///
    /// # Errors
    /// If the system does not say the address.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The keys with which it signs.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The place of these keys, as text for people.
    pub fn keys_place(&self) -> &str {
        &self.keys_place
    }

    /// Whether there is an OAuth client, as far as the service knows.
    pub fn has_clients(&self) -> bool {
        self.clients.has_clients()
    }

    /// The server secret, for modules that derive keys from it. There may be no secret yet.
    pub fn server_secret(&self) -> &CurrentServerSecret {
        &self.server_secret
    }

    /// Serves until `stop`. Then running requests and background tasks have nine seconds to end; the whole
    /// stop takes at most ten.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { listener, http_service, limits, tasks, admin, tracer, metric_export, .. } = self;
        let (tell, stopped) = oneshot::channel();
        let mut stopped_at = None;
        let stop = async {
            stop.await;
            let now = *stopped_at.insert(Instant::now());
            let _ = tell.send(now);
        };
        let admin = async {
            match admin {
                Some(admin) => admin.serve().await,
                None => pending().await,
            }
        };
        // The admin listener answers for as long as anything goes on: how a server stops shows there as well.
        tokio::select! {
            () = end_together(serve(listener, http_service, limits, stop), stopped, tasks) => {}
            () = admin => {}
        }
        let gone = stopped_at.map_or(Duration::ZERO, |stopped_at| stopped_at.elapsed());
        let patience = COLLECTOR_PATIENCE.min(STOP_PATIENCE.saturating_sub(gone));
        let last_metrics = async {
            if let Some(metric_export) = &metric_export {
                metric_export.flush(patience).await;
            }
        };
        tokio::join!(tracer.flush(patience), last_metrics);
    }
}

/// As many connections as the system allows. One address may take only so many that others still find a
/// place.
fn limits(config: &Config) -> Limits {
    let connections = connection_limit(config.max_connections);
    let usual = (connections / 4).clamp(1, USUAL_CONNECTIONS_PER_ADDRESS);
    Limits {
        connections,
        per_address: config.max_connections_per_address.unwrap_or(usual),
        trusted_proxies: config.trusted_proxies.clone(),
    }
}

/// A verifier may have stored a key of the original: the key stays unless the operator decides otherwise. The
/// log says how to do that.
fn tell_adopted(config: &Config, keys: &Keys) {
    let adopted = keys.ring().as_ref().is_some_and(|ring| ring.record().adopted);
    if adopted && config.key_rotation == Rotation::Usual {
        tracing::info!(
            "the key that was found in KEYS_DIR stays as it is; KEY_ROTATION=30d replaces it every 30 days; verifiers that fetch the key set follow the change"
        );
    }
}
