//! Events in `user_states`, beside the change that causes them, until they are moved to a collection of their
//! own. `intents` contains the events of changes that have begun, `pending` those of changes that were made.

use std::fmt;

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};

use super::collections::USER_STATES;
use super::document::object_id;
use super::{Mongo, within_deadline};
use crate::domain::{Event, UserId};
use crate::store::{NoEvents, StoreError};

/// The events of changes that may or may not have been made.
pub(super) const INTENTS: &str = "intents";
/// The events of changes that were made.
pub(super) const PENDING: &str = "pending";

/// Makes the stored form of the event of each change, or refuses the event and with it the change.
pub trait EventDocuments: fmt::Debug + Send + Sync {
    /// The stored form of `event`; its id is added as `_id`. `None` stores nothing. Called once, before any
    /// part of the change is written. If the change is refused later, what was stored is removed.
    ///
    /// # Errors
    /// Any error refuses the change, which returns this error.
    fn document(&self, event: &Event) -> Result<Option<Document>, StoreError>;
}

impl EventDocuments for NoEvents {
    fn document(&self, _: &Event) -> Result<Option<Document>, StoreError> {
        Ok(None)
    }
}

/// An event in its stored form.
#[derive(Clone, Debug)]
pub(super) struct KeptEvent(Document);

impl KeptEvent {
    /// The members of a new document that contain the event of a change that has begun.
    pub(super) fn member(&self) -> Document {
        doc! { INTENTS: [self.0.clone()] }
    }

    /// The stages that add the event of a change that has begun.
    pub(super) fn begun(&self) -> Vec<Document> {
        vec![self.added_to(INTENTS)]
    }

    /// The stages that mark the change of the event as made: in the write that makes the change, or after it.
    pub(super) fn made(&self) -> Vec<Document> {
        let mut stages = self.withdrawn();
        stages.push(self.added_to(PENDING));
        stages
    }

    /// The stage that adds the event to the document that the same write changes.
    pub(super) fn of_one_write(&self) -> Document {
        self.added_to(PENDING)
    }

    /// The events of a new document: this one.
    pub(super) fn alone(&self) -> Vec<Document> {
        vec![self.0.clone()]
    }

    /// The stages that remove the event of a change that was refused.
    fn withdrawn(&self) -> Vec<Document> {
        let others = doc! { "$ne": ["$$this._id", self.0.get("_id").cloned()] };
        let others = doc! { "$filter": { "input": or_empty(INTENTS), "cond": others } };
        let kept = doc! { "$cond": [{ "$eq": ["$intents", []] }, "$$REMOVE", "$intents"] };
        vec![doc! { "$set": { INTENTS: others } }, doc! { "$set": { INTENTS: kept } }]
    }

    fn added_to(&self, array: &str) -> Document {
        let event = vec![doc! { "$literal": self.0.clone() }];
        doc! { "$set": { array: { "$concatArrays": [or_empty(array), event] } } }
    }
}

/// What to do with a change of a state that does not exist.
enum IfNoState {
    /// The write creates the state.
    Create,
    /// The write does nothing.
    Leave,
}

fn or_empty(array: &str) -> Document {
    doc! { "$ifNull": [format!("${array}"), []] }
}

impl Mongo {
    /// The stored form of `event`.
    ///
    /// # Errors
    /// If the event is refused: then no part of the change may be written.
    pub(super) fn kept(&self, event: &Event) -> Result<Option<KeptEvent>, StoreError> {
        let kept = self.0.events.document(event)?.map(|mut document| {
            let (subtype, bytes) = (BinarySubtype::Uuid, event.id.as_bytes().to_vec());
            document.insert("_id", Bson::Binary(Binary { subtype, bytes }));
            KeptEvent(document)
        });
        Ok(kept)
    }

    /// Writes the event of a change of a user before the change.
    pub(super) async fn begin_event(&self, id: UserId, event: Option<&KeptEvent>) -> Result<(), StoreError> {
        match event {
            Some(event) => self.change_state(id, event.begun(), IfNoState::Create).await,
            None => Ok(()),
        }
    }

    /// Records whether a change that had begun was made. If this fails, the event stays durable in the
    /// intents, and the change returns its result all the same: the job that moves events looks at the user,
    /// as after a crash.
    pub(super) async fn end_event(&self, id: UserId, event: Option<&KeptEvent>, was_made: bool) {
        let Some(event) = event else { return };
        let _ = if was_made {
            self.change_state(id, event.made(), IfNoState::Create).await
        } else {
            self.change_state(id, event.withdrawn(), IfNoState::Leave).await
        };
    }

    async fn change_state(
        &self,
        id: UserId,
        stages: Vec<Document>,
        if_none: IfNoState,
    ) -> Result<(), StoreError> {
        let (filter, creates) = (doc! { "_id": object_id(id) }, matches!(if_none, IfNoState::Create));
        within_deadline(async {
            self.collection(&USER_STATES).await?.update_one(filter, stages).upsert(creates).await
        })
        .await
        .map(|_| ())
    }
}
