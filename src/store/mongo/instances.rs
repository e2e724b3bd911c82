//! The collection `signing_instances`: one document for each instance.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc, serialize_to_document};

use super::collections::SIGNING_INSTANCES;
use super::document::from_record;
use super::{Mongo, date, within_deadline};
use crate::domain::{Instance, Timestamp};
use crate::store::{Instances, StoreError};

#[async_trait]
impl Instances for Mongo {
    async fn record_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        let mut document =
            serialize_to_document(instance).map_err(|error| StoreError::Backend(error.into()))?;
        document.insert("_id", &instance.id);
        document.insert("at", date(instance.at));
        within_deadline(async {
            let instances = self.collection(&SIGNING_INSTANCES).await?;
            instances.replace_one(doc! { "_id": &instance.id }, document).upsert(true).await.map(|_| ())
        })
        .await
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        let found = within_deadline(async {
            let instances = self.collection(&SIGNING_INSTANCES).await?;
            instances.find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect::<Vec<Document>>().await
        });
        let found = found.await?.into_iter().filter_map(|mut document| {
            let at = document.get_datetime("at").map(|at| at.timestamp_millis() / 1000).unwrap_or_default();
            document.insert("at", at);
            from_record(document).ok()
        });
        Ok(found.collect())
    }

    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError> {
        let old = doc! { "at": { "$lt": date(before) } };
        let purged =
            within_deadline(async { self.collection(&SIGNING_INSTANCES).await?.delete_many(old).await });
        purged.await.map(|_| ())
    }
}
