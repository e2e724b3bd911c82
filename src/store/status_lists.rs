//! The places of tokens in status lists: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Denial, Kid, StatusEntry, StatusLease, StatusListRecord, StatusPlace, Timestamp};

/// How far the places of each list are given out, and one record for each token with a place, until the token has expired. What
/// holds for the verbs of [`super::Users`] holds for these. They cause no events.
#[async_trait]
pub trait StatusLists: Send + Sync {
    /// Takes the next [`StatusLease::POSITIONS`] positions of the newest list of `key` that has positions left, or begins a list
    /// with the next number. `key` names the secret order of the list. The list lives until `live_until` at least. Of many
    /// callers at once, each gets other positions, and no position is given out a second time, also not after a crash.
    async fn lease_status_positions(
        &self,
        key: &str,
        live_until: Timestamp,
    ) -> Result<StatusLease, StoreError>;

    /// The lists that were begun and not removed, by their numbers. The newest one is always among them.
    async fn list_status_lists(&self) -> Result<Vec<StatusListRecord>, StoreError>;

    /// Adds the record of a token. False if its place is taken.
    async fn create_status_entry(&self, entry: &StatusEntry) -> Result<bool, StoreError>;

    /// The places of all tokens that these denials concern ([`StatusEntry::concerns`]).
    async fn list_denied_places(&self, denials: &[Denial]) -> Result<Vec<StatusPlace>, StoreError>;

    /// At most `limit` places of tokens that this key signed, in their order: the first ones, or those behind `after`.
    async fn list_places_of_key(
        &self,
        kid: &Kid,
        after: Option<StatusPlace>,
        limit: usize,
    ) -> Result<Vec<StatusPlace>, StoreError>;

    /// Removes records of tokens that have expired before `now`, and lists that lived until then, but never the newest list:
    /// no number is given twice. True if there may be more records.
    async fn purge_status_entries(&self, now: Timestamp) -> Result<bool, StoreError>;
}

#[async_trait]
impl StatusLists for Absent {
    async fn lease_status_positions(&self, _: &str, _: Timestamp) -> Result<StatusLease, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_status_lists(&self) -> Result<Vec<StatusListRecord>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn create_status_entry(&self, _: &StatusEntry) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_denied_places(&self, _: &[Denial]) -> Result<Vec<StatusPlace>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_places_of_key(
        &self,
        _: &Kid,
        _: Option<StatusPlace>,
        _: usize,
    ) -> Result<Vec<StatusPlace>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_status_entries(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
