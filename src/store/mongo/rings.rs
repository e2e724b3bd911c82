//! The collection `signing_rings`: one document, the ring.

use std::collections::HashSet;

use async_trait::async_trait;
use mongodb::Collection;
use mongodb::bson::{Document, RawDocumentBuf, doc, serialize_to_document};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::ReadConcern;

use super::collections::SIGNING_RINGS;
use super::document::from_record;
use super::{Mongo, is_duplicate, within_deadline};
use crate::domain::RingRecord;
use crate::store::{Rings, StoreError};

/// There is one ring.
const RING: &str = "ring";
/// MongoDB's code for a query that only a member of a replica set can answer.
const NOT_A_REPLICA_SET: i32 = 123;

#[async_trait]
impl Rings for Mongo {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        let found = within_deadline(async { newest(&self.collection(&SIGNING_RINGS).await?).await });
        let Some(raw) = found.await? else { return Ok(None) };
        // A replacement is compared with the first member of a name, and a reader takes the last.
        if !has_single_members(&raw) {
            return Err(StoreError::Corrupt("a member is there twice".to_owned()));
        }
        let document = Document::try_from(raw).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        from_record(document).map(Some)
    }

    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError> {
        let mut document = serialize_to_document(ring).map_err(|error| StoreError::Backend(error.into()))?;
        document.insert("_id", RING);
        within_deadline(async {
            let rings = self.collection(&SIGNING_RINGS).await?;
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
}

/// A server that is no longer the primary must not answer: its ring may be old. A server without a replica
/// set is always right.
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
