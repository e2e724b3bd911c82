//! The collection `user_states`: the data that this program has about a user besides the original's document,
//! under the same `_id`. The original gives every field of a document in `users` to its clients, so this
//! program adds none there.

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::collections::USER_STATES;
use super::document::{JOINED, object_id, timestamp};
use super::events::{INTENTS, KeptEvent, PENDING};
use super::{Mongo, date, within_deadline};
use crate::domain::{Timestamp, UserId};
use crate::store::StoreError;

/// Puts each user's state beside the document.
pub(super) fn join_state() -> Document {
    doc! { "$lookup": { "from": USER_STATES.name, "localField": "_id", "foreignField": "_id", "as": JOINED } }
}

impl Mongo {
    /// Records that a change is about to end the sessions. Returns the first second whose log-ins stay valid. It is
    /// later than that of every other change, running or done, so that this change cannot undo another one. From
    /// this write on, the service refuses tokens of earlier log-ins; see [`crate::domain::Sessions`]. The same write
    /// has the stages that add the event of the change, marked as begun.
    pub(super) async fn begin_to_end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: Vec<Document>,
    ) -> Result<Timestamp, StoreError> {
        let later_than = |field: &str| doc! { "$add": [field, 1000] };
        let others = (later_than("$sessions_ending"), later_than("$sessions_valid_from"));
        // Without a stored instant the sum is null, which `$max` skips.
        let latest = doc! { "$max": [date(valid_from), others.0, others.1] };
        let mut change = vec![doc! { "$set": { "sessions_ending": latest } }];
        change.extend(event);
        let filter = doc! { "_id": object_id(id) };
        let begun = within_deadline(async {
            let states = self.collection(&USER_STATES).await?;
            let begun = states.find_one_and_update(filter, change).upsert(true);
            begun.return_document(ReturnDocument::After).await
        });
        let begun = begun.await?;
        Ok(begun.and_then(|state| timestamp(&state, "sessions_ending")).unwrap_or(valid_from))
    }

    /// Ends the sessions, and completes every change that [`Mongo::begin_to_end_sessions`] began with this
    /// second or an earlier one. A change that began with a later second stays. The same write marks the event:
    /// its change was made.
    pub(super) async fn finish_ending_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: Option<&KeptEvent>,
    ) -> Result<(), StoreError> {
        // Without a stored instant the sum is null, which `$max` skips.
        let next = doc! { "$add": ["$sessions_valid_from", 1000] };
        let end = doc! { "$set": { "sessions_valid_from": { "$max": [date(valid_from), next] } } };
        let goes_on = doc! { "$gt": ["$sessions_ending", "$sessions_valid_from"] };
        let kept = doc! { "$cond": [goes_on, "$sessions_ending", "$$REMOVE"] };
        let mut change = vec![end, doc! { "$set": { "sessions_ending": kept } }];
        change.extend(event.map(KeptEvent::made).unwrap_or_default());
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async {
            self.collection(&USER_STATES).await?.update_one(filter, change).upsert(true).await
        })
        .await
        .map(|_| ())
    }

    /// Removes the state of a user who does not exist, except for events that must still be moved. The user's own members go first,
    /// whatever else is in the state: another instance may move its last event between the two writes, and removes what is left.
    pub(super) async fn clear_state(&self, id: UserId) -> Result<(), StoreError> {
        let events = doc! { "_id": "$_id", INTENTS: format!("${INTENTS}"), PENDING: format!("${PENDING}") };
        let only_events = vec![doc! { "$replaceWith": events }];
        let without_events = doc! { "_id": object_id(id), INTENTS: Bson::Null, PENDING: Bson::Null };
        within_deadline(async {
            let states = self.collection(&USER_STATES).await?;
            states.update_one(doc! { "_id": object_id(id) }, only_events).await?;
            states.delete_one(without_events).await.map(|_| ())
        })
        .await
    }

    /// Removes the state of a registration that was refused, and the event with it.
    pub(super) async fn delete_state(&self, id: UserId) -> Result<(), StoreError> {
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async { self.collection(&USER_STATES).await?.delete_one(filter).await })
            .await
            .map(|_| ())
    }
}
