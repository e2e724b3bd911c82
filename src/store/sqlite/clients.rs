//! The table of the OAuth clients, each as JSON.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::json::{from_json, to_json};
use crate::domain::{Client, ClientId, Event};
use crate::store::{Clients, StoreError};

#[async_trait]
impl Clients for Sqlite {
    async fn create_client(&self, client: &Client, event: &Event) -> Result<bool, StoreError> {
        let (id, revision, record) = (client.id.to_string(), client.revision as i64, to_json(client)?);
        let create = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO clients (id, revision, record) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, revision, record])
        };
        self.change_row(event, create).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.upgrade().await?;
        let id = id.to_string();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT revision, record FROM clients WHERE id = ?1")?
                .query_row([id], columns)
                .optional()
        };
        self.read(query).await?.map(from_columns).transpose()
    }

    async fn list_clients(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        self.upgrade().await?;
        // No id is empty.
        let after = after.map(ToString::to_string).unwrap_or_default();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT revision, record FROM clients WHERE id > ?1 ORDER BY id LIMIT ?2")?
                .query_map(params![after, limit as i64], columns)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await?.into_iter().map(from_columns).collect()
    }

    async fn replace_client_if(&self, seen: u64, client: &Client, event: &Event) -> Result<bool, StoreError> {
        let (id, revision, record) = (client.id.to_string(), client.revision as i64, to_json(client)?);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE clients SET revision = ?2, record = ?3 WHERE id = ?1 AND revision = ?4",
                )?
                .execute(params![id, revision, record, seen as i64])
        };
        self.change_row(event, replace).await
    }

    async fn delete_client(&self, id: &ClientId, event: &Event) -> Result<bool, StoreError> {
        let id = id.to_string();
        let delete = move |connection: &Connection| {
            connection.prepare_cached("DELETE FROM clients WHERE id = ?1")?.execute([id])
        };
        self.change_row(event, delete).await
    }
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get("revision")?, row.get("record")?))
}

fn from_columns((revision, record): (i64, String)) -> Result<Client, StoreError> {
    let client: Client = from_json(&record)?;
    // A replacement is compared with the column.
    if i64::try_from(client.revision) != Ok(revision) {
        let fault = format!(
            "the revision of client {} is {}, and the row says {revision}",
            client.id, client.revision
        );
        return Err(StoreError::Corrupt(fault));
    }
    Ok(client)
}
