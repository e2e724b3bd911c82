//! Prepares the lists: finds the tokens that denials and revoked keys concern, sets their bits, and signs what has changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::spawn_blocking;

use super::bits::StatusBits;
use super::published::{Lists, PublishedStatusList, PublishedStatusLists};
use super::{aggregation_uri, list_uri};
use crate::domain::{Denial, Denied, Kid, StatusListRecord, StatusPlace, Timestamp};
use crate::keys::Published;
use crate::oauth::Issuer;
use crate::oauth::denials::{DenialCursor, LATE_SECS};
use crate::store::{Denials, StatusLists, StoreError};
use crate::token::Tokens;

/// How many denials one call of the store gets.
const AT_ONCE: usize = 500;

/// How the lists are published.
#[derive(Clone, Debug)]
pub struct StatusListSettings {
    /// Whose lists they are.
    pub issuer: Issuer,
    /// `STATUS_LIST_TTL`: within so many seconds every verifier refuses a revoked token.
    pub ttl: u64,
}

impl StatusListSettings {
    /// For how many seconds a verifier may keep a list. The rest of the time is for the preparation.
    pub fn kept(ttl: u64) -> u64 {
        (ttl / 2).max(1)
    }

    /// Between two looks at the store.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(self.ttl) / 4
    }
}

/// Prepares the lists of this instance. Each instance does so for itself, from the same store.
pub struct StatusListPublisher {
    settings: StatusListSettings,
    store: Arc<dyn StatusLists>,
    denials: DenialCursor,
    tokens: Tokens,
    published: PublishedStatusLists,
    lists: BTreeMap<u64, List>,
    /// Denials and revoked keys whose tokens are all known: no token that they concern is issued any more.
    settled: HashMap<Denied, Timestamp>,
    settled_keys: HashMap<Kid, Timestamp>,
    /// The number of the newest list that was begun; 0 if there is none.
    newest: u64,
    is_loaded: bool,
}

/// One list.
struct List {
    bits: StatusBits,
    live_until: Timestamp,
    /// Whether the bits differ from those that are published.
    has_changed: bool,
    signed: Option<Signed>,
}

struct Signed {
    list: PublishedStatusList,
    issued_at: Timestamp,
}

impl List {
    fn new(live_until: Timestamp) -> Self {
        Self { bits: StatusBits::all_valid(), live_until, has_changed: true, signed: None }
    }
}

impl StatusListPublisher {
    /// Publishes in `published`.
    pub fn new(
        settings: StatusListSettings,
        store: Arc<dyn StatusLists>,
        denials: Arc<dyn Denials>,
        tokens: Tokens,
        published: PublishedStatusLists,
    ) -> Self {
        let denials = DenialCursor::new(denials);
        let (lists, settled, settled_keys) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        let (newest, is_loaded) = (0, false);
        Self {
            settings,
            store,
            denials,
            tokens,
            published,
            lists,
            settled,
            settled_keys,
            newest,
            is_loaded,
        }
    }

    /// Between two looks at the store.
    pub fn pause(&self) -> Duration {
        self.settings.pause()
    }

    /// Looks at the store, and signs the lists that have changed, whose signature is old, or whose key signs no more. If the
    /// store does not answer, what is known stays, and is signed again before it expires.
    ///
    /// # Errors
    /// As the store.
    pub async fn refresh(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let read = self.read(now).await;
        self.is_loaded |= matches!(read, Ok(()) | Err(StoreError::Absent));
        if self.is_loaded {
            self.sign_what_is_due(now).await;
        }
        read
    }

    async fn read(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let records = self.store.list_status_lists().await?;
        self.take_lists(&records, now);
        if records.is_empty() {
            return Ok(());
        }
        let mut listed = self.denials.next().await?;
        listed.retain(|denial| denial.expires_at > now);
        let open: Vec<_> = listed.iter().filter(|one| !self.is_settled(one)).cloned().collect();
        let mut places = Vec::new();
        for some in open.chunks(AT_ONCE) {
            places.extend(self.store.list_denied_places(some).await?);
        }
        for (kid, revoked_at) in self.revoked_keys() {
            if self.settled_keys.get(&kid) != Some(&revoked_at) {
                places.extend(self.store.list_places_of_key(&kid).await?);
                if is_old(revoked_at, now) {
                    self.settled_keys.insert(kid, revoked_at);
                }
            }
        }
        self.revoke(&places, now);
        let settled = listed.into_iter().filter(|denial| is_old(denial.at, now));
        self.settled = settled.map(|denial| (denial.denied, denial.at)).collect();
        Ok(())
    }

