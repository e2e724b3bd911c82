//! The collection `webhooks`: one document for each endpoint, as JSON.

use async_trait::async_trait;
use mongodb::bson::Document;

use super::Mongo;
use super::collections::WEBHOOKS;
use super::json_records::JsonRecord;
use crate::domain::{Event, Webhook, WebhookId};
use crate::store::{StoreError, Webhooks};

#[async_trait]
impl Webhooks for Mongo {
    async fn create_webhook(&self, webhook: &Webhook, event: &Event) -> Result<bool, StoreError> {
        self.create_record(&WEBHOOKS, record(webhook), event).await
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.find_record(&WEBHOOKS, id.as_str()).await?.as_ref().map(from_document).transpose()
    }

    async fn list_webhooks(
        &self,
        after: Option<&WebhookId>,
        limit: usize,
    ) -> Result<Vec<Webhook>, StoreError> {
        let found = self.list_records(&WEBHOOKS, after.map(WebhookId::as_str), limit).await?;
        found.iter().map(from_document).collect()
    }

    async fn replace_webhook_if(
        &self,
        seen: u64,
        webhook: &Webhook,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.replace_record_if(&WEBHOOKS, seen, record(webhook), event).await
    }

    async fn delete_webhook(&self, id: &WebhookId, event: &Event) -> Result<bool, StoreError> {
        self.delete_record(&WEBHOOKS, id.as_str(), event).await
    }
}

fn record(webhook: &Webhook) -> JsonRecord<'_, Webhook> {
    JsonRecord { id: webhook.id.as_str(), revision: webhook.revision, record: webhook }
}

fn from_document(document: &Document) -> Result<Webhook, StoreError> {
    let record = document.get_str("record").map_err(|error| StoreError::Corrupt(error.to_string()))?;
    serde_json::from_str(record).map_err(|error| StoreError::Corrupt(error.to_string()))
}
