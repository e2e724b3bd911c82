//! The collections of checkpoints and of the keys that signed them. The id of a checkpoint is its number, so of many instances
//! one stores the next checkpoint.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use super::collections::{CHECKPOINT_KEYS, CHECKPOINTS};
use super::connection::ReadFrom;
use super::{Mongo, in_time, is_duplicate, within_deadline};
use crate::store::{CheckpointKey, Checkpoints, StoreError, StoredCheckpoint};

/// Checkpoints that one purge removes.
const PURGED_AT_ONCE: usize = 1000;

#[async_trait]
impl Checkpoints for Mongo {
    async fn create_checkpoint(
        &self,
        checkpoint: &StoredCheckpoint,
        key: &CheckpointKey,
    ) -> Result<bool, StoreError> {
        in_time(async {
            let last = self.last_checkpoint().await?.map_or(0, |last| last.number);
            if last.saturating_add(1) != checkpoint.number {
                return Ok(false);
            }
            // The key comes first: a checkpoint without its key could not be checked.
            self.keep_checkpoint_key(key).await?;
            within_deadline(async {
                match self.collection(&CHECKPOINTS).await?.insert_one(document(checkpoint)).await {
                    Err(error) if is_duplicate(&error) => Ok(false),
                    other => other.map(|_| true),
                }
            })
            .await
        })
        .await
    }

    async fn find_last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.last_checkpoint().await
    }

    async fn list_checkpoints(&self, after: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let found = within_deadline(async {
            let checkpoints = self.connection().await?.collection(&CHECKPOINTS, ReadFrom::Primary);
            let behind = doc! { "_id": { "$gt": after as i64 } };
            let found = checkpoints.find(behind).sort(doc! { "_id": 1 }).limit(limit as i64).await?;
            found.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(stored).collect()
    }

    async fn list_checkpoint_keys(&self) -> Result<Vec<CheckpointKey>, StoreError> {
        let found = within_deadline(async {
            let keys = self.connection().await?.collection(&CHECKPOINT_KEYS, ReadFrom::Primary);
            keys.find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(stored_key).collect()
    }

    async fn purge_checkpoints(&self, base: u64) -> Result<bool, StoreError> {
        in_time(async {
            let filter = doc! { "seq": { "$lt": base as i64 } };
            let Some(kept) = self.latest_checkpoint(filter, doc! { "seq": -1, "_id": -1 }).await? else {
                return Ok(false);
            };
            let old = doc! { "_id": { "$lt": kept.number as i64 } };
            let ids = self.ids_of(&CHECKPOINTS, old, doc! { "_id": 1 }).await?;
            let is_full = ids.len() == PURGED_AT_ONCE;
            let of_them = doc! { "_id": { "$in": ids } };
            within_deadline(async { self.collection(&CHECKPOINTS).await?.delete_many(of_them).await })
                .await?;
            Ok(is_full)
        })
        .await
    }
}

impl Mongo {
    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.latest_checkpoint(doc! {}, doc! { "_id": -1 }).await
    }

    async fn latest_checkpoint(
        &self,
        filter: Document,
        order: Document,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        let found = within_deadline(async {
            let checkpoints = self.connection().await?.collection(&CHECKPOINTS, ReadFrom::Primary);
            checkpoints.find_one(filter).sort(order).await
        });
        found.await?.as_ref().map(stored).transpose()
    }

    async fn keep_checkpoint_key(&self, key: &CheckpointKey) -> Result<(), StoreError> {
        let (filter, set) = (doc! { "_id": &key.thumbprint }, doc! { "$setOnInsert": { "jwk": &key.jwk } });
        within_deadline(async {
            let keys = self.collection(&CHECKPOINT_KEYS).await?;
            match keys.update_one(filter, set).upsert(true).await {
                // Another instance has stored it in this moment.
                Err(error) if is_duplicate(&error) => Ok(()),
                other => other.map(|_| ()),
            }
        })
        .await
    }
}

fn document(checkpoint: &StoredCheckpoint) -> Document {
    doc! {
        "_id": checkpoint.number as i64,
        "seq": checkpoint.seq as i64,
        "jws": &checkpoint.jws,
        "key": &checkpoint.key,
    }
}

fn stored(document: &Document) -> Result<StoredCheckpoint, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the checkpoint {:?}", document.get("_id")));
    let number = |member| {
        document.get_i64(member).ok().and_then(|number| u64::try_from(number).ok()).ok_or_else(corrupt)
    };
    let text = |member| document.get_str(member).map(ToOwned::to_owned).map_err(|_| corrupt());
    Ok(StoredCheckpoint { number: number("_id")?, seq: number("seq")?, jws: text("jws")?, key: text("key")? })
}

fn stored_key(document: &Document) -> Result<CheckpointKey, StoreError> {
    let text = |member| {
        let text = document.get_str(member).map(ToOwned::to_owned);
        text.map_err(|_| StoreError::Corrupt(format!("the key of checkpoints {:?}", document.get("_id"))))
    };
    Ok(CheckpointKey { thumbprint: text("_id")?, jwk: text("jwk")? })
}
