//! Events in `user_states`, beside the change that causes them, until they are moved to a collection of their own. In
//! `intents` are those of changes that are under way, in `pending` those of changes that were made.

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

/// Makes what is kept of the event of each change, or refuses the event and with it the change.
pub trait EventDocuments: fmt::Debug + Send + Sync {
    /// What is kept of `event`; its id is added as `_id`. `None` keeps nothing. Called once, before anything is written of
    /// the change. A change that is refused later takes back what was kept.
    ///
    /// # Errors
    /// Any error refuses the change, which answers with it.
    fn document(&self, event: &Event) -> Result<Option<Document>, StoreError>;
}

impl EventDocuments for NoEvents {
    fn document(&self, _: &Event) -> Result<Option<Document>, StoreError> {
        Ok(None)
    }
}

/// An event as it is kept.
#[derive(Clone, Debug)]
pub(super) struct KeptEvent(Document);

impl KeptEvent {
    /// The members of a new document that keep the event of a change that is under way.
    pub(super) fn member(&self) -> Document {
        doc! { INTENTS: [self.0.clone()] }
    }

    /// The stages that add the event of a change that is under way.
    pub(super) fn begun(&self) -> Vec<Document> {
        vec![self.added_to(INTENTS)]
    }

    /// The stages that say of the event that its change was made: in the write that makes the change, or after it.
    pub(super) fn made(&self) -> Vec<Document> {
        let mut stages = self.withdrawn();
        stages.push(self.added_to(PENDING));
        stages
    }

    /// The stage that adds the event to the document that the same write changes.
    pub(super) fn of_one_write(&self) -> Document {
        self.added_to(PENDING)
    }

    /// The stages that take back the event of a change that was refused.
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

/// What becomes of a change of a state that is not there.
enum IfNoState {
    /// There is one from then on.
    Create,
    /// Nothing.
    Leave,
}

fn or_empty(array: &str) -> Document {
    doc! { "$ifNull": [format!("${array}"), []] }
}

impl Mongo {
    /// What is kept of `event`.
    ///
    /// # Errors
    /// Where the event is refused: then nothing of the change may be written.
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

    /// Says of a change that was begun whether it was made. Where this fails, the event stays durable in the intents, and
    /// the change has its answer all the same: what moves events looks at the user, as after a crash.
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
