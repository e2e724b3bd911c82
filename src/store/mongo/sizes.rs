//! How full the collections are.

use mongodb::bson::{Document, doc};

use super::collections::{COLLECTIONS, LOGIN_THROTTLES, SIGNING_INSTANCES};
use super::document::timestamp;
use super::{Mongo, within_deadline};
use crate::domain::{Instance, Timestamp};
use crate::store::{StoreError, TableSize};

impl Mongo {
    pub(super) async fn collection_sizes(&self) -> Result<Vec<TableSize>, StoreError> {
        within_deadline(async {
            let mut sizes = Vec::new();
            for of in COLLECTIONS {
                let collection = self.collection(of).await?;
                let rows = collection.estimated_document_count().await?;
                sizes.push(TableSize { table: of.name, rows, first_expires_at: None });
            }
            let instances = self.collection(&SIGNING_INSTANCES).await?;
            let first = instances.find_one(doc! {}).sort(doc! { "at": 1 }).await?;
            if let Some(size) = sizes.iter_mut().find(|size| size.table == SIGNING_INSTANCES.name) {
                size.first_expires_at = first.as_ref().and_then(expires_at);
            }
            let throttles = self.collection(&LOGIN_THROTTLES).await?;
            let expiring = doc! { "forget_at": { "$type": "date" } };
            let first = throttles.find_one(expiring).sort(doc! { "forget_at": 1 }).await?;
            if let Some(size) = sizes.iter_mut().find(|size| size.table == LOGIN_THROTTLES.name) {
                size.first_expires_at = first.as_ref().and_then(|first| timestamp(first, "forget_at"));
            }
            Ok(sizes)
        })
        .await
    }
}

fn expires_at(instance: &Document) -> Option<Timestamp> {
    let at = instance.get_datetime("at").ok()?.timestamp_millis();
    Some(Timestamp::from_millis(at.max(0) as u64).plus_secs(Instance::SILENCE_SECS))
}
