//! Fetches the keys that clients publish (`jwks_uri`).

use std::sync::Arc;
use std::time::Duration;

use outbound::{Bounds, CallError, ClientSettings, Proxy, Roots};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::clock::Clock;

/// How many key sets are fetched at once; more wait.
const MAX_AT_ONCE: usize = 4;
/// How many of these places may be taken by addresses that failed the last time: the others stay free for those that answer.
const MAX_FAILING: usize = 2;
/// The limits of one fetch.
const BOUNDS: Bounds = Bounds { within: Duration::from_secs(3), answer: 256 * 1024 };
/// How long a fetch waits for others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Fetches key sets. It follows no redirect and never connects to a link-local address, at which cloud providers answer with
/// credentials.
#[derive(Clone)]
pub struct KeyFetcher {
    http: outbound::Client,
    places: Arc<Semaphore>,
    /// Those that addresses may take that failed the last time.
    failing: Arc<Semaphore>,
    pub(super) clock: Clock,
}

/// Why a key set was not fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchFault {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the status is {0}")]
    Status(u16),
    #[error("too many other fetches are under way")]
    Busy,
}

impl KeyFetcher {
    /// Prepares fetches over TLS with the certificates that the system trusts. It sends nothing yet.
    pub fn new(clock: Clock) -> Self {
        let http = outbound::Client::avoiding_link_local(ClientSettings {
            user_agent: concat!("jwt-generator/", env!("CARGO_PKG_VERSION")),
            roots: Roots::of_system(),
            proxy: Proxy::FromEnvironment,
            idle_connections: MAX_AT_ONCE,
        });
        let [places, failing] = [MAX_AT_ONCE, MAX_FAILING].map(|most| Arc::new(Semaphore::new(most)));
        Self { http, places, failing, clock }
    }

    /// The answer of this address. `has_failed` says that it gave no keys the last time.
    pub(super) async fn fetch(&self, uri: &str, has_failed: bool) -> Result<Vec<u8>, FetchFault> {
        let place = timeout(PATIENCE, self.place(has_failed)).await.map_err(|_| FetchFault::Busy)?;
        let (http, uri) = (self.http.clone(), uri.to_owned());
        let fetched = tokio::task::spawn_blocking(move || {
            let answer = http.get(&uri, BOUNDS);
            drop(place);
            answer
        });
        let answer = fetched.await.map_err(|_| FetchFault::Busy)??;
        match answer.status {
            200 => Ok(answer.body.to_vec()),
            status => Err(FetchFault::Status(status)),
        }
    }

    /// What a fetch holds while it is under way.
    async fn place(&self, has_failed: bool) -> [Option<OwnedSemaphorePermit>; 2] {
        let failing = if has_failed { Arc::clone(&self.failing).acquire_owned().await.ok() } else { None };
        [failing, Arc::clone(&self.places).acquire_owned().await.ok()]
    }
}
