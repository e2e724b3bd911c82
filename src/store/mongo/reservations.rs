//! Registrations in `user_states`. The keys of a new user are written there before the document in `users`
//! is: they reserve the name and the address. A crash in between leaves a reservation without a user. When
//! another registration wants its name or address, it removes this reservation.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::WriteConcern;

use super::collections::{USER_STATES, USERS};
use super::connection::ReadFrom;
use super::document::{from_document, object_id, timestamp};
use super::events::{EVENT_KEY, KeptEvent, bytes};
use super::user_keys::{fields, keys_of};
use super::{Mongo, date, within_deadline};
use crate::domain::{Taken, Timestamp, User, UserId, UserKeys};
use crate::event_record::PersonKey;
use crate::store::StoreError;

/// Seconds after which a reservation without a user must come from a crash: by then the registration that
/// made it has ended, including its remote signature and the indexes that it may wait for.
const RESERVATION_SECS: u64 = 30;
/// The same for the same address, because that is a second try: the first one was answered with "try again in
/// 5 seconds".
const OWN_RESERVATION_SECS: u64 = 5;
/// The most left-over reservations that one new user removes.
const MAX_REMOVALS: usize = 16;

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
    /// Reserves the keys of a new user; the event of the registration and the key of the user's
    /// events are in the same document. Only the primary must have it: if a majority has the user, it also has the reservation,
    /// which was written before.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another user has one of them; then nothing is reserved.
    pub(super) async fn reserve(
        &self,
        user: &User,
        keys: &UserKeys,
        event: Option<&KeptEvent>,
        key: Option<&PersonKey>,
    ) -> Result<(), StoreError> {
        let mut state = doc! { "_id": object_id(user.id), "reserved_at": date(user.created_at) };
        state.extend(fields(keys));
        state.extend(event.map(KeptEvent::member).unwrap_or_default());
        state.extend(key.map(|key| (EVENT_KEY.to_owned(), bytes(*key.expose()))));
        // This tries once more if only left-overs of crashes were in the way.
        for last in [false, true] {
            let state = state.clone();
            let reserved = within_deadline(async {
                let states = self.collection(&USER_STATES).await?;
                states.insert_one(state).write_concern(WriteConcern::nodes(1)).await
            });
            match reserved.await {
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

    /// The value of a new user that another user has. If two names only look alike and are reserved at the
    /// same time, at least one registration sees the other: they are never both created.
    pub(super) async fn clash(&self, user: &User, keys: &UserKeys) -> Result<Option<Taken>, StoreError> {
        for _ in 0..MAX_REMOVALS {
            let filter = clashing_states(user.id, keys);
            let found = self.find_one(&USER_STATES, ReadFrom::PrimaryAlone, filter).await?;
            let Some(state) = found else { return Ok(None) };
            let same = keys_of(&state).is_some_and(|theirs| theirs.email == keys.email);
            let reserved = if same { OWN_RESERVATION_SECS } else { RESERVATION_SECS };
            let theirs = self.current_keys(&state, user.created_at.minus_secs(reserved)).await?;
            if let Some(taken) = theirs.and_then(|theirs| keys.clash(&theirs)) {
                return Ok(Some(taken));
            }
        }
        Err(StoreError::Unavailable("too many reservations were left by crashes".into()))
    }

    /// The keys that a state stands for now, after it was compared with its user. A reservation from before
    /// `since` without a user was left by a crash and is removed. The state of a user that another program
    /// has deleted is removed as well, except for events. The keys of a user that another program has renamed
    /// are corrected.
    async fn current_keys(&self, state: &Document, since: Timestamp) -> Result<Option<UserKeys>, StoreError> {
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
        let Some(user) = user else { return self.clear_state(id).await.map(|()| None) };
        let keys = UserKeys::of(&user.username, &user.email);
        if keys_of(state).as_ref() != Some(&keys) {
            self.write_keys(id, &keys).await?;
        }
        Ok(Some(keys))
    }

    pub(super) async fn user_at_primary(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let filter = doc! { "_id": object_id(id) };
        let found = self.find_one(&USERS, ReadFrom::Primary, filter).await?;
        Ok(found.as_ref().and_then(from_document))
    }

    /// From here on, the registration that made this reservation adds no user, even if it is still running.
    pub(super) async fn withdraw(&self, id: UserId) -> Result<(), StoreError> {
        let (filter, change) = (doc! { "_id": object_id(id) }, doc! { "$unset": { "reserved_at": "" } });
        within_deadline(async { self.collection(&USER_STATES).await?.update_one(filter, change).await })
            .await
            .map(|_| ())
    }
}
