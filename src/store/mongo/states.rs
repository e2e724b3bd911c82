//! The collection `user_states`: what we know of a user besides the original's document, under the same `_id`. The
//! original hands every field of a document in `users` to its clients, so nothing of ours is written there.

use mongodb::bson::{Document, doc};
use mongodb::options::UpdateModifications;

use super::document::{JOINED, object_id};
use super::{Mongo, date, within_deadline};
use crate::domain::{Timestamp, UserId};
use crate::store::StoreError;

/// The collection's name, for joins.
pub(super) const USER_STATES: &str = "user_states";

/// Puts each user's state beside the document.
pub(super) fn join_state() -> Document {
    doc! { "$lookup": { "from": USER_STATES, "localField": "_id", "foreignField": "_id", "as": JOINED } }
}

impl Mongo {
    /// Says that the sessions are about to end. Tokens are refused from here on; see [`crate::domain::Sessions`].
    pub(super) async fn begin_to_end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
    ) -> Result<(), StoreError> {
        self.update_state(id, doc! { "$max": { "sessions_ending": date(valid_from) } }).await
    }

    /// Ends the sessions, and with them what [`Mongo::begin_to_end_sessions`] began.
    pub(super) async fn finish_ending_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
    ) -> Result<(), StoreError> {
        // Without a stored instant the sum is null, which `$max` skips.
        let next = doc! { "$add": ["$sessions_valid_from", 1000] };
        let end = doc! { "$set": { "sessions_valid_from": { "$max": [date(valid_from), next] } } };
        self.update_state(id, vec![end, doc! { "$unset": "sessions_ending" }]).await
    }

    /// Forgets a change that did not take place.
    pub(super) async fn forget_ending_sessions(&self, id: UserId) -> Result<(), StoreError> {
        self.update_state(id, doc! { "$unset": { "sessions_ending": "" } }).await
    }

    pub(super) async fn delete_state(&self, id: UserId) -> Result<(), StoreError> {
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async { self.states().await?.delete_one(filter).await }).await.map(|_| ())
    }

    async fn update_state(
        &self,
        id: UserId,
        change: impl Into<UpdateModifications>,
    ) -> Result<(), StoreError> {
        let (filter, change) = (doc! { "_id": object_id(id) }, change.into());
        within_deadline(async { self.states().await?.update_one(filter, change).upsert(true).await })
            .await
            .map(|_| ())
    }
}
