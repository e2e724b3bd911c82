//! The collection `login_throttles`: one document for each account to which log-ins failed or succeeded lately.

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, deserialize_from_document, doc, serialize_to_document};

use super::collections::LOGIN_THROTTLES;
use super::connection::ReadFrom;
use super::document::timestamp;
use super::events::{KeptEvent, PENDING};
use super::{Mongo, date, is_duplicate, within_deadline};
use crate::domain::{Event, ThrottleRecord, ThrottledAccount, Timestamp};
use crate::store::{LoginThrottles, StoreError};

#[async_trait]
impl LoginThrottles for Mongo {
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError> {
        // A document that keeps only events has no revision.
        let filter = doc! { "_id": account.to_string(), "revision": { "$gte": 0_i64 } };
        let found = self.find_one(&LOGIN_THROTTLES, ReadFrom::PrimaryFirst, filter).await?;
        found.map(|document| from_document(account, &document)).transpose()
    }

    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let kept = self.kept_if_any(event).await?;
        let seen_revision = seen.map_or(Bson::Null, |seen| Bson::Int64(seen as i64));
        let filter = doc! { "_id": record.account.to_string(), "revision": seen_revision };
        let change = change(record, kept.as_ref())?;
        within_deadline(async {
            let throttles = self.collection(&LOGIN_THROTTLES).await?;
            match throttles.update_one(filter, change).upsert(seen.is_none()).await {
                // Another record came first.
                Err(error) if is_duplicate(&error) => Ok(false),
                other => other.map(|done| done.matched_count == 1 || done.upserted_id.is_some()),
            }
        })
        .await
    }

    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError> {
        let old = doc! { "forget_at": { "$lt": date(now) }, PENDING: Bson::Null };
        let purged =
            within_deadline(async { self.collection(&LOGIN_THROTTLES).await?.delete_many(old).await });
        purged.await.map(|_| false)
    }
}

impl Mongo {
    /// Removes the record of an account. Events stay until they are moved, and nothing beside them.
    pub(super) async fn delete_login_throttle(&self, account: ThrottledAccount) -> Result<(), StoreError> {
        let of_account = doc! { "_id": account.to_string() };
        let without_events = doc! { "_id": account.to_string(), PENDING: Bson::Null };
        let only_events = vec![doc! { "$replaceWith": { "_id": "$_id", PENDING: format!("${PENDING}") } }];
        within_deadline(async {
            let throttles = self.collection(&LOGIN_THROTTLES).await?;
            if throttles.delete_one(without_events).await?.deleted_count == 0 {
                throttles.update_one(of_account, only_events).await?;
            }
            Ok(())
        })
        .await
    }
}

/// The stages that write `record`, and the event of the change with it.
fn change(record: &ThrottleRecord, event: Option<&KeptEvent>) -> Result<Vec<Document>, StoreError> {
    let throttle =
        serialize_to_document(&record.throttle).map_err(|error| StoreError::Backend(error.into()))?;
    let forget_at = record.forget_at.map_or(Bson::from("$$REMOVE"), |at| date(at).into());
    let set = doc! {
        "revision": record.revision as i64,
        "forget_at": forget_at,
        "throttle": { "$literal": throttle },
    };
    Ok(std::iter::once(doc! { "$set": set }).chain(event.map(KeptEvent::of_one_write)).collect())
}

fn from_document(account: ThrottledAccount, document: &Document) -> Result<ThrottleRecord, StoreError> {
    let corrupt = |error: String| StoreError::Corrupt(error);
    let revision = document.get_i64("revision").map_err(|error| corrupt(error.to_string()))?;
    let throttle = document.get_document("throttle").map_err(|error| corrupt(error.to_string()))?;
    let throttle = deserialize_from_document(throttle.clone()).map_err(|error| corrupt(error.to_string()))?;
    let forget_at = timestamp(document, "forget_at");
    Ok(ThrottleRecord { account, revision: revision as u64, forget_at, throttle })
}
