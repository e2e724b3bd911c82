//! The collection `users`. Every filter compares with a value of a fixed type: no operator comes from a caller.

use async_trait::async_trait;
use futures_util::future::try_join;
use mongodb::bson::{Document, doc};
use mongodb::options::ReadConcern;

use super::collections::{USER_STATES, USERS};
use super::connection::ReadFrom;
use super::document::{date, from_document, object_id, state_of, to_document};
use super::event_intents::begun;
use super::events::KeptEvent;
use super::states::join_state;
use super::user_keys::keys_of;
use super::{Mongo, in_time, within_deadline};
use crate::domain::{
    Email, Event, PasswordHash, ThrottledAccount, Timestamp, User, UserClaims, UserId, UserKeys, Username,
};
use crate::store::{StoreError, Users};

#[async_trait]
impl Users for Mongo {
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError> {
        let key = self.first_person_key()?;
        let kept = self.kept_with(event, key.as_ref())?;
        self.wait_until_prepared().await?;
        let keys = UserKeys::of(&user.username, &user.email);
        in_time(async {
            self.reserve(user, &keys, kept.as_ref(), key.as_ref()).await?;
            let clash = self.clash(user, &keys).await;
            let created = match clash {
                Ok(None) => self.insert(user, kept.as_ref()).await,
                Ok(Some(taken)) => Err(StoreError::Conflict(taken)),
                Err(error) => {
                    // Nothing was written yet: a second try must not find its own reservation.
                    self.delete_state(user.id).await?;
                    return Err(error);
                }
            };
            // With these errors the server has refused, so the user was not written.
            if let Err(StoreError::Conflict(_) | StoreError::Backend(_)) = created {
                self.delete_state(user.id).await?;
            }
            created
        })
        .await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.find_user(doc! { "_id": object_id(id) }).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.find_exact_or_only(
            doc! { "username": username.as_str() },
            username.key().map(|key| ("username_key", key)),
        )
        .await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        // For an ASCII address, what earlier programs stored is its key already.
        let key = Some(email.key()).filter(|_| !email.as_str().is_ascii());
        self.find_exact_or_only(doc! { "email": email.as_str() }, key.map(|key| ("email_key", key))).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let mut of_ids = doc! { "$type": "objectId" };
        if let Some(id) = after {
            of_ids.insert("$gt", object_id(id));
        }
        let page = vec![
            doc! { "$match": { "_id": of_ids } },
            doc! { "$sort": { "_id": 1 } },
            doc! { "$limit": limit as i64 },
            join_state(),
        ];
        let found = self.aggregate(&USERS, ReadFrom::Preferred, page).await?;
        Ok(found.iter().filter_map(from_document).collect())
    }

    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let kept = self.kept(event).await?.map(|kept| kept.with_new_hash(new));
        let now = event.at;
        if kept.is_none() {
            return self.replace_hash(id, old, new, now).await;
        }
        in_time(async {
            // This comes first, so that a user who does not exist leaves no state behind.
            if !self.is_there(of_password(id, old)).await? {
                return Ok(false);
            }
            self.begin_change_of_hash(id, old, kept.as_ref()).await?;
            let replaced = self.replace_hash(id, old, new, now).await?;
            self.end_event(id, kept.as_ref(), replaced).await;
            Ok(replaced)
        })
        .await
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let kept = self.kept(event).await?.map(|kept| kept.with_new_hash(new));
        let now = event.at;
        in_time(async {
            // This comes first, so that a user who does not exist leaves no state behind.
            if !self.is_there(of_password(id, old)).await? {
                return Ok(false);
            }
            let begun = begun(old, kept.as_ref());
            let ending = self.begin_to_end_sessions(id, valid_from, begun).await?;
            // If another change came first, what was begun stays: that change may rely on it, and it ends by
            // itself.
            let replaced = self.replace_hash(id, old, new, now).await?;
            if replaced {
                self.finish_ending_sessions(id, ending, kept.as_ref()).await?;
            } else {
                self.end_event(id, kept.as_ref(), false).await;
            }
            Ok(replaced)
        })
        .await
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let kept = self.kept(event).await?;
        in_time(async {
            if !self.is_there(doc! { "_id": object_id(id) }).await? {
                return Ok(false);
            }
            self.finish_ending_sessions(id, valid_from, kept.as_ref()).await?;
            Ok(true)
        })
        .await
    }

    async fn find_user_claims(&self, id: UserId) -> Result<Option<UserClaims>, StoreError> {
        self.claims_of(id).await
    }

    async fn record_user_claims(
        &self,
        id: UserId,
        claims: &UserClaims,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let kept = self.kept(event).await?;
        in_time(async {
            if !self.is_user(id).await? {
                return Ok(false);
            }
            self.write_claims(id, claims, kept.as_ref()).await?;
            // A deletion in between has cleared the state: no claims may stay.
            if !self.is_user(id).await? {
                self.clear_state(id).await?;
            }
            Ok(true)
        })
        .await
    }

    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError> {
        let (kept, filter) = (self.kept(event).await?, doc! { "_id": object_id(id) });
        in_time(async {
            if kept.is_some() && self.is_there(filter.clone()).await? {
                self.begin_event(id, kept.as_ref()).await?;
            }
            let deleted = within_deadline(async { self.collection(&USERS).await?.delete_one(filter).await });
            let deleted = deleted.await?.deleted_count == 1;
            self.end_event(id, kept.as_ref(), deleted).await;
            self.finish_deletion(id).await?;
            Ok(deleted)
        })
        .await
    }
}

