//! The ring of keys: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::RingRecord;

/// The ring of keys, one document. The rules for the verbs of [`super::Users`] apply here as well, except
/// that a change takes no event: the events of keys are derived from the ring, which may also be in files or
/// in AWS Secrets Manager.
#[async_trait]
pub trait Rings: Send + Sync {
    /// The current document of the ring: never one that was replaced before the call began.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] also if the stored revision, with which a replacement is compared, differs
    /// from the one in the document.
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError>;

    /// Replaces the document of revision `seen` by `ring`; with `None`, stores it if there is no document
    /// yet. Returns false if another document is there. Members that this program does not know are kept.
    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError>;
}

#[async_trait]
impl Rings for Absent {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_ring_if(&self, _: Option<u64>, _: &RingRecord) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
