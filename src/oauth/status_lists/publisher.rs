//! Prepares the lists: finds the tokens that denials and revoked keys concern, sets their bits, and signs what has changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::bits::StatusBits;
use super::list_uri;
use super::open_denials::{OpenDenials, is_old};
use super::published::{Lists, PublishedStatusList, PublishedStatusLists};
use crate::domain::{Kid, StatusListRecord, StatusPlace, Timestamp};
use crate::keys::Published;
use crate::oauth::Issuer;
use crate::oauth::denials::{DenialCursor, LATE_SECS};
use crate::store::{Denials, StatusLists, StoreError};
use crate::token::Tokens;

/// How many denials one call of the store gets.
const AT_ONCE: usize = 500;
/// How many places of a key one call of the store returns.
const PLACES_AT_ONCE: usize = 50_000;

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
    pub fn kept(&self) -> u64 {
        (self.ttl / 2).max(1)
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
    open: OpenDenials,
    /// Revoked keys whose tokens are all known: no token that they concern is issued any more.
    settled_keys: HashMap<Kid, Timestamp>,
    /// The number of the list that is begun next; `None` until the store has said it.
    next: Option<u64>,
    is_loaded: bool,
}

/// One list.
struct List {
    bits: StatusBits,
    live_until: Timestamp,
    /// Whether the bits differ from those that are published.
    has_changed: bool,
    signed: Option<PublishedStatusList>,
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
        let (lists, open, settled_keys) = (BTreeMap::new(), OpenDenials::default(), HashMap::new());
        let (next, is_loaded) = (None, false);
        Self { settings, store, denials, tokens, published, lists, open, settled_keys, next, is_loaded }
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
        let listed = self.denials.next(now).await?;
        for some in self.open.add(listed, now).chunks(AT_ONCE) {
            let places = self.store.list_denied_places(some).await?;
            self.revoke(&places, now);
        }
        self.open.settle(now);
        for (kid, revoked_at) in self.revoked_keys() {
            if self.settled_keys.get(&kid) != Some(&revoked_at) {
                self.revoke_tokens_of(&kid, now).await?;
                if is_old(revoked_at, now) {
                    self.settled_keys.insert(kid, revoked_at);
                }
            }
        }
        Ok(())
    }

    /// Reads the tokens of a key in portions: there may be millions, and each call of the store has a deadline.
    async fn revoke_tokens_of(&mut self, kid: &Kid, now: Timestamp) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let places = self.store.list_places_of_key(kid, after, PLACES_AT_ONCE).await?;
            self.revoke(&places, now);
            if places.len() < PLACES_AT_ONCE {
                return Ok(());
            }
            after = places.last().copied();
        }
    }

    fn take_lists(&mut self, records: &[StatusListRecord], now: Timestamp) {
        self.next = Some(records.iter().map(|record| record.number).max().unwrap_or(0) + 1);
        for record in records {
            let list = self.lists.entry(record.number).or_insert_with(|| List::new(record.live_until));
            list.live_until = record.live_until;
        }
        self.lists.retain(|_, list| list.live_until > now);
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
        for (number, list) in &mut self.lists {
            let is_due = list.signed.as_ref().is_none_or(|signed| signed.is_due(&self.tokens, now));
            if !is_due && !list.has_changed {
                continue;
            }
            let bits = list.bits.clone();
            match PublishedStatusList::sign(bits, *number, &self.settings, &self.tokens).await {
                Ok(signed) => {
                    list.signed = Some(signed);
                    list.has_changed = false;
                }
                Err(error) => {
                    tracing::warn!(%error, number, "a status list could not be signed; the service tries again");
                }
            }
        }
        self.publish();
    }

    fn publish(&self) {
        let signed = self.lists.iter().filter_map(|(number, list)| Some((*number, list.signed.clone()?)));
        let lists: BTreeMap<_, _> = signed.collect();
        // The list that is begun next is among them: another instance may give its first places before this one looks again.
        let numbers = lists.keys().chain(&self.next);
        let uris: Vec<_> = numbers.map(|number| list_uri(&self.settings.issuer, *number)).collect();
        let aggregation = Published::new(json!({ "status_lists": uris }).to_string());
        self.published.replace(Lists { lists, next: self.next, aggregation });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A verifier that fetched the list just before the bit was set keeps it, and this instance looks after a pause.
    #[test]
    fn the_time_of_a_verifier_and_of_this_instance_fit_into_the_setting() {
        for ttl in [4, 10, 60, 3600] {
            let issuer = Issuer::new("https://issuer".to_owned(), None);
            let settings = StatusListSettings { issuer, ttl };
            let both = Duration::from_secs(settings.kept()) + settings.pause();
            assert!(both <= Duration::from_secs(ttl) * 3 / 4, "{both:?} of {ttl} s");
        }
    }
}
