//! The collection `clients`: one document for each OAuth client. The record is JSON, as on SQLite: claims may be any JSON,
//! and BSON has other numbers.

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, doc};

use super::collections::CLIENTS;
use super::connection::ReadFrom;
use super::events::{KeptEvent, PENDING};
use super::{Mongo, is_duplicate, within_deadline};
use crate::domain::{Client, ClientId, Event};
use crate::store::{Clients, StoreError};

#[async_trait]
impl Clients for Mongo {
    async fn create_client(&self, client: &Client, event: &Event) -> Result<bool, StoreError> {
        let change = change(client, self.kept(event).await?.as_ref())?;
        // The document of a client that was removed may still keep events.
        let free = doc! { "_id": client.id.as_str(), "revision": Bson::Null };
        within_deadline(async {
            match self.collection(&CLIENTS).await?.update_one(free, change).upsert(true).await {
                Err(error) if is_duplicate(&error) => Ok(false),
                other => other.map(|_| true),
            }
        })
        .await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let found = self.find_one(&CLIENTS, ReadFrom::Primary, with_id(id)).await?;
        found.as_ref().map(from_document).transpose()
    }

    async fn list_clients(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        let mut filter = doc! { "revision": { "$gte": 0_i64 } };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": after.as_str() });
        }
        let pipeline =
            vec![doc! { "$match": filter }, doc! { "$sort": { "_id": 1 } }, doc! { "$limit": limit as i64 }];
        let found = self.aggregate(&CLIENTS, ReadFrom::PrimaryFirst, pipeline).await?;
        found.iter().map(from_document).collect()
    }

    async fn replace_client_if(&self, seen: u64, client: &Client, event: &Event) -> Result<bool, StoreError> {
        let change = change(client, self.kept(event).await?.as_ref())?;
        let filter = doc! { "_id": client.id.as_str(), "revision": seen as i64 };
        within_deadline(async {
            let done = self.collection(&CLIENTS).await?.update_one(filter, change).await?;
            Ok(done.matched_count == 1)
        })
        .await
    }

    async fn delete_client(&self, id: &ClientId, event: &Event) -> Result<bool, StoreError> {
        let mut stages: Vec<_> = self.kept(event).await?.iter().map(KeptEvent::of_one_write).collect();
        let keeps_event = !stages.is_empty();
        stages.push(doc! { "$replaceWith": { "_id": "$_id", PENDING: format!("${PENDING}") } });
        let mut without_events = with_id(id);
        without_events.insert(PENDING, Bson::Null);
        within_deadline(async {
            let clients = self.collection(&CLIENTS).await?;
            if !keeps_event && clients.delete_one(without_events).await?.deleted_count == 1 {
                return Ok(true);
            }
            Ok(clients.update_one(with_id(id), stages).await?.matched_count == 1)
        })
        .await
    }
}

/// A document that keeps only events has no revision.
fn with_id(id: &ClientId) -> Document {
    doc! { "_id": id.as_str(), "revision": { "$gte": 0_i64 } }
}

/// The stages that write `client`, and the event of the change with it.
fn change(client: &Client, event: Option<&KeptEvent>) -> Result<Vec<Document>, StoreError> {
    let record = serde_json::to_string(client).map_err(|error| StoreError::Backend(error.into()))?;
    let set = doc! { "revision": client.revision as i64, "record": { "$literal": record } };
    Ok(std::iter::once(doc! { "$set": set }).chain(event.map(KeptEvent::of_one_write)).collect())
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
