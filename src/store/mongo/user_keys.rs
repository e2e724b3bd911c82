//! The keys of users in `user_states`; no two users may share one.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;

use super::collections::{USER_STATES, USERS};
use super::connection::ReadFrom;
use super::document::{JOINED, from_document, object_id};
use super::{Mongo, duplicate, within_deadline};
use crate::domain::{Taken, User, UserId, UserKeys};
use crate::store::StoreError;

/// The keys in a state, if it has any yet.
pub(super) fn keys_of(state: &Document) -> Option<UserKeys> {
    let text = |field: &str| state.get_str(field).ok().map(str::to_owned);
    let skeletons = state.get_array("skeletons").ok()?.iter();
    let skeletons: Vec<_> = skeletons.filter_map(|looks| looks.as_str().map(str::to_owned)).collect();
    Some(UserKeys {
        username: text("username_key"),
        email: text("email_key")?,
        skeletons: skeletons.try_into().ok()?,
    })
}

pub(super) fn fields(keys: &UserKeys) -> Document {
    let mut fields = doc! { "email_key": &keys.email, "skeletons": keys.skeletons.to_vec() };
    if let Some(username) = &keys.username {
        fields.insert("username_key", username);
    }
    fields
}

impl Mongo {
    /// Writes the keys of an existing user. If another user has the same key, both stay: the field beside it
    /// then contains this user's id, so that the index accepts both.
    pub(super) async fn write_keys(&self, id: UserId, keys: &UserKeys) -> Result<(), StoreError> {
        let (filter, mut set) = (doc! { "_id": object_id(id) }, fields(keys));
        for _ in 0..4 {
            let unset = ["username_key", "username_twin", "email_twin"].into_iter();
            let unset: Document = unset
                .filter(|field| !set.contains_key(field))
                .map(|field| (field.to_owned(), Bson::from("")))
                .collect();
            let mut change = doc! { "$set": set.clone() };
            if !unset.is_empty() {
                change.insert("$unset", unset);
            }
            let written = async {
                let written = self
                    .collection(&USER_STATES)
                    .await?
                    .update_one(filter.clone(), change)
                    .upsert(true)
                    .await;
                Ok::<_, Error>(written.map(|_| ()).map_err(|error| (duplicate(&error), error)))
            };
            match within_deadline(written).await? {
                Err((Some(Taken::Username), _)) => set.insert("username_twin", object_id(id)),
                Err((Some(Taken::Email), _)) => set.insert("email_twin", object_id(id)),
                // Another instance wrote the first state at the same moment.
                Err((Some(Taken::UserId), _)) => None,
                Err((None, error)) => return Err(super::store_error(&error)),
                Ok(()) => return Ok(()),
            };
        }
        Err(StoreError::Unavailable("the keys of a user change all the time".into()))
    }

    /// As [`Mongo::write_keys`], in the background: then a user that another program wrote is found at once.
    pub(super) fn write_keys_later(&self, user: &User) {
        let (store, id, keys) = (self.clone(), user.id, UserKeys::of(&user.username, &user.email));
        tokio::spawn(async move {
            // The next look-up tries again.
            let _ = store.write_keys(id, &keys).await;
        });
    }

    /// The user who has this key now; `None` also if several users have it.
    pub(super) async fn find_user_by_key(&self, field: &str, key: &str) -> Result<Option<User>, StoreError> {
        let join = doc! { "from": USERS.name, "localField": "_id", "foreignField": "_id", "as": "user" };
        let pipeline = vec![
            doc! { "$match": { field: key } },
            doc! { "$lookup": join },
            doc! { "$match": { "user.0": { "$exists": true } } },
            doc! { "$limit": 2 },
        ];
        let found = self.aggregate(&USER_STATES, ReadFrom::Preferred, pipeline).await?;
        let mut found: Vec<_> = found.into_iter().filter_map(user_of).collect();
        Ok(if found.len() == 1 { found.pop() } else { None })
    }
}

/// The user that a join put beside a state, if the keys of the state still belong to the user.
fn user_of(mut state: Document) -> Option<User> {
    let Some(Bson::Array(mut users)) = state.remove("user") else { return None };
    let Some(Bson::Document(mut document)) = users.pop() else { return None };
    let keys = keys_of(&state);
    document.insert(JOINED, vec![state]);
    from_document(&document).filter(|user| keys == Some(UserKeys::of(&user.username, &user.email)))
}
