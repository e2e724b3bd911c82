//! Denials of tokens: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Denial, Event, Timestamp};

/// One record for each denial, until the last token that it concerns has expired. What holds for the verbs of
/// [`super::Users`] holds for these. Requests do not list them: they read a copy in memory, which a task refreshes.
#[async_trait]
pub trait Denials: Send + Sync {
    /// Records a denial; one of the same tokens before it gives way to the later of both instants. A denial that another
    /// change brings about causes no event of its own.
    async fn record_denial(&self, denial: &Denial, event: Option<&Event>) -> Result<(), StoreError>;

    /// At most `limit` denials that were written at `since` or later, in the order of writing, beginning behind the denial
    /// `after`, which the caller got last. Clocks of instances differ: the caller asks again for some time before the last one.
    async fn list_denials(
        &self,
        since: Timestamp,
        after: Option<&Denial>,
        limit: usize,
    ) -> Result<Vec<Denial>, StoreError>;

    /// Removes denials that have expired before `now`. True if there may be more of them.
    async fn purge_denials(&self, now: Timestamp) -> Result<bool, StoreError>;
}

#[async_trait]
impl Denials for Absent {
    async fn record_denial(&self, _: &Denial, _: Option<&Event>) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_denials(
        &self,
        _: Timestamp,
        _: Option<&Denial>,
        _: usize,
    ) -> Result<Vec<Denial>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_denials(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
