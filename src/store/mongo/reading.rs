//! Reads documents that a majority has.

use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::Document;
use mongodb::error::{Error, ErrorKind};

use super::collections::CollectionSpec;
use super::connection::ReadFrom;
use super::{Mongo, within_deadline};
use crate::store::StoreError;

/// The answer of a server while a majority does not yet know that a collection or an index was just made.
const SNAPSHOT_UNAVAILABLE: i32 = 246;
/// The pause before the next try.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

impl Mongo {
    /// All documents that `pipeline` returns.
    pub(super) async fn aggregate(
        &self,
        of: &CollectionSpec,
        from: ReadFrom,
        pipeline: Vec<Document>,
    ) -> Result<Vec<Document>, StoreError> {
        within_deadline(async {
            let collection = self.connection().await?.collection(of, from);
            loop {
                match all(&collection, pipeline.clone()).await {
                    Err(error) if is_too_new(&error) => tokio::time::sleep(RETRY_PAUSE).await,
                    other => return other,
                }
            }
        })
        .await
    }

    /// A document that matches `filter`.
    pub(super) async fn find_one(
        &self,
        of: &CollectionSpec,
        from: ReadFrom,
        filter: Document,
    ) -> Result<Option<Document>, StoreError> {
        within_deadline(async {
            let collection = self.connection().await?.collection(of, from);
            loop {
                match collection.find_one(filter.clone()).await {
                    Err(error) if is_too_new(&error) => tokio::time::sleep(RETRY_PAUSE).await,
                    other => return other,
                }
            }
        })
        .await
    }
}

async fn all(collection: &Collection<Document>, pipeline: Vec<Document>) -> Result<Vec<Document>, Error> {
    let mut cursor = collection.aggregate(pipeline).await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}

fn is_too_new(error: &Error) -> bool {
    matches!(*error.kind, ErrorKind::Command(ref refused) if refused.code == SNAPSHOT_UNAVAILABLE)
}
