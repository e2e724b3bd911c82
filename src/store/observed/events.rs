//! The verbs of [`Events`], measured.

use async_trait::async_trait;

use super::{Observed, Verb};
use crate::domain::{Event, EventId, EventRetention, Timestamp, UserId};
use crate::event_record::PersonKey;
use crate::store::{Chain, EventCount, EventFilter, Events, StoreError, StoredEvent};

#[async_trait]
impl Events for Observed<dyn Events> {
    async fn append_event(&self, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::append_event, self.store.append_event(event)).await
    }

    async fn list_events(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.run(Verb::list_events, self.store.list_events(filter, after, limit)).await
    }

    async fn list_latest_events(
        &self,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.run(Verb::list_latest_events, self.store.list_latest_events(filter, before, limit)).await
    }

    async fn relay_events(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::relay_events, self.store.relay_events(now)).await
    }

    async fn seal_events(&self) -> Result<bool, StoreError> {
        self.run(Verb::seal_events, self.store.seal_events()).await
    }

    async fn find_oldest_unsealed_event(&self) -> Result<Option<Timestamp>, StoreError> {
        let call = self.store.find_oldest_unsealed_event();
        self.run(Verb::find_oldest_unsealed_event, call).await
    }

    async fn find_chain(&self) -> Result<Chain, StoreError> {
        self.run(Verb::find_chain, self.store.find_chain()).await
    }

    async fn purge_events(&self, now: Timestamp, retention: &EventRetention) -> Result<bool, StoreError> {
        self.run(Verb::purge_events, self.store.purge_events(now, retention)).await
    }

    async fn list_person_keys(&self, persons: &[UserId]) -> Result<Vec<(UserId, PersonKey)>, StoreError> {
        self.run(Verb::list_person_keys, self.store.list_person_keys(persons)).await
    }

    async fn add_event_counts(&self, batch: EventId, counts: &[EventCount]) -> Result<(), StoreError> {
        self.run(Verb::add_event_counts, self.store.add_event_counts(batch, counts)).await
    }

    async fn list_event_counts(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventCount>, StoreError> {
        self.run(Verb::list_event_counts, self.store.list_event_counts(since, until)).await
    }
}