impl Mongo {
    /// Removes everything that is stored about a user whose document was removed, with the key of the user's events.
    pub(super) async fn finish_deletion(&self, id: UserId) -> Result<(), StoreError> {
        // While the user exists, ended sessions stay ended.
        self.clear_state(id).await?;
        self.delete_login_throttle(ThrottledAccount::User(id)).await?;
        self.delete_grants(id).await?;
        self.delete_browser_sessions(id).await?;
        self.delete_consents(id).await
    }

    /// Adds the document of a user whose reservation still exists, and ends the event of the registration. The server looks for
    /// the reservation in the same command: if the command arrives late, after another registration has taken the name, it adds
    /// nothing.
    async fn insert(&self, user: &User, event: Option<&KeptEvent>) -> Result<(), StoreError> {
        let id = doc! { "_id": object_id(user.id) };
        let pipeline = vec![
            doc! { "$match": { "_id": object_id(user.id), "reserved_at": date(user.created_at) } },
            doc! { "$replaceWith": { "$literal": to_document(user) } },
            doc! { "$merge": { "into": USERS.name, "on": "_id", "whenMatched": "fail", "whenNotMatched": "insert" } },
        ];
        within_deadline(async {
            // A reservation that was withdrawn a moment ago must be seen as withdrawn, whether a majority
            // knows that or not.
            let states = self.collection(&USER_STATES).await?;
            states.aggregate(pipeline).read_concern(ReadConcern::local()).await
        })
        .await?;
        // The response of the command does not say whether it added a document.
        if self.end_registration(user, event).await {
            return Ok(());
        }
        match self.find_one(&USERS, ReadFrom::Primary, id).await? {
            Some(_) => {
                self.end_event(user.id, event, true).await;
                Ok(())
            }
            None => Err(StoreError::Unavailable(
                "the registration took too long, and another took its name".into(),
            )),
        }
    }

    /// Whether the primary has a user that matches `filter`.
    pub(super) async fn is_there(&self, filter: Document) -> Result<bool, StoreError> {
        Ok(self.find_one(&USERS, ReadFrom::Primary, filter).await?.is_some())
    }

    /// Replaces a hash in the document of the user, and writes nothing else.
    async fn replace_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let filter = of_password(id, old);
        let change = doc! { "$set": { "password": new.expose(), "updatedAt": date(now) } };
        let changed =
            within_deadline(async { self.collection(&USERS).await?.update_one(filter, change).await });
        Ok(changed.await?.matched_count == 1)
    }

    async fn find_user(&self, filter: Document) -> Result<Option<User>, StoreError> {
        let pipeline = vec![doc! { "$match": filter }, doc! { "$limit": 1 }, join_state()];
        let found = self.aggregate(&USERS, ReadFrom::Preferred, pipeline).await?;
        let Some(document) = found.into_iter().next() else { return Ok(None) };
        let user = from_document(&document);
        if let Some(user) = &user
            && state_of(&document).and_then(keys_of).is_none()
        {
            self.write_keys_later(user);
        }
        Ok(user)
    }

    /// The user with exactly this text, or else the only user with this key. Both queries run at once,
    /// whatever they find.
    async fn find_exact_or_only(
        &self,
        exact: Document,
        key: Option<(&str, String)>,
    ) -> Result<Option<User>, StoreError> {
        let by_key = async {
            match &key {
                Some((field, key)) => self.find_user_by_key(field, key).await,
                None => Ok(None),
            }
        };
        let (exact, only) = try_join(self.find_user(exact), by_key).await?;
        Ok(exact.or(only))
    }
}

/// The document of the user who still has this hash.
fn of_password(id: UserId, hash: &PasswordHash) -> Document {
    let mut filter = doc! { "_id": object_id(id) };
    match hash.expose() {
        // A value that is not a text reads as an empty one (see `document`); an array of texts also has the
        // type of its elements.
        "" => {
            let of_type = |name: &str| doc! { "password": { "$type": name } };
            let odd = [doc! { "password": "" }, doc! { "$nor": [of_type("string")] }, of_type("array")];
            filter.insert("$or", odd.to_vec());
        }
        hash => {
            filter.insert("password", hash);
        }
    }
    filter
}
