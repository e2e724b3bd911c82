//! The heartbeats of running instances: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Instance, Timestamp};

/// The last heartbeat of each instance: the keys with which it signs and verifies. The rules for the verbs of
/// [`super::Users`] apply here as well; a heartbeat causes no event.
#[async_trait]
pub trait Instances: Send + Sync {
    /// Stores the heartbeat of an instance and replaces the previous one.
    async fn record_instance(&self, instance: &Instance) -> Result<(), StoreError>;

    /// The last heartbeat of each instance, in the order of their ids. A record that cannot be read is left
    /// out, so that it does not hide the others.
    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError>;

    /// Removes each instance whose last heartbeat is earlier than `before`. This is atomic for each of them:
    /// if the next heartbeat of an instance comes meanwhile, the instance stays.
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
