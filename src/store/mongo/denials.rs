//! The collection `denials`: one document for each denial.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::collections::DENIALS;
use super::document::timestamp;
use super::events::PENDING;
use super::{Mongo, date, within_deadline};
use crate::domain::{Denial, Denied, Event, Timestamp};
use crate::store::{Denials, StoreError};

#[async_trait]
impl Denials for Mongo {
    async fn record_denial(&self, denial: &Denial, event: Option<&Event>) -> Result<(), StoreError> {
        let kept = self.kept_if_any(event).await?;
        // A member that is missing does not count.
        let later = |member: &str, at| doc! { "$max": [format!("${member}"), date(at)] };
        let record =
            doc! { "at": later("at", denial.at), "expires_at": later("expires_at", denial.expires_at) };
        let mut stages = vec![doc! { "$set": record }];
        stages.extend(kept.map(|kept| kept.of_one_write()));
        let filter = doc! { "_id": denial.denied.to_string() };
        within_deadline(async {
            self.collection(&DENIALS).await?.update_one(filter, stages).upsert(true).await
        })
        .await
        .map(|_| ())
    }

    async fn list_denials(
        &self,
        since: Timestamp,
        after: Option<&Denial>,
        limit: usize,
    ) -> Result<Vec<Denial>, StoreError> {
        let behind = after.map_or(doc! {}, |after| {
            let (at, id) = (date(after.at), after.denied.to_string());
            doc! { "$or": [{ "at": { "$gt": at } }, { "at": at, "_id": { "$gt": id } }] }
        });
        let filter = doc! { "$and": [{ "at": { "$gte": date(since) } }, behind] };
        let found = within_deadline(async {
            let denials = self.collection(&DENIALS).await?;
            let found = denials.find(filter).sort(doc! { "at": 1, "_id": 1 }).limit(limit as i64).await?;
            found.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(from_document).collect()
    }

    async fn purge_denials(&self, now: Timestamp) -> Result<bool, StoreError> {
        let old = doc! { "expires_at": { "$lt": date(now) }, PENDING: Bson::Null };
        let purged = within_deadline(async { self.collection(&DENIALS).await?.delete_many(old).await });
        purged.await.map(|_| false)
    }
}

fn from_document(document: &Document) -> Result<Denial, StoreError> {
    let denied = document.get_str("_id").ok().and_then(Denied::parse);
    let (at, expires_at) = (timestamp(document, "at"), timestamp(document, "expires_at"));
    match (denied, at, expires_at) {
        (Some(denied), Some(at), Some(expires_at)) => Ok(Denial { denied, at, expires_at }),
        _ => Err(StoreError::Corrupt(format!("the denial {:?}", document.get("_id")))),
    }
}
