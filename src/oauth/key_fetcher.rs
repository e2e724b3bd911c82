//! Fetches the keys that clients publish (`jwks_uri`).

use std::sync::Arc;
use std::time::Duration;

use outbound::{Bounds, CallError, ClientSettings, Proxy, Roots};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::clock::Clock;

/// How many key sets are fetched at once; more wait.
const MAX_AT_ONCE: usize = 4;
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
        Self { http, places: Arc::new(Semaphore::new(MAX_AT_ONCE)), clock }
    }

    pub(super) async fn fetch(&self, uri: &str) -> Result<Vec<u8>, FetchFault> {
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(FetchFault::Busy) };
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
}
