//! Documents that contain a record as JSON, as on SQLite, with its revision beside it: a record may contain any JSON, and BSON has
//! other numbers. Each change keeps its event. A document that keeps only events has no revision.

use mongodb::bson::{Bson, Document, doc};
use serde::Serialize;

use super::collections::CollectionSpec;
use super::connection::ReadFrom;
use super::events::{KeptEvent, PENDING};
use super::{Mongo, is_duplicate, within_deadline};
use crate::domain::Event;
use crate::store::StoreError;

/// A record with its id and its revision.
pub(super) struct JsonRecord<'a, T> {
    pub(super) id: &'a str,
    pub(super) revision: u64,
    pub(super) record: &'a T,
}

impl Mongo {
    /// Adds a record. False if there is one with this id.
    pub(super) async fn create_record<T: Serialize + Sync>(
        &self,
        of: &CollectionSpec,
        new: JsonRecord<'_, T>,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let change = change(&new, self.kept(event).await?.as_ref())?;
        // The document of a record that was removed may still keep events.
        let free = doc! { "_id": new.id, "revision": Bson::Null };
        within_deadline(async {
            match self.collection(of).await?.update_one(free, change).upsert(true).await {
                Err(error) if is_duplicate(&error) => Ok(false),
                other => other.map(|_| true),
            }
        })
        .await
    }

    pub(super) async fn find_record(
        &self,
        of: &CollectionSpec,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.find_one(of, ReadFrom::Primary, with_id(id)).await
    }

    /// At most `limit` records in the order of their ids, beginning behind `after`.
    pub(super) async fn list_records(
        &self,
        of: &CollectionSpec,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let mut filter = doc! { "revision": { "$gte": 0_i64 } };
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": after });
        }
        let pipeline =
            vec![doc! { "$match": filter }, doc! { "$sort": { "_id": 1 } }, doc! { "$limit": limit as i64 }];
        self.aggregate(of, ReadFrom::PrimaryFirst, pipeline).await
    }

    /// Puts a record in the place of its revision `seen`.
    pub(super) async fn replace_record_if<T: Serialize + Sync>(
        &self,
        of: &CollectionSpec,
        seen: u64,
        new: JsonRecord<'_, T>,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let change = change(&new, self.kept(event).await?.as_ref())?;
        let filter = doc! { "_id": new.id, "revision": seen as i64 };
        within_deadline(async {
            Ok(self.collection(of).await?.update_one(filter, change).await?.matched_count == 1)
        })
        .await
    }

    /// Removes a record. False if there was no such record.
    pub(super) async fn delete_record(
        &self,
        of: &CollectionSpec,
        id: &str,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let mut stages: Vec<_> = self.kept(event).await?.iter().map(KeptEvent::of_one_write).collect();
        let keeps_event = !stages.is_empty();
        stages.push(doc! { "$replaceWith": { "_id": "$_id", PENDING: format!("${PENDING}") } });
        let mut without_events = with_id(id);
        without_events.insert(PENDING, Bson::Null);
        within_deadline(async {
            let records = self.collection(of).await?;
            if !keeps_event && records.delete_one(without_events).await?.deleted_count == 1 {
                return Ok(true);
            }
            Ok(records.update_one(with_id(id), stages).await?.matched_count == 1)
        })
        .await
    }
}

fn with_id(id: &str) -> Document {
    doc! { "_id": id, "revision": { "$gte": 0_i64 } }
}

/// The stages that write a record, and the event of the change with it.
fn change<T: Serialize>(
    new: &JsonRecord<'_, T>,
    event: Option<&KeptEvent>,
) -> Result<Vec<Document>, StoreError> {
    let record = serde_json::to_string(new.record).map_err(|error| StoreError::Backend(error.into()))?;
    let set = doc! { "revision": new.revision as i64, "record": { "$literal": record } };
    Ok(std::iter::once(doc! { "$set": set }).chain(event.map(KeptEvent::of_one_write)).collect())
}
