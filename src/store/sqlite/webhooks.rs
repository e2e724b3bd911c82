//! The table of the endpoints for webhooks, each as JSON.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::json::{from_json, to_json};
use crate::domain::{Event, Webhook, WebhookId};
use crate::store::{StoreError, Webhooks};

#[async_trait]
impl Webhooks for Sqlite {
    async fn create_webhook(&self, webhook: &Webhook, event: &Event) -> Result<bool, StoreError> {
        let (id, revision, record) = (webhook.id.to_string(), webhook.revision as i64, to_json(webhook)?);
        let create = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO webhooks (id, revision, record) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, revision, record])
        };
        self.change_row(event, create).await
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.upgrade().await?;
        let id = id.to_string();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT record FROM webhooks WHERE id = ?1")?
                .query_row([id], |row| row.get::<_, String>("record"))
                .optional()
        };
        self.read(query).await?.as_deref().map(from_json).transpose()
    }

    async fn list_webhooks(
        &self,
        after: Option<&WebhookId>,
        limit: usize,
    ) -> Result<Vec<Webhook>, StoreError> {
        self.upgrade().await?;
        // No id is empty.
        let after = after.map(ToString::to_string).unwrap_or_default();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT record FROM webhooks WHERE id > ?1 ORDER BY id LIMIT ?2")?
                .query_map(params![after, limit as i64], |row| row.get::<_, String>("record"))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await?.iter().map(|record| from_json(record)).collect()
    }

    async fn replace_webhook_if(
        &self,
        seen: u64,
        webhook: &Webhook,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let (id, revision, record) = (webhook.id.to_string(), webhook.revision as i64, to_json(webhook)?);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE webhooks SET revision = ?2, record = ?3 WHERE id = ?1 AND revision = ?4",
                )?
                .execute(params![id, revision, record, seen as i64])
        };
        self.change_row(event, replace).await
    }

    async fn delete_webhook(&self, id: &WebhookId, event: &Event) -> Result<bool, StoreError> {
        let id = id.to_string();
        let delete = move |connection: &Connection| {
            connection.prepare_cached("DELETE FROM webhooks WHERE id = ?1")?.execute([id])
        };
        self.change_row(event, delete).await
    }
}
