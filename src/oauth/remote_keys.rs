//! The keys that a client publishes at its `jwks_uri`: when they are fetched, and what an unknown key means meanwhile.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jose::{Algorithm, Rejection, SignedParts};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::client_keys::{KeySet, KeysError};
use super::key_fetcher::{FetchFault, KeyFetcher};

/// Between the beginnings of two fetches of one client's keys, even if assertions name unknown keys.
const COOLDOWN: Duration = Duration::from_secs(30);
/// Between a fetch that failed and the next one, while the client has no usable keys.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// After this time the keys are fetched again, so that a key that its client withdrew stops counting.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);
/// Keys that could not be fetched again count for this long.
const MAX_STALENESS: Duration = Duration::from_secs(24 * 60 * 60);

/// Keys that a client publishes. Clones share them.
#[derive(Clone)]
pub(super) struct RemoteKeys {
    uri: Arc<str>,
    only: Option<Algorithm>,
    fetched: Arc<ArcSwapOption<Fetched>>,
    /// The holder of the lock fetches; all others wait for the result.
    pace: Arc<Mutex<Pace>>,
}

struct Fetched {
    set: KeySet,
    /// The uptime at which the fetch began.
    at: Duration,
}

/// When the next fetch may begin.
#[derive(Default)]
struct Pace {
    /// The uptime.
    next_at: Duration,
    /// Whether the address gave no keys the last time.
    has_failed: bool,
}

impl RemoteKeys {
    /// The keys at this address. `only` is the algorithm that the client registered.
    pub(super) fn new(uri: &str, only: Option<Algorithm>) -> Self {
        let (fetched, pace) = (Arc::default(), Arc::default());
        Self { uri: uri.into(), only, fetched, pace }
    }

    /// Verifies the signature of an assertion. An unknown key makes it fetch the keys. If a fetch may not begin now, nothing
    /// is known about that key: the client may have published it a moment ago.
    pub(super) async fn verify(&self, fetcher: &KeyFetcher, token: &str) -> Result<SignedParts, KeysError> {
        let asked_at = fetcher.clock.uptime();
        if let Some(known) = self.younger_than(MAX_AGE, asked_at) {
            match known.set.verify(token) {
                Err(Rejection::UnknownKey) => {}
                verdict => return verdict.map_err(KeysError::Rejected),
            }
        }
        let pause = self.renew(fetcher).await;
        let retry_secs = u32::try_from(pause.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1);
        let known = self.younger_than(MAX_STALENESS, fetcher.clock.uptime());
        let known = known.ok_or(KeysError::Unreachable { retry_secs })?;
        known.set.verify(token).map_err(|rejection| match rejection {
            Rejection::UnknownKey if known.at < asked_at => KeysError::NotKnownYet { retry_secs },
            rejection => KeysError::Rejected(rejection),
        })
    }

    fn younger_than(&self, age: Duration, now: Duration) -> Option<Arc<Fetched>> {
        self.fetched.load_full().filter(|known| now.saturating_sub(known.at) < age)
    }

    /// Fetches the keys, unless that was tried a moment ago, and returns the time until the next fetch may begin. The fetch
    /// has a task of its own: a request that ends meanwhile must not take its result along.
    async fn renew(&self, fetcher: &KeyFetcher) -> Duration {
        let pace = Arc::clone(&self.pace).lock_owned().await;
        let pause = pace.next_at.saturating_sub(fetcher.clock.uptime());
        if !pause.is_zero() {
            return pause;
        }
        let fetching = tokio::spawn(self.clone().fetch(fetcher.clone(), pace));
        fetching.await.unwrap_or_default()
    }

    async fn fetch(self, fetcher: KeyFetcher, mut pace: OwnedMutexGuard<Pace>) -> Duration {
        let began_at = fetcher.clock.uptime();
        let fetched = fetcher.fetch(&self.uri, pace.has_failed).await;
        let set = match fetched {
            // Fetches of other clients' keys took all places: that says nothing about this address.
            Err(FetchFault::Busy) => return Duration::ZERO,
            Err(fault) => {
                tracing::warn!(jwks_uri = &*self.uri, %fault, "the keys of a client could not be fetched");
                None
            }
            Ok(text) => {
                let set = KeySet::read(&text, self.only);
                if set.is_none() {
                    tracing::warn!(jwks_uri = &*self.uri, "the answer is not a key set (RFC 7517)");
                }
                set
            }
        };
        let now = fetcher.clock.uptime();
        pace.has_failed = set.is_none();
        pace.next_at = began_at + COOLDOWN;
        if let Some(set) = set {
            self.fetched.store(Some(Arc::new(Fetched { set, at: began_at })));
        } else if self.younger_than(MAX_STALENESS, now).is_none() {
            pace.next_at = now + RETRY_PAUSE;
        }
        pace.next_at.saturating_sub(now)
    }
}
