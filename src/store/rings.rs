//! The ring of keys: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::RingRecord;

/// The ring of keys, one document. What holds for the verbs of [`super::Users`] holds for these, except that a change takes
/// no event: what happens to keys is derived from the ring, which may also be in files or in AWS Secrets Manager.
#[async_trait]
pub trait Rings: Send + Sync {
    /// The ring's document as it is now: never one that has been replaced before the question was asked.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] also where the stored revision, with which a replacement is compared, is not the document's.
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError>;

    /// Puts `ring` in the place of the document of revision `seen`; with `None`, stores it if there is no document yet.
    /// False where another document is there. Members that this program does not know are kept.
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
