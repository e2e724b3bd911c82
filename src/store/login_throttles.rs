//! What is remembered of log-ins: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Event, ThrottleRecord, ThrottledAccount, Timestamp};

/// One record for each account to which log-ins failed or succeeded lately. What holds for the verbs of [`super::Users`]
/// holds for these. [`super::Users::delete_user`] removes the record of the user.
#[async_trait]
pub trait LoginThrottles: Send + Sync {
    /// The record of this account. On MongoDB it comes from the primary; from another member only if there is no primary
    /// and the URI allows it for users.
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError>;

    /// Puts `record` in the place of the one of revision `seen`; `None` if there was no record. False if the stored record
    /// is another one: of many changes at once, one is made. Most changes cause no event.
    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError>;

    /// Removes records whose `forget_at` is before `now`. True if there may be more of them: one call removes a limited
    /// number, so that it keeps no log-in waiting.
    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError>;
}

#[async_trait]
impl LoginThrottles for Absent {
    async fn find_login_throttle(&self, _: ThrottledAccount) -> Result<Option<ThrottleRecord>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_login_throttle_if(
        &self,
        _: Option<u64>,
        _: &ThrottleRecord,
        _: Option<&Event>,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_login_throttles(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
