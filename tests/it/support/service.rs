//! The service inside this process: the `App` that `main` starts, with a clock that the test moves.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use jwt_generator::accounts::Registry;
use jwt_generator::app::{App, IfMissing, open_clients, open_registry, open_stores};
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::Timestamp;
use jwt_generator::entropy::Entropy;
use jwt_generator::oauth::ClientRegistry;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Client, folder_with_keys};

/// A running service; it ends with the value.
pub struct Service {
    pub clock: Clock,
    address: SocketAddr,
    admin: Client,
    config: Arc<Config>,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Service {
    /// The first time of the clock of every such service.
    pub const START: u64 = 1_800_000_000;

    /// Users in memory, the original's keys, cheap hashes.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// As [`Service::with`], with these clients in a `CLIENTS_FILE`.
    pub fn with_clients(clients: &Value, settings: &[(&str, &str)]) -> Self {
        let folder = folder_with_keys();
        let file = folder.path().join("clients.json");
        std::fs::write(&file, clients.to_string()).unwrap();
        let settings = [settings, &[("CLIENTS_FILE", file.to_str().unwrap())]].concat();
        Self::begin(folder, Self::START, &settings)
    }

    /// As [`Service::start`], with other settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::started_at(Self::START, settings)
    }

    /// The same, with a clock that begins at so many seconds after 1970.
    pub fn started_at(seconds: u64, settings: &[(&str, &str)]) -> Self {
        Self::begin(folder_with_keys(), seconds, settings)
    }

    fn begin(folder: TempDir, seconds: u64, settings: &[(&str, &str)]) -> Self {
        let keys = folder.path().join("keys");
        let usual = [
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("ADMIN_ADDRESS", "127.0.0.1:0"),
            ("BCRYPT_ROUNDS", "4"),
            ("DATA_DIR", ":memory:"),
            ("KEYS_DIR", keys.to_str().unwrap()),
        ];
        let environment =
            usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources::read(environment, folder.path()).unwrap();
        let config = Arc::new(Config::read(&sources).unwrap());
        let clock = Clock::manual(Timestamp::from_secs(seconds));
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn({
            let (config, clock) = (Arc::clone(&config), clock.clone());
            move || serve(&config, clock, &tell, stopped)
        });
        let (address, admin) = told.recv().unwrap_or_else(|_| panic!("the service did not start"));
        let client = Client::new(&format!("http://{address}"));
        let admin = Client::new(&format!("http://{admin}"));
        Self {
            clock,
            address,
            admin,
            config,
            client,
            stop: Some(stop),
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of the admin listener.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        self.client.clone()
    }

    /// A client with the token of a new user.
    #[track_caller]
    pub fn user(&self, name: &str) -> Client {
        self.client.register(name)
    }

    /// Works on the users beside the service, as a command does; not for a store in memory.
    pub fn manage<T>(&self, work: impl AsyncFnOnce(Registry) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stores = open_stores(&self.config, IfMissing::Create, &Entropy::System).unwrap();
        // While the clock stands, only the random part of their ids distinguishes the events of two commands.
        let registry = open_registry(&self.config, &stores, self.clock.clone(), Entropy::System).unwrap();
        runtime.block_on(work(registry))
    }

    /// Works on the clients beside the service, as a command does; not for a store in memory.
    pub fn manage_clients<T>(&self, work: impl AsyncFnOnce(ClientRegistry) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stores = open_stores(&self.config, IfMissing::Create, &Entropy::System).unwrap();
            let registry = open_clients(&self.config, &stores, self.clock.clone(), Entropy::System);
            work(registry).await
        })
    }

    /// Moves the clock to so many seconds after the start.
    pub fn at(&self, seconds: u64) {
        self.clock.set(Timestamp::from_secs(Self::START + seconds));
    }
}

fn serve(
    config: &Config,
    clock: Clock,
    tell: &mpsc::Sender<(SocketAddr, SocketAddr)>,
    stop: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let app = App::build(config, None, clock, Entropy::seeded(7)).await.unwrap();
        tell.send((app.address().unwrap(), app.admin_address().unwrap())).unwrap();
        app.run(async {
            let _ = stop.await;
        })
        .await;
    });
    runtime.shutdown_background();
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the service ended in a panic");
        }
    }
}
