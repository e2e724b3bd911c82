//! Removes documents whose events may not have been moved yet. What stays keeps only the events, and an instant after
//! which the index that removes old documents removes it, too.

use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;

use super::collections::CollectionSpec;
use super::events::{KeptEvent, PENDING};
use super::{Mongo, within_deadline};
use crate::store::StoreError;

/// Documents that one purge changes or removes.
pub(super) const PURGED_AT_ONCE: i64 = 1000;

/// The ids of a portion of the documents that match, in this order, if there is one.
pub(super) async fn portion_of_ids(
    collection: &Collection<Document>,
    filter: Document,
    sort: impl Into<Option<Document>>,
) -> Result<Vec<Bson>, Error> {
    let found = collection.find(filter).projection(doc! { "_id": 1 }).limit(PURGED_AT_ONCE);
    let found = match sort.into() {
        Some(sort) => found.sort(sort),
        None => found,
    };
    let found = found.await?.try_collect::<Vec<Document>>().await?;
    Ok(found.into_iter().filter_map(|mut document| document.remove("_id")).collect())
}

/// What stays of a removed document besides its events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remains {
    /// The member of the index that removes old documents.
    pub(super) member: &'static str,
    /// Its value, as an expression over the removed document.
    pub(super) value: &'static str,
}

impl Remains {
    /// The stage that leaves only the events of a document.
    fn of(self) -> Document {
        doc! { "$replaceWith": { "_id": "$_id", PENDING: format!("${PENDING}"), self.member: self.value } }
    }
}

impl Mongo {
    /// Removes the document that `filter` finds, and keeps the event of this change. False if there is no such document.
    pub(super) async fn remove_one(
        &self,
        of: &CollectionSpec,
        filter: Document,
        event: Option<&KeptEvent>,
        remains: Remains,
    ) -> Result<bool, StoreError> {
        let mut without_events = filter.clone();
        without_events.insert(PENDING, Bson::Null);
        within_deadline(async {
            let collection = self.collection(of).await?;
            if event.is_none() && collection.delete_one(without_events).await?.deleted_count == 1 {
                return Ok(true);
            }
            let stages: Vec<_> =
                event.map(KeptEvent::of_one_write).into_iter().chain([remains.of()]).collect();
            Ok(collection.update_one(filter, stages).await?.matched_count == 1)
        })
        .await
    }

    /// Removes all documents that `filter` finds.
    pub(super) async fn remove_all(
        &self,
        of: &CollectionSpec,
        filter: Document,
        remains: Remains,
    ) -> Result<(), StoreError> {
        let mut without_events = filter.clone();
        without_events.insert(PENDING, Bson::Null);
        within_deadline(async {
            let collection = self.collection(of).await?;
            collection.delete_many(without_events).await?;
            collection.update_many(filter, vec![remains.of()]).await.map(|_| ())
        })
        .await
    }

    /// Removes a portion of the documents that `filter` finds and whose events were moved; `filter` names the member of the
    /// index that also removes them. True if there may be more of them.
    pub(super) async fn purge(&self, of: &CollectionSpec, mut filter: Document) -> Result<bool, StoreError> {
        filter.insert(PENDING, Bson::Null);
        within_deadline(async {
            let collection = self.collection(of).await?;
            let ids = portion_of_ids(&collection, filter.clone(), None).await?;
            let is_full = ids.len() as i64 == PURGED_AT_ONCE;
            filter.insert("_id", doc! { "$in": ids });
            collection.delete_many(filter).await?;
            Ok(is_full)
        })
        .await
    }
}
