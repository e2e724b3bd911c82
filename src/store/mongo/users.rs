//! The collection `users`. Every filter compares with a value of a fixed type: no operator comes from a caller.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};

use super::document::{date, from_document, object_id, to_document};
use super::{Mongo, within_deadline};
use crate::domain::{Email, PasswordHash, Timestamp, User, UserId, Username};
use crate::store::{StoreError, Users};

#[async_trait]
impl Users for Mongo {
    async fn create_user(&self, user: &User) -> Result<(), StoreError> {
        self.make_indexes().await?;
        within_deadline(async { self.users().await?.insert_one(to_document(user)).await }).await.map(|_| ())
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.find_user(doc! { "_id": object_id(id) }).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.find_user(doc! { "username": username.as_str() }).await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.find_user(doc! { "email": email.as_str() }).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let mut of_ids = doc! { "$type": "objectId" };
        if let Some(id) = after {
            of_ids.insert("$gt", object_id(id));
        }
        let filter = doc! { "_id": of_ids };
        let found = async {
            let mut cursor =
                self.users().await?.find(filter).sort(doc! { "_id": 1 }).limit(limit as i64).await?;
            let mut users = Vec::new();
            while cursor.advance().await? {
                users.extend(from_document(&cursor.deserialize_current()?));
            }
            Ok(users)
        };
        within_deadline(found).await
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut filter = doc! { "_id": object_id(id) };
        match old.expose() {
            // What is no text reads as an empty one (see `document`); an array of texts has their type besides its own.
            "" => {
                let of_type = |name: &str| doc! { "password": { "$type": name } };
                let odd = [doc! { "password": "" }, doc! { "$nor": [of_type("string")] }, of_type("array")];
                filter.insert("$or", odd.to_vec());
            }
            hash => {
                filter.insert("password", hash);
            }
        }
        let change = doc! { "$set": { "password": new.expose(), "updatedAt": date(now) } };
        let changed = within_deadline(async { self.users().await?.update_one(filter, change).await });
        Ok(changed.await?.matched_count == 1)
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        let filter = doc! { "_id": object_id(id) };
        let deleted = within_deadline(async { self.users().await?.delete_one(filter).await });
        Ok(deleted.await?.deleted_count == 1)
    }
}

impl Mongo {
    async fn find_user(&self, filter: Document) -> Result<Option<User>, StoreError> {
        let found = within_deadline(async { self.users().await?.find_one(filter).await });
        Ok(found.await?.as_ref().and_then(from_document))
    }
}
