//! Gives tokens their places. An instance leases some positions of a list at once from the store, so that most tokens cost one
//! small write.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::list_uri;
use super::permutation::Permutation;
use crate::clock::Clock;
use crate::domain::{Client, Denial, Secret, StatusEntry, StatusLease, StatusPlace, Timestamp, UserId};
use crate::oauth::Issuer;
use crate::server_secret::{CurrentServerSecret, Label, SUBKEY_BYTES, keyed_hash};
use crate::store::{StatusLists, StoreError};
use crate::token::{StatusReference, TracedToken};

/// For how many seconds an instance gives out the positions of a lease. So the store knows when the last token of a list expires.
const LEASE_SECS: u64 = 3600;

/// Gives tokens their places. Clones share the lease.
#[derive(Clone)]
pub struct StatusPlaces(Arc<Inner>);

struct Inner {
    store: Arc<dyn StatusLists>,
    issuer: Option<Issuer>,
    server_secret: CurrentServerSecret,
    /// The seconds that the longest token lives.
    longest: u64,
    clock: Clock,
    /// The positions that this instance may give out. Callers wait for each other while one of them leases.
    leased: Mutex<Option<Leased>>,
}

/// Positions of one list.
struct Leased {
    list: u64,
    next: u32,
    end: u32,
    until: Timestamp,
    permutation: Permutation,
}

/// The place of a token that is to be issued.
pub(in crate::oauth) struct TakenPlace {
    place: StatusPlace,
    uri: String,
}

impl TakenPlace {
    /// As the token names it.
    pub(in crate::oauth) fn reference(&self) -> StatusReference<'_> {
        StatusReference { uri: &self.uri, index: self.place.index }
    }

    /// What is remembered of the token of `client` that got the place, if it belongs to no grant.
    pub(in crate::oauth) fn entry(
        &self,
        token: &TracedToken,
        client: &Client,
        user: Option<UserId>,
    ) -> StatusEntry {
        StatusEntry {
            place: self.place,
            jti: token.jti.clone(),
            kid: token.kid.clone(),
            client: client.id.clone(),
            registration: client.registration,
            user,
            grant: None,
            session: None,
            issued_at: token.issued_at,
            expires_at: Denial::end_of(token.expires_at),
        }
    }
}

/// Why a token gets no place, and is not issued.
#[derive(Debug, thiserror::Error)]
pub enum StatusPlaceError {
    /// The store cannot note the place.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no server secret yet.
    #[error("there is no server secret yet")]
    NotReady,
    /// Lists have no address without an issuer.
    #[error("status lists need an issuer of OAuth tokens (ISSUER_URL)")]
    Off,
    /// An internal error.
    #[error("{0}")]
    Failed(&'static str),
}

impl StatusPlaces {
    /// Places in the lists of `issuer`; `None` if OAuth is off. No token lives longer than `longest` seconds.
    pub fn new(
        store: Arc<dyn StatusLists>,
        issuer: Option<Issuer>,
        server_secret: CurrentServerSecret,
        longest: u64,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner { store, issuer, server_secret, longest, clock, leased: Mutex::default() }))
    }

    /// A place that no other token has had or will have.
    ///
    /// # Errors
    /// [`StatusPlaceError`].
    pub(in crate::oauth) async fn take(&self) -> Result<TakenPlace, StatusPlaceError> {
        let issuer = self.0.issuer.as_ref().ok_or(StatusPlaceError::Off)?;
        let mut leased = self.0.leased.lock().await;
        let now = self.0.clock.now();
        let is_usable = |leased: &Leased| leased.next < leased.end && now < leased.until;
        if !leased.as_ref().is_some_and(is_usable) {
            let before = leased.take();
            *leased = Some(self.lease(before, now).await?);
        }
        let leased = leased.as_mut().ok_or(StatusPlaceError::Failed("there is no lease"))?;
        let index = leased.permutation.index(leased.next);
        leased.next += 1;
        Ok(TakenPlace { place: StatusPlace { list: leased.list, index }, uri: list_uri(issuer, leased.list) })
    }

    /// Leases positions, in place of those of `before`.
    async fn lease(&self, before: Option<Leased>, now: Timestamp) -> Result<Leased, StatusPlaceError> {
        let keys = self.0.server_secret.subkeys(Label::StatusList);
        let keys = keys.map_err(|_| StatusPlaceError::Failed("no key could be derived"))?;
        let key = keys.ok_or(StatusPlaceError::NotReady)?.newest;
        let until = now.plus_secs(LEASE_SECS);
        let live_until = Denial::end_of(until.plus_secs(self.0.longest));
        let lease = self.0.store.lease_status_positions(&fingerprint(&key), live_until).await?;
        // Only the list and the key decide the order.
        let same = before.filter(|before| before.list == lease.list);
        let permutation = match same {
            Some(same) => same.permutation,
            None => Permutation::new(&key, lease.list),
        };
        Ok(Leased {
            list: lease.list,
            next: lease.first,
            end: lease.first.saturating_add(StatusLease::POSITIONS),
            until,
            permutation,
        })
    }

    /// Notes the token that got a place. Only then may the token be given out.
    ///
    /// # Errors
    /// [`StatusPlaceError`].
    pub(in crate::oauth) async fn record(&self, entry: &StatusEntry) -> Result<(), StatusPlaceError> {
        if self.0.store.create_status_entry(entry).await? {
            return Ok(());
        }
        // An older copy of the database may have been put back.
        *self.0.leased.lock().await = None;
        Err(StatusPlaceError::Failed("another token has the place in the status list"))
    }
}

/// The name of the order that this key makes: a list has one order for its whole life, also if the server secret changes.
fn fingerprint(key: &Secret<[u8; SUBKEY_BYTES]>) -> String {
    keyed_hash(key, b"order").iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
