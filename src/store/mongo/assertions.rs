//! The collection `assertions`: one document for each assertion that was used.

use async_trait::async_trait;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, doc};

use super::collections::ASSERTIONS;
use super::{Mongo, date, is_duplicate, within_deadline};
use crate::domain::{Timestamp, UsedAssertion};
use crate::store::{Assertions, StoreError};

#[async_trait]
impl Assertions for Mongo {
    async fn create_assertion(&self, assertion: &UsedAssertion) -> Result<bool, StoreError> {
        let name = Binary { subtype: BinarySubtype::Generic, bytes: assertion.name.to_vec() };
        let document = doc! { "_id": name, "expires_at": date(assertion.expires_at) };
        within_deadline(async {
            match self.collection(&ASSERTIONS).await?.insert_one(document).await {
                Err(error) if is_duplicate(&error) => Ok(false),
                other => other.map(|_| true),
            }
        })
        .await
    }

    async fn purge_assertions(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.purge(&ASSERTIONS, doc! { "expires_at": { "$lt": date(now) } }).await
    }
}
