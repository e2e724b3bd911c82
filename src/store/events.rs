//! The events: the contract of every store, and the receivers of the events of changes.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{ClientId, Event, EventId, EventKind, EventRetention, Timestamp, UserId};
use crate::entropy::Entropy;
use crate::event_record::{ChainHead, Digest, EventRecord, PersonKey, RecordDigest, RecordError};

/// The events. Most of them come with a change, in the verb that makes the change; see [`EventRecorder`]. What holds for the
/// verbs of [`super::Users`] holds for these.
///
/// **Order.** An event is stored first and sealed afterwards: it gets the next number and a link of the chain. The numbers
/// begin with 1 and have no gaps. The verbs below list only sealed events, so that a reader who remembers the last number
/// misses none. On SQLite an event is sealed in the transaction that stores it.
///
/// **Bounded.** An expired event loses its record and everything else that is known of it, except for its number, its instant,
/// its kind, its digest and its link. When all events before it have expired, too, it is removed; the last one that was
/// removed is the base of the chain.
#[async_trait]
pub trait Events: Send + Sync {
    /// Stores an event that no change of another record causes. Returns false if there is an event with this id already: then
    /// it changes nothing.
    async fn append_event(&self, event: &Event) -> Result<bool, StoreError>;

    /// At most `limit` events that match, in the order of their numbers, beginning behind the number `after`.
    async fn list_events(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// The same in the reverse order: the latest ones, or those in front of the number `before`.
    async fn list_latest_events(
        &self,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError>;

    /// Collects the events that lie beside their changes, and settles those of changes that a crash cut off. True if there may
    /// be more. On SQLite there is nothing to collect.
    async fn relay_events(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// Seals a block of the events that are not sealed yet. Any number of instances may do this at once. True if there may be
    /// more.
    async fn seal_events(&self) -> Result<bool, StoreError>;

    /// When the oldest event happened that is not sealed yet.
    async fn find_oldest_unsealed_event(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The beginning and the end of the chain.
    async fn find_chain(&self) -> Result<Chain, StoreError>;

    /// Removes a portion of what has expired by `now`. True if there may be more.
    async fn purge_events(&self, now: Timestamp, retention: &EventRetention) -> Result<bool, StoreError>;

    /// The keys of these persons; those of persons who are no users any more do not exist.
    async fn list_person_keys(&self, persons: &[UserId]) -> Result<Vec<(UserId, PersonKey)>, StoreError>;

    /// Adds a batch of counts of one minute to what is counted and not stored one by one: all of them or none. If the caller does
    /// not know whether that was done, it may add the same batch again: MongoDB adds it once.
    async fn add_event_counts(&self, batch: EventId, counts: &[EventCount]) -> Result<(), StoreError>;

    /// What was counted in minutes that began at `since` or later and before `until`, in the order of time.
    async fn list_event_counts(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventCount>, StoreError>;
}

/// Which events to list. An event that has lost its record matches only if nothing is asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of this instant or later.
    pub since: Option<Timestamp>,
    /// Only events before this instant.
    pub until: Option<Timestamp>,
    /// Only events of these kinds; of every kind if it is empty.
    pub kinds: Vec<EventKind>,
    /// Only events that concern this user.
    pub user: Option<UserId>,
    /// Only events that concern this client.
    pub client: Option<ClientId>,
}

impl EventFilter {
    /// Whether nothing is asked of an event.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A sealed event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// The name of its kind; a later version may have stored kinds that this one does not know.
    pub kind: String,
    /// The text of its [`EventRecord`]; `None` if it has expired.
    pub record: Option<String>,
    /// The digest of the record.
    pub digest: RecordDigest,
    /// Its link of the chain.
    pub link: Digest,
}

/// The beginning and the end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The last event that was removed: the first one that is there has the next number.
    pub base: ChainHead,
    /// The last event.
    pub head: ChainHead,
}

/// How often something happened in a minute, for a client or for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCount {
    /// The beginning of the minute.
    pub minute: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// The client for which it happened.
    pub client: Option<ClientId>,
    /// How often.
    pub count: u64,
}

/// Stores each event with its change: it makes the records, and the keys of persons.
#[derive(Clone, Debug)]
pub struct EventRecorder(Entropy);

impl EventRecorder {
    /// Keys and nonces come from `entropy`.
    pub fn new(entropy: Entropy) -> Self {
        Self(entropy)
    }

    /// The text of the record of `event`.
    pub(super) fn record(&self, event: &Event, key: Option<&PersonKey>) -> Result<String, RecordError> {
        EventRecord::of(event, key, &self.0)?.to_text()
    }

    /// A new key, for a person without one.
    pub(super) fn new_key(&self) -> Result<PersonKey, RecordError> {
        Ok(PersonKey::random(&self.0).map_err(crate::event_record::SealError::from)?)
    }
}

/// Keeps no events. Each store has its own trait for a receiver, because the event must be in the same write
/// as the change: `sqlite::EventWriter` and `mongo::EventDocuments`. Either can refuse an event, and with it
/// the change.
#[derive(Clone, Copy, Debug)]
pub struct NoEvents;

#[async_trait]
impl Events for Absent {
    async fn append_event(&self, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_events(&self, _: &EventFilter, _: u64, _: usize) -> Result<Vec<StoredEvent>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_latest_events(
        &self,
        _: &EventFilter,
        _: Option<u64>,
        _: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn relay_events(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn seal_events(&self) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_oldest_unsealed_event(&self) -> Result<Option<Timestamp>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_chain(&self) -> Result<Chain, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_events(&self, _: Timestamp, _: &EventRetention) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_person_keys(&self, _: &[UserId]) -> Result<Vec<(UserId, PersonKey)>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn add_event_counts(&self, _: EventId, _: &[EventCount]) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_event_counts(&self, _: Timestamp, _: Timestamp) -> Result<Vec<EventCount>, StoreError> {
        Err(StoreError::Absent)
    }
}
