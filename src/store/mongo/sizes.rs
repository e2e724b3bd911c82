//! How full the collections are.

use mongodb::bson::{Document, doc};
use mongodb::error::Error;

use super::collections::{COLLECTIONS, CollectionSpec, IndexRule, SIGNING_INSTANCES};
use super::document::timestamp;
use super::{Mongo, within_deadline};
use crate::domain::{Instance, Timestamp};
use crate::store::{StoreError, TableSize};

impl Mongo {
    pub(super) async fn collection_sizes(&self) -> Result<Vec<TableSize>, StoreError> {
        within_deadline(async {
            let mut sizes = Vec::new();
            for of in COLLECTIONS {
                let rows = self.collection(of).await?.estimated_document_count().await?;
                let first_expires_at = match expiry(of) {
                    Some((member, after)) => self.first_of(of, member).await?.map(|at| at.plus_secs(after)),
                    None => None,
                };
                sizes.push(TableSize { table: of.name, rows, first_expires_at });
            }
            Ok(sizes)
        })
        .await
    }

    /// The earliest instant in a member of a collection.
    async fn first_of(&self, of: &CollectionSpec, member: &'static str) -> Result<Option<Timestamp>, Error> {
        let dates = doc! { member: { "$type": "date" } };
        let first: Option<Document> =
            self.collection(of).await?.find_one(dates).sort(doc! { member: 1 }).await?;
        Ok(first.as_ref().and_then(|first| timestamp(first, member)))
    }
}

/// The member with the instant at which a document expires, and the seconds from that instant until it does.
fn expiry(of: &CollectionSpec) -> Option<(&'static str, u64)> {
    if of.name == SIGNING_INSTANCES.name {
        return Some(("at", Instance::SILENCE_SECS));
    }
    of.indexes.iter().find_map(|index| match index.rule {
        IndexRule::Expires { after, .. } => index.members.first().map(|member| (*member, after.as_secs())),
        _ => None,
    })
}
