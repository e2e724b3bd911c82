//! An issuer's keys: kept in memory, read again when they are old or when one is not known.
//!
//! `set` reads a key set (`rsa_numbers` corrects RSA numbers that begin with a zero), `freshness` has the rules for when
//! to read it again, `source` finds its address, and `fetch` sends the request.

mod fetch;
mod freshness;
mod rsa_numbers;
mod set;
mod source;

use std::sync::{Arc, PoisonError, RwLock};

use jose::Algorithm;
use tokio::sync::Mutex;

use crate::clock::Moment;
use crate::denial::Denial;

pub use fetch::Fetcher;
pub use freshness::Ages;
pub use set::KeySet;
pub use source::Source;

use freshness::{Attempt, Need, Standing};
use source::Found;

/// A key set as it was read.
pub struct Held {
    /// The keys.
    pub keys: KeySet,
    read_at: Moment,
    lifetime: std::time::Duration,
}

/// An issuer and its keys.
pub struct Provider {
    source: Source,
    algorithms: Vec<Algorithm>,
    ages: Ages,
    fetcher: Fetcher,
    held: RwLock<Option<Arc<Held>>>,
    desk: Mutex<Desk>,
}

/// The results of earlier reads. One request at a time reads the keys. The other requests wait, and use its
/// result.
#[derive(Default)]
struct Desk {
    last: Option<Attempt>,
    found: Option<Found>,
}

impl Provider {
    /// An issuer whose keys are not read yet. A key that does not name its algorithm is for the first of `algorithms` that
    /// fits it.
    pub fn new(source: Source, algorithms: Vec<Algorithm>, ages: Ages, fetcher: Fetcher) -> Self {
        Self { source, algorithms, ages, fetcher, held: RwLock::default(), desk: Mutex::default() }
    }

    /// What its tokens have as `iss`.
    pub fn issuer(&self) -> &str {
        self.source.issuer()
    }

    /// The keys. They come from memory while they are fresh. Then they are read again. If that fails, the old keys are used
    /// for some more time.
    ///
    /// # Errors
    /// `KeysUnavailable`.
    pub async fn keys(&self) -> Result<Arc<Held>, Denial> {
        let held = self.held();
        if self.standing(held.as_ref()) == Standing::Fresh {
            return held.ok_or(Denial::KeysUnavailable);
        }
        self.renew(held.as_ref(), Need::Age).await;
        let held = self.held();
        if self.standing(held.as_ref()) == Standing::Expired {
            return Err(Denial::KeysUnavailable);
        }
        held.ok_or(Denial::KeysUnavailable)
    }

    /// Newer keys than `seen`, if there are any. Another request may have read them; if not, they are read now, unless the
    /// last reading was a moment ago.
    ///
    /// # Errors
    /// `KeysUnavailable` if the last reading failed: there may be newer keys.
    pub async fn keys_after(&self, seen: &Arc<Held>) -> Result<Option<Arc<Held>>, Denial> {
        let failed = self.renew(Some(seen), Need::UnknownKey).await;
        match self.held().filter(|held| !Arc::ptr_eq(held, seen)) {
            None if failed => Err(Denial::KeysUnavailable),
            newer => Ok(newer),
        }
    }

    fn held(&self) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn standing(&self, held: Option<&Arc<Held>>) -> Standing {
        held.map_or(Standing::Expired, |held| {
            self.ages.standing(Moment::now().since(held.read_at), held.lifetime)
        })
    }

    /// Reads the keys, unless another request read them after `seen`, or it is too soon. A request that waited for another
    /// one uses the result of that one, also if it failed. Returns whether the last reading failed.
    async fn renew(&self, seen: Option<&Arc<Held>>, need: Need) -> bool {
        let asked = Moment::now();
        let mut desk = self.desk.lock().await;
        let held = self.held();
        let serving = self.standing(held.as_ref()) != Standing::Expired;
        let others_did = held.as_ref().map(Arc::as_ptr) != seen.map(Arc::as_ptr);
        if let Some(last) = desk.last
            && (others_did || !self.ages.may_read(last, asked, need, serving))
        {
            return last.failed;
        }
        let began = Moment::now();
        let read = self.read(desk.found.take(), serving).await;
        let failed = read.is_none();
        desk.last = Some(Attempt { ended: Moment::now(), failed });
        if let Some((read, found)) = read {
            let lifetime = self.ages.lifetime(&read.cache_control, read.age.as_deref());
            let held = Held { keys: read.keys, read_at: began, lifetime };
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held));
            desk.found = found;
        }
        failed
    }

    /// One reading, on a thread that may wait. A set without a usable key counts as a failure if there are other keys to use.
    async fn read(&self, found: Option<Found>, serving: bool) -> Option<(source::Read, Option<Found>)> {
        let (source, fetcher, algorithms) =
            (self.source.clone(), self.fetcher.clone(), self.algorithms.clone());
        let reading = tokio::task::spawn_blocking(move || source.read(&fetcher, found, &algorithms));
        let issuer = self.issuer();
        match reading.await {
            Ok(Ok((read, found))) if read.keys.is_empty() => {
                tracing::warn!(issuer, serving, "the issuer's key set holds no key that can be used");
                (!serving).then_some((read, found))
            }
            Ok(Ok((read, found))) => {
                tracing::info!(issuer, keys = read.keys.len(), "read the issuer's keys");
                Some((read, found))
            }
            Ok(Err(fault)) => {
                tracing::warn!(issuer, "the issuer's keys could not be read: {fault}");
                None
            }
            Err(_) => {
                tracing::error!(issuer, "reading the issuer's keys ended before its time");
                None
            }
        }
    }
}
