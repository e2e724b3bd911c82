//! The checkpoints of the chain of events: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};

/// The checkpoints: what was signed about the chain of events. They cause no event. What holds for the verbs of
/// [`super::Users`] holds for these.
///
/// **Order.** The numbers begin with 1, and each is one greater than the last one before it.
///
/// **Bounded.** [`Checkpoints::purge_checkpoints`] removes those that are older than the beginning of the chain. The public
/// halves of the keys stay.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// Stores a checkpoint and the public half of the key that has signed it: no checkpoint without its key. Returns false, and
    /// changes nothing of the checkpoints, if the last one has another number than the one before this.
    async fn create_checkpoint(
        &self,
        checkpoint: &StoredCheckpoint,
        key: &CheckpointKey,
    ) -> Result<bool, StoreError>;

    /// The last checkpoint.
    async fn find_last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError>;

    /// At most `limit` checkpoints in the order of their numbers, beginning behind the number `after`.
    async fn list_checkpoints(&self, after: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError>;

    /// The public halves of all keys that have signed checkpoints, in the order of their thumbprints.
    async fn list_checkpoint_keys(&self) -> Result<Vec<CheckpointKey>, StoreError>;

    /// Removes a portion of the checkpoints before the last one of those that are about an event before `base`, which is the
    /// last event that was removed from the chain. That one shows that `base` came later. True if there may be more.
    async fn purge_checkpoints(&self, base: u64) -> Result<bool, StoreError>;
}

/// A checkpoint as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Its number.
    pub number: u64,
    /// The number of the last event that it is about.
    pub seq: u64,
    /// The compact JWS of the checkpoint itself.
    pub jws: String,
    /// The thumbprint (RFC 7638) of the key that has signed it.
    pub key: String,
}

/// The public half of a key that has signed checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointKey {
    /// Its thumbprint (RFC 7638).
    pub thumbprint: String,
    /// The key as a JWK, with its `kid`.
    pub jwk: String,
}

#[async_trait]
impl Checkpoints for Absent {
    async fn create_checkpoint(&self, _: &StoredCheckpoint, _: &CheckpointKey) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_checkpoints(&self, _: u64, _: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_checkpoint_keys(&self) -> Result<Vec<CheckpointKey>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_checkpoints(&self, _: u64) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
