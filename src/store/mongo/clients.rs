//! The collection `clients`: one document for each OAuth client, as JSON.

use async_trait::async_trait;
use mongodb::bson::Document;

use super::Mongo;
use super::collections::CLIENTS;
use super::json_records::JsonRecord;
use crate::domain::{Client, ClientId, Event};
use crate::store::{Clients, StoreError};

#[async_trait]
impl Clients for Mongo {
    async fn create_client(&self, client: &Client, event: &Event) -> Result<bool, StoreError> {
        self.create_record(&CLIENTS, record(client), event).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.find_record(&CLIENTS, id.as_str()).await?.as_ref().map(from_document).transpose()
    }

    async fn list_clients(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        let found = self.list_records(&CLIENTS, after.map(ClientId::as_str), limit).await?;
        found.iter().map(from_document).collect()
    }

    async fn replace_client_if(&self, seen: u64, client: &Client, event: &Event) -> Result<bool, StoreError> {
        self.replace_record_if(&CLIENTS, seen, record(client), event).await
    }

    async fn delete_client(&self, id: &ClientId, event: &Event) -> Result<bool, StoreError> {
        self.delete_record(&CLIENTS, id.as_str(), event).await
    }
}

fn record(client: &Client) -> JsonRecord<'_, Client> {
    JsonRecord { id: client.id.as_str(), revision: client.revision, record: client }
}

fn from_document(document: &Document) -> Result<Client, StoreError> {
    let corrupt = |error: String| StoreError::Corrupt(error);
    let revision = document.get_i64("revision").map_err(|error| corrupt(error.to_string()))?;
    let record = document.get_str("record").map_err(|error| corrupt(error.to_string()))?;
    let client: Client = serde_json::from_str(record).map_err(|error| corrupt(error.to_string()))?;
    // A replacement is compared with the member.
    if i64::try_from(client.revision) != Ok(revision) {
        let (id, own) = (&client.id, client.revision);
        return Err(corrupt(format!(
            "the revision of client {id} is {own}, and the document says {revision}"
        )));
    }
    Ok(client)
}
