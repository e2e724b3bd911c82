//! Wiring: opens the store, loads the keys, watches the database, serves, drains. `main` and the tests start the same
//! value.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::accounts::{Accounts, Hasher, Registry};
use crate::clock::Clock;
use crate::config::{Config, StoreChoice};
use crate::entropy::{Entropy, EntropyError};
use crate::http::{Api, Door, HttpSettings, Limits, Parts, router, serve};
use crate::keys::custody::{CustodyError, Directory, KeyKind, StoredKey};
use crate::keys::{Keys, LocalSigner, Ring};
use crate::store::mongo::Mongo;
use crate::store::sqlite::Sqlite;
use crate::store::{Absent, Health, Store, StoreError};
use crate::token::{TokenSettings, Tokens};

/// How often the database is asked whether it is there.
const PING_EVERY: Duration = Duration::from_millis(500);
/// How long the start waits for the database's first answer; without one the service starts all the same.
const FIRST_PING: Duration = Duration::from_millis(700);
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;
/// File descriptors that are not connections' (database, log, keys).
const OTHER_DESCRIPTORS: usize = 64;

/// The service, ready to run.
pub struct App {
    listener: TcpListener,
    door: Arc<Door>,
    limits: Limits,
    keys: Arc<Keys>,
    watch: JoinHandle<()>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The keys' folder.
    #[error(transparent)]
    Keys(#[from] CustodyError),
    /// The URI of the database cannot be read; the cause might show a password and is not told.
    #[error(
        "MONGODB_URI cannot be used: check it against the form mongodb://user:password@host:27017/database; `@`, `:`, `/` and `%` in a password are written %40, %3A, %2F and %25"
    )]
    Store(#[source] StoreError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {cause}; set PORT or HOST to something else, or stop what is there")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// The system gives no thread, or took one away.
    #[error("a thread of the service failed: {0}")]
    Threads(#[from] io::Error),
    /// The system gives no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// The users that `config`'s store keeps, for the server and for commands.
///
/// # Errors
/// [`StartError`]. A database that does not answer is none.
pub fn open_registry(config: &Config, clock: Clock, entropy: Entropy) -> Result<Registry, StartError> {
    let hasher = Hasher::start(config.bcrypt_rounds, entropy.clone())?;
    Ok(Registry::new(open_store(&config.store)?, hasher, clock, entropy))
}

/// Issuing and checking with the keys that `config` names.
///
/// # Errors
/// [`StartError`].
pub async fn open_tokens(config: &Config, clock: Clock, entropy: Entropy) -> Result<Tokens, StartError> {
    let key = load_key(config).await?;
    let ring = Ring::new(key.signing, config.kid.clone(), key.created_at);
    let keys = Arc::new(Keys::new(ring, Arc::new(LocalSigner::start()?)));
    let settings = TokenSettings {
        issuer: config.issuer.clone(),
        audience: config.audience.clone(),
        lifetime: config.token_lifetime,
        max_lifetime: config.max_token_lifetime,
        clock_skew: config.clock_skew,
    };
    Ok(Tokens::new(keys, clock, entropy, settings))
}

impl App {
    /// Opens everything and listens; nothing is answered before [`App::run`].
    ///
    /// # Errors
    /// [`StartError`]. A database that does not answer is none.
    pub async fn build(config: &Config, clock: Clock, entropy: Entropy) -> Result<Self, StartError> {
        let limits = Limits { connections: connection_limit(config.max_connections) };
        let listener = listen(config.host, config.port)?;
        let mark = u32::from_be_bytes(entropy.bytes()?);
        let registry = open_registry(config, clock.clone(), entropy.clone())?;
        let tokens = open_tokens(config, clock.clone(), entropy).await?;
        let keys = Arc::clone(tokens.keys());
        let database = Health::default();
        let watch = watch(Arc::clone(registry.store()), database.clone()).await;
        let accounts = Accounts::new(registry, tokens.clone(), clock.clone(), config.session_max_age);
        let settings = HttpSettings {
            demo_tokens: config.demo_tokens,
            allowed_origins: config.allowed_origins.clone(),
            public_url: config.public_url.clone(),
        };
        let allowed = settings.allowed_origins.clone();
        let api = Api::new(Parts { tokens, accounts, keys: Arc::clone(&keys), database, clock, settings });
        let door = Arc::new(Door::new(router(api), allowed, mark));
        Ok(Self { listener, door, limits, keys, watch })
    }

    /// Where the service listens.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The keys it signs with.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Serves till `stop`, then ends what is under way, within ten seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        serve(self.listener, self.door, self.limits, stop).await;
        self.watch.abort();
    }
}

/// Making a key takes long, and reading one waits for the disk.
async fn load_key(config: &Config) -> Result<StoredKey, StartError> {
    let directory = Directory::new(&config.keys_dir);
    let kind = KeyKind { algorithm: config.algorithm, rsa_bits: config.key_bits };
    let loaded = tokio::task::spawn_blocking(move || directory.load_or_generate(kind)).await;
    Ok(loaded.map_err(io::Error::other)??)
}

fn open_store(choice: &StoreChoice) -> Result<Arc<dyn Store>, StartError> {
    Ok(match choice {
        StoreChoice::Absent => Arc::new(Absent),
        StoreChoice::Sqlite(folder) => Arc::new(Sqlite::open(folder)?),
        StoreChoice::Mongo(uri) => Arc::new(Mongo::new(uri).map_err(StartError::Store)?),
    })
}

/// Asks the database again and again, and tells the log when its answer changes.
async fn watch(store: Arc<dyn Store>, health: Health) -> JoinHandle<()> {
    let (told, first) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let mut told = Some(told);
        loop {
            let answer = store.ping().await;
            if let Err(StoreError::Absent) = answer {
                return;
            }
            let news = health.note(answer.is_ok());
            match answer {
                Ok(()) if news => tracing::info!("the database answers"),
                Err(error) if news || told.is_some() => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, cause, "accounts are off until the database answers");
                }
                _ => {}
            }
            if let Some(told) = told.take() {
                // The start may have stopped waiting.
                let _ = told.send(());
            }
            tokio::time::sleep(PING_EVERY).await;
        }
    });
    // Either the first answer is in or it is late; both are well.
    let _ = tokio::time::timeout(FIRST_PING, first).await;
    task
}

/// All addresses means IPv6 and IPv4 in one socket; where the system has no IPv6, IPv4.
fn listen(host: Option<IpAddr>, port: u16) -> Result<TcpListener, StartError> {
    let on = |ip: IpAddr| {
        let address = SocketAddr::new(ip, port);
        bind(address).map_err(|cause| StartError::Listen { address, cause })
    };
    match host {
        Some(ip) => on(ip),
        None => on(Ipv6Addr::UNSPECIFIED.into()).or_else(|error| match error {
            StartError::Listen { cause, .. } if cause.kind() == io::ErrorKind::AddrInUse => {
                Err(StartError::Listen { address: (Ipv6Addr::UNSPECIFIED, port).into(), cause })
            }
            _ => on(Ipv4Addr::UNSPECIFIED.into()),
        }),
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Raises the limit on open files as far as the system lets us, and keeps some for what is no connection.
fn connection_limit(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    let possible = files.saturating_sub(OTHER_DESCRIPTORS).max(1);
    if possible < wanted {
        tracing::warn!(
            "at most {possible} connections at once: that is what the limit on open files (ulimit -n) allows"
        );
    }
    wanted.min(possible)
}
