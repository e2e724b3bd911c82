//! The verbs of status lists.

use async_trait::async_trait;

use super::{Observed, Verb};
use crate::domain::{Denial, Kid, StatusEntry, StatusLease, StatusListRecord, StatusPlace, Timestamp};
use crate::store::{StatusLists, StoreError};

#[async_trait]
impl StatusLists for Observed<dyn StatusLists> {
    async fn lease_status_positions(
        &self,
        key: &str,
        live_until: Timestamp,
    ) -> Result<StatusLease, StoreError> {
        self.run(Verb::lease_status_positions, self.store.lease_status_positions(key, live_until)).await
    }

    async fn list_status_lists(&self) -> Result<Vec<StatusListRecord>, StoreError> {
        self.run(Verb::list_status_lists, self.store.list_status_lists()).await
    }

    async fn create_status_entry(&self, entry: &StatusEntry) -> Result<bool, StoreError> {
        self.run(Verb::create_status_entry, self.store.create_status_entry(entry)).await
    }

    async fn list_denied_places(&self, denials: &[Denial]) -> Result<Vec<StatusPlace>, StoreError> {
        self.run(Verb::list_denied_places, self.store.list_denied_places(denials)).await
    }

    async fn list_places_of_key(
        &self,
        kid: &Kid,
        after: Option<StatusPlace>,
        limit: usize,
    ) -> Result<Vec<StatusPlace>, StoreError> {
        self.run(Verb::list_places_of_key, self.store.list_places_of_key(kid, after, limit)).await
    }

    async fn purge_status_entries(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_status_entries, self.store.purge_status_entries(now)).await
    }
}
