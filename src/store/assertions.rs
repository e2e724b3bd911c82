//! The assertions of clients: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Timestamp, UsedAssertion};

/// One record for each assertion (RFC 7523) by which a client has authenticated for a change of a grant, so that it counts once
/// on all instances. What holds for the verbs of [`super::Users`] holds for these. They cause no events.
#[async_trait]
pub trait Assertions: Send + Sync {
    /// Adds an assertion. False if it is there already: of many uses at once, one adds it.
    async fn create_assertion(&self, assertion: &UsedAssertion) -> Result<bool, StoreError>;

    /// Removes assertions that have expired before `now`. True if there may be more of them.
    async fn purge_assertions(&self, now: Timestamp) -> Result<bool, StoreError>;
}

#[async_trait]
impl Assertions for Absent {
    async fn create_assertion(&self, _: &UsedAssertion) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_assertions(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