    /// Takes the lists that the store knows, and one more: another instance may give out its first places before this one
    /// looks at the store again.
    fn take_lists(&mut self, records: &[StatusListRecord], now: Timestamp) {
        self.newest = records.iter().map(|record| record.number).max().unwrap_or(0);
        let next = StatusListRecord { number: self.newest + 1, live_until: now.plus_secs(LATE_SECS) };
        for record in records.iter().chain([&next]) {
            let list = self.lists.entry(record.number).or_insert_with(|| List::new(record.live_until));
            list.live_until = record.live_until;
        }
        self.lists.retain(|_, list| list.live_until > now);
    }

    fn is_settled(&self, denial: &Denial) -> bool {
        self.settled.get(&denial.denied) == Some(&denial.at)
    }

    fn revoked_keys(&self) -> Vec<(Kid, Timestamp)> {
        let ring = self.tokens.keys().ring();
        let keys = ring.as_ref().map(|ring| ring.record().keys.clone()).unwrap_or_default();
        keys.into_iter().filter_map(|key| Some((key.kid, key.revoked_at?))).collect()
    }

    fn revoke(&mut self, places: &[StatusPlace], now: Timestamp) {
        for place in places {
            let list = self.lists.entry(place.list).or_insert_with(|| List::new(now.plus_secs(LATE_SECS)));
            list.has_changed |= list.bits.revoke(place.index);
        }
    }

    /// Signs what is due. If no key may sign now, what is published stays until it expires.
    async fn sign_what_is_due(&mut self, now: Timestamp) {
        let half = self.tokens.status_list_life().as_secs() / 2;
        let ring = self.tokens.keys().ring();
        let active = ring.as_ref().and_then(|ring| ring.active().map(|key| key.kid().clone()));
        drop(ring);
        let is_due = |signed: &Signed| {
            signed.issued_at.plus_secs(half) <= now || active.as_ref() != Some(&signed.list.kid)
        };
        let mut due = Vec::new();
        for (number, list) in &self.lists {
            if list.has_changed || list.signed.as_ref().is_none_or(is_due) {
                due.push(*number);
            }
        }
        for number in due {
            self.sign(number).await;
        }
        self.publish();
    }

    async fn sign(&mut self, number: u64) {
        let Some(list) = self.lists.get_mut(&number) else { return };
        let bits = list.bits.clone();
        let Ok(Ok(lst)) = spawn_blocking(move || bits.to_lst()).await else { return };
        let issuer = &self.settings.issuer;
        let (uri, all, kept) = (
            list_uri(issuer, number),
            aggregation_uri(issuer),
            StatusListSettings::kept(self.settings.ttl),
        );
        match self.tokens.sign_status_list(&uri, &all, &lst, kept).await {
            Ok(signed) => {
                let document = Published::new(signed.token.expose().clone());
                let published = PublishedStatusList { document, kid: signed.kid };
                list.signed = Some(Signed { list: published, issued_at: signed.issued_at });
                list.has_changed = false;
            }
            Err(error) => tracing::warn!(%error, number, "a status list could not be signed; the service tries again"),
        }
    }

    fn publish(&self) {
        let signed = self.lists.iter().filter_map(|(number, list)| Some((*number, list.signed.as_ref()?)));
        let lists: BTreeMap<_, _> = signed.map(|(number, signed)| (number, signed.list.clone())).collect();
        let uris: Vec<_> = lists
            .keys()
            .filter(|number| **number <= self.newest)
            .map(|number| list_uri(&self.settings.issuer, *number))
            .collect();
        let aggregation = Published::new(json!({ "status_lists": uris }).to_string());
        self.published.replace(Lists { lists, aggregation });
    }
}

/// Whether so much time has passed that each token of before is known.
fn is_old(at: Timestamp, now: Timestamp) -> bool {
    at.plus_secs(LATE_SECS) <= now
}
