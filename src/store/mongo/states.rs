//! The collection `user_states`: what we know of a user besides the original's document, under the same `_id`. The
//! original hands every field of a document in `users` to its clients, so nothing of ours is written there.

use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::collections::USER_STATES;
use super::document::{JOINED, object_id, timestamp};
use super::{Mongo, date, within_deadline};
use crate::domain::{Timestamp, UserId};
use crate::store::StoreError;

/// Puts each user's state beside the document.
pub(super) fn join_state() -> Document {
    doc! { "$lookup": { "from": USER_STATES.name, "localField": "_id", "foreignField": "_id", "as": JOINED } }
}

impl Mongo {
    /// Says that the sessions are about to end, from a second on that is later than that of any other change, under way or
    /// done: what another one says must not be taken back with this one. Gives that second. Tokens are refused from here
    /// on; see [`crate::domain::Sessions`].
    pub(super) async fn begin_to_end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let later_than = |field: &str| doc! { "$add": [field, 1000] };
        let others = (later_than("$sessions_ending"), later_than("$sessions_valid_from"));
        // Without a stored instant the sum is null, which `$max` skips.
        let latest = doc! { "$max": [date(valid_from), others.0, others.1] };
        let begin = doc! { "$set": { "sessions_ending": latest } };
        let filter = doc! { "_id": object_id(id) };
        let begun = within_deadline(async {
            let states = self.collection(&USER_STATES).await?;
            let begun = states.find_one_and_update(filter, vec![begin]).upsert(true);
            begun.return_document(ReturnDocument::After).await
        });
        let begun = begun.await?;
        Ok(begun.and_then(|state| timestamp(&state, "sessions_ending")).unwrap_or(valid_from))
    }

    /// Ends the sessions, and with them what [`Mongo::begin_to_end_sessions`] began with this second or an earlier one.
    /// What another change has begun with a later one stays.
    pub(super) async fn finish_ending_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
    ) -> Result<(), StoreError> {
        // Without a stored instant the sum is null, which `$max` skips.
        let next = doc! { "$add": ["$sessions_valid_from", 1000] };
        let end = doc! { "$set": { "sessions_valid_from": { "$max": [date(valid_from), next] } } };
        let goes_on = doc! { "$gt": ["$sessions_ending", "$sessions_valid_from"] };
        let kept = doc! { "$cond": [goes_on, "$sessions_ending", "$$REMOVE"] };
        let (filter, change) =
            (doc! { "_id": object_id(id) }, vec![end, doc! { "$set": { "sessions_ending": kept } }]);
        within_deadline(async {
            self.collection(&USER_STATES).await?.update_one(filter, change).upsert(true).await
        })
        .await
        .map(|_| ())
    }

    pub(super) async fn delete_state(&self, id: UserId) -> Result<(), StoreError> {
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async { self.collection(&USER_STATES).await?.delete_one(filter).await })
            .await
            .map(|_| ())
    }
}
