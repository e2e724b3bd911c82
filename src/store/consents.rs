//! The consents of users to clients: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{ClientId, Consent, Event, UserId};

/// One record for each user and client. What holds for the verbs of [`super::Users`] holds for these.
/// [`super::Users::delete_user`] removes the consents of the user.
#[async_trait]
pub trait Consents: Send + Sync {
    /// The consent of a user to a client.
    async fn find_consent(&self, user: UserId, client: &ClientId) -> Result<Option<Consent>, StoreError>;

    /// All consents of a user in the order of the clients' ids, at most `limit`.
    async fn list_consents(&self, user: UserId, limit: usize) -> Result<Vec<Consent>, StoreError>;

    /// Records a consent in the place of the one before it.
    async fn record_consent(&self, consent: &Consent, event: &Event) -> Result<(), StoreError>;

    /// Removes a consent. False if there was none.
    async fn delete_consent(
        &self,
        user: UserId,
        client: &ClientId,
        event: &Event,
    ) -> Result<bool, StoreError>;
}

#[async_trait]
impl Consents for Absent {
    async fn find_consent(&self, _: UserId, _: &ClientId) -> Result<Option<Consent>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_consents(&self, _: UserId, _: usize) -> Result<Vec<Consent>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn record_consent(&self, _: &Consent, _: &Event) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn delete_consent(&self, _: UserId, _: &ClientId, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
