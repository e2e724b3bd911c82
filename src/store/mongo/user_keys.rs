//! What no two users share, in `user_states`. The keys of a new user are written there before the document in `users`
//! is: they reserve the name and the address. A crash in between leaves a reservation without a user, which is
//! removed when another registration wants what it holds.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;

use super::document::{JOINED, from_document, object_id, timestamp};
use super::{Mongo, date, duplicate, within_deadline};
use crate::domain::{Taken, Timestamp, User, UserId, UserKeys};
use crate::store::StoreError;

/// Seconds after which a reservation without a user is one that a crash left: by then the registration that made it has
/// ended, its remote signature and the indexes that it may wait for included.
const RESERVED: u64 = 30;
/// The same for the same address, which is a second try: the first one was answered with "try again in 5 seconds".
const RESERVED_FOR_ONESELF: u64 = 5;
/// Left-over reservations that one new user removes at the most.
const REMOVALS: usize = 16;

/// The keys of a state; nothing where it has none yet.
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

/// The states of other users whose keys may clash with these. An ASCII name is compared by its looks only with names
/// that have no `username_key`.
fn clashing_states(id: UserId, keys: &UserKeys) -> Document {
    let mut looks = doc! { "skeletons": { "$in": keys.skeletons.to_vec() } };
    let mut any = vec![doc! { "email_key": &keys.email }];
    if let Some(username) = &keys.username {
        looks.insert("username_key", Bson::Null);
        any.push(doc! { "username_key": username });
    }
    any.push(looks);
    doc! { "_id": { "$ne": object_id(id) }, "$or": any }
}

impl Mongo {
    /// Reserves the keys of a new user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another user has one of them; then nothing is reserved.
    pub(super) async fn reserve(&self, user: &User, keys: &UserKeys) -> Result<(), StoreError> {
        let mut state = doc! { "_id": object_id(user.id), "reserved_at": date(user.created_at) };
        state.extend(fields(keys));
        // Once more, where all that stood in the way was left by crashes.
        for last in [false, true] {
            let state = state.clone();
            match within_deadline(async { self.states().await?.insert_one(state).await }).await {
                Err(StoreError::Conflict(Taken::Username | Taken::Email)) if !last => {
                    if let Some(taken) = self.clash(user, keys).await? {
                        return Err(StoreError::Conflict(taken));
                    }
                }
                other => return other.map(|_| ()),
            }
        }
        Ok(())
    }

    /// What of a new user another one has. When two names only look alike and are reserved at the same time,
    /// at least one registration sees the other: both are never created.
    pub(super) async fn clash(&self, user: &User, keys: &UserKeys) -> Result<Option<Taken>, StoreError> {
        for _ in 0..REMOVALS {
            let filter = clashing_states(user.id, keys);
            let found = self.find_one(|connection| &connection.states_at_primary, filter).await?;
            let Some(state) = found else { return Ok(None) };
            let same = keys_of(&state).is_some_and(|theirs| theirs.email == keys.email);
            let reserved = if same { RESERVED_FOR_ONESELF } else { RESERVED };
            let theirs = self.settle(&state, user.created_at.minus_secs(reserved)).await?;
            if let Some(taken) = theirs.and_then(|theirs| keys.clash(&theirs)) {
                return Ok(Some(taken));
            }
        }
        Err(StoreError::Unavailable("too many reservations were left by crashes".into()))
    }

    /// Compares a state with its user. A reservation from before `since` without a user was left by a crash and is removed, and so is the state of a user that
    /// another program has deleted; the keys of a user that another program has renamed are corrected.
    async fn settle(&self, state: &Document, since: Timestamp) -> Result<Option<UserKeys>, StoreError> {
        let Ok(object_id) = state.get_object_id("_id") else { return Ok(None) };
        let id = UserId::from_bytes(object_id.bytes());
        let mut user = self.user_at_primary(id).await?;
        if user.is_none()
            && let Some(reserved_at) = timestamp(state, "reserved_at")
        {
            if reserved_at > since {
                return Ok(keys_of(state));
            }
            self.withdraw(id).await?;
            user = self.user_at_primary(id).await?;
        }
        let Some(user) = user else { return self.delete_state(id).await.map(|()| None) };
        let keys = UserKeys::of(&user.username, &user.email);
        if keys_of(state).as_ref() != Some(&keys) {
            self.give_keys(id, &keys).await?;
        }
        Ok(Some(keys))
    }

    async fn user_at_primary(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let filter = doc! { "_id": object_id(id) };
        let found = self.find_one(|connection| &connection.users_at_primary, filter).await?;
        Ok(found.as_ref().and_then(from_document))
    }

    /// From here on the registration that made this reservation adds no user, even where it is only late and not dead.
    async fn withdraw(&self, id: UserId) -> Result<(), StoreError> {
        let (filter, change) = (doc! { "_id": object_id(id) }, doc! { "$unset": { "reserved_at": "" } });
        within_deadline(async { self.states().await?.update_one(filter, change).await }).await.map(|_| ())
    }

    /// Writes the keys of a user who is there. Where another user has the same key, both stay: the field beside it then
    /// holds this user's id, so that the index takes both.
    pub(super) async fn give_keys(&self, id: UserId, keys: &UserKeys) -> Result<(), StoreError> {
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
            let given = async {
                let given = self.states().await?.update_one(filter.clone(), change).upsert(true).await;
                Ok::<_, Error>(given.map(|_| ()).map_err(|error| (duplicate(&error), error)))
            };
            match within_deadline(given).await? {
                Err((Some(Taken::Username), _)) => set.insert("username_twin", object_id(id)),
                Err((Some(Taken::Email), _)) => set.insert("email_twin", object_id(id)),
                // Another instance wrote the first state at the same moment.
                Err((Some(Taken::Id), _)) => None,
                Err((None, error)) => return Err(super::store_error(&error)),
                Ok(()) => return Ok(()),
            };
        }
        Err(StoreError::Unavailable("the keys of a user change all the time".into()))
    }

    /// As [`Mongo::give_keys`], in the background: a user that another program wrote is found at once.
    pub(super) fn give_keys_later(&self, user: &User) {
        let (store, id, keys) = (self.clone(), user.id, UserKeys::of(&user.username, &user.email));
        tokio::spawn(async move {
            // The next look-up tries again.
            let _ = store.give_keys(id, &keys).await;
        });
    }

    /// The only user who has this key now; nothing where several have it.
    pub(super) async fn find_user_by_key(&self, field: &str, key: &str) -> Result<Option<User>, StoreError> {
        let join = doc! { "from": "users", "localField": "_id", "foreignField": "_id", "as": "user" };
        let pipeline = vec![
            doc! { "$match": { field: key } },
            doc! { "$lookup": join },
            doc! { "$match": { "user.0": { "$exists": true } } },
            doc! { "$limit": 2 },
        ];
        let found = self.aggregate(|connection| &connection.states, pipeline).await?;
        let mut found: Vec<_> = found.into_iter().filter_map(user_of).collect();
        Ok(if found.len() == 1 { found.pop() } else { None })
    }
}

/// The user that a join put beside a state; nothing where the keys are no longer the user's.
fn user_of(mut state: Document) -> Option<User> {
    let Some(Bson::Array(mut users)) = state.remove("user") else { return None };
    let Some(Bson::Document(mut document)) = users.pop() else { return None };
    let keys = keys_of(&state);
    document.insert(JOINED, vec![state]);
    from_document(&document).filter(|user| keys == Some(UserKeys::of(&user.username, &user.email)))
}
