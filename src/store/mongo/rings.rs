//! The collections `signing_rings` (one document, the ring) and `signing_instances` (one for each instance).

use std::collections::HashSet;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, RawDocumentBuf, deserialize_from_document, doc, serialize_to_document};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::ReadConcern;
use serde::de::DeserializeOwned;

use super::{Mongo, date, is_duplicate, within_deadline};
use crate::domain::{Instance, RingRecord, Timestamp};
use crate::store::{Rings, StoreError};

/// There is one ring.
const RING: &str = "ring";
/// What a server says that is no member of a replica set.
const NOT_A_REPLICA_SET: i32 = 123;

#[async_trait]
impl Rings for Mongo {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        let found = within_deadline(async { newest(&self.connection().await?.rings).await });
        let Some(raw) = found.await? else { return Ok(None) };
        // A replacement is compared with the first member of a name, and a reader takes the last.
        if !has_single_members(&raw) {
            return Err(StoreError::Corrupt("a member is there twice".to_owned()));
        }
        let document = Document::try_from(raw).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        read(document).map(Some)
    }

    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError> {
        let mut document = serialize_to_document(ring).map_err(|error| StoreError::Backend(error.into()))?;
        document.insert("_id", RING);
        within_deadline(async {
            let rings = &self.connection().await?.rings;
            let Some(seen) = seen else {
                return match rings.insert_one(document).await {
                    Err(error) if is_duplicate(&error) => Ok(false),
                    other => other.map(|_| true),
                };
            };
            let filter = doc! { "_id": RING, "revision": seen as i64 };
            rings.replace_one(filter, document).await.map(|replaced| replaced.matched_count == 1)
        })
        .await
    }

    async fn note_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        let mut document =
            serialize_to_document(instance).map_err(|error| StoreError::Backend(error.into()))?;
        document.insert("_id", &instance.id);
        document.insert("at", date(instance.at));
        within_deadline(async {
            let instances = &self.connection().await?.instances;
            instances.replace_one(doc! { "_id": &instance.id }, document).upsert(true).await.map(|_| ())
        })
        .await
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        let found = within_deadline(async {
            let cursor = self.connection().await?.instances.find(doc! {}).sort(doc! { "_id": 1 }).await?;
            cursor.try_collect::<Vec<Document>>().await
        });
        let found = found.await?.into_iter().filter_map(|mut document| {
            let at = document.get_datetime("at").map(|at| at.timestamp_millis() / 1000).unwrap_or_default();
            document.insert("at", at);
            read(document).ok()
        });
        Ok(found.collect())
    }

    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError> {
        let old = doc! { "at": { "$lt": date(before) } };
        let purged = within_deadline(async { self.connection().await?.instances.delete_many(old).await });
        purged.await.map(|_| ())
    }
}

/// A server that no longer leads must not answer: its ring may be an old one. One alone is always right.
async fn newest(rings: &Collection<Document>) -> Result<Option<RawDocumentBuf>, Error> {
    let rings = rings.clone_with_type::<RawDocumentBuf>();
    let filter = doc! { "_id": RING };
    match rings.find_one(filter.clone()).read_concern(ReadConcern::linearizable()).await {
        Err(error) if is_alone(&error) => rings.find_one(filter).await,
        other => other,
    }
}

fn has_single_members(document: &RawDocumentBuf) -> bool {
    let mut names = HashSet::new();
    document.iter().all(|member| member.is_ok_and(|(name, _)| names.insert(name.to_string())))
}

fn is_alone(error: &Error) -> bool {
    matches!(*error.kind, ErrorKind::Command(ref refused) if refused.code == NOT_A_REPLICA_SET)
}

fn read<T: DeserializeOwned>(mut document: Document) -> Result<T, StoreError> {
    document.remove("_id");
    deserialize_from_document(document).map_err(|error| StoreError::Corrupt(error.to_string()))
}
