//! The heartbeats of running instances: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Instance, Timestamp};

/// The last heartbeat of each instance: which keys it signs and verifies with. What holds for the verbs of [`super::Users`]
/// holds for these; a heartbeat causes no event.
#[async_trait]
pub trait Instances: Send + Sync {
    /// Stores the heartbeat of an instance in the place of the one before.
    async fn record_instance(&self, instance: &Instance) -> Result<(), StoreError>;

    /// The last heartbeat of each instance, in the order of their ids. A record that cannot be read is left out: it must
    /// not keep the others from being seen.
    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError>;

    /// Removes each instance whose last heartbeat is earlier than `before`. Atomic for each of them: an instance whose next
    /// heartbeat comes meanwhile stays.
    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError>;
}

#[async_trait]
impl Instances for Absent {
    async fn record_instance(&self, _: &Instance) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_instances(&self, _: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }
}
