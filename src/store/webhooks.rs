//! The endpoints for webhooks: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Event, Webhook, WebhookId};

/// The registered endpoints. What holds for the verbs of [`super::Users`] holds for these.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Adds an endpoint. False if there is one with this id.
    async fn create_webhook(&self, webhook: &Webhook, event: &Event) -> Result<bool, StoreError>;

    /// The endpoint with this id.
    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// At most `limit` endpoints in the order of their ids, beginning behind `after`.
    async fn list_webhooks(
        &self,
        after: Option<&WebhookId>,
        limit: usize,
    ) -> Result<Vec<Webhook>, StoreError>;

    /// Puts `webhook` in the place of its revision `seen`. False if the stored endpoint is another one or does not exist: of
    /// many changes at once, one is made.
    async fn replace_webhook_if(
        &self,
        seen: u64,
        webhook: &Webhook,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// Removes an endpoint. False if there was no such endpoint. Its deliveries stay until [`super::Deliveries::delete_deliveries`]
    /// removes them.
    async fn delete_webhook(&self, id: &WebhookId, event: &Event) -> Result<bool, StoreError>;
}

#[async_trait]
impl Webhooks for Absent {
    async fn create_webhook(&self, _: &Webhook, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_webhook(&self, _: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_webhooks(&self, _: Option<&WebhookId>, _: usize) -> Result<Vec<Webhook>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_webhook_if(&self, _: u64, _: &Webhook, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn delete_webhook(&self, _: &WebhookId, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
