//! Events beside the change that causes them, until they are moved to a collection of their own. `intents` in `user_states`
//! contains the events of changes that have begun; `pending`, there and in other collections, those of changes that were made.

use std::fmt;

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document, doc};
use mongodb::options::{ReturnDocument, WriteConcern};
use mongodb::results::UpdateResult;

use super::collections::USER_STATES;
use super::connection::ReadFrom;
use super::document::{date, object_id};
use super::event_intents::begun;
use super::{Mongo, in_time, within_deadline};
use crate::domain::{Event, EventId, PasswordHash, User, UserId};
use crate::event_record::{PersonKey, RecordDigest};
use crate::store::{EventRecorder, NoEvents, StoreError};

/// The events of changes that may or may not have been made.
pub(super) const INTENTS: &str = "intents";
/// The events of changes that were made.
pub(super) const PENDING: &str = "pending";
/// The member of an intent that contains the digest of the hash that its change gives the user.
pub(super) const NEW_HASH: &str = "new_hash";
/// The member of a state with the key under which the personal data in the user's events is sealed.
pub(super) const EVENT_KEY: &str = "event_key";

/// Makes the stored form of the event of each change, or refuses the event and with it the change.
pub trait EventDocuments: fmt::Debug + Send + Sync {
    /// A new key, for a person without one; `None` if the stored forms need no keys.
    ///
    /// # Errors
    /// Any error refuses the change, which returns this error.
    fn new_key(&self) -> Result<Option<PersonKey>, StoreError>;

    /// The stored form of `event`, with personal data that is sealed under `key`; its id is added as `_id`. `None` stores
    /// nothing. Called once, before any part of the change is written. If the change is refused later, what was stored is
    /// removed.
    ///
    /// # Errors
    /// Any error refuses the change, which returns this error.
    fn document(&self, event: &Event, key: Option<&PersonKey>) -> Result<Option<Document>, StoreError>;
}

impl EventDocuments for NoEvents {
    fn new_key(&self) -> Result<Option<PersonKey>, StoreError> {
        Ok(None)
    }

    fn document(&self, _: &Event, _: Option<&PersonKey>) -> Result<Option<Document>, StoreError> {
        Ok(None)
    }
}

impl EventDocuments for EventRecorder {
    fn new_key(&self) -> Result<Option<PersonKey>, StoreError> {
        Self::new_key(self).map(Some).map_err(|error| StoreError::Backend(error.into()))
    }

    fn document(&self, event: &Event, key: Option<&PersonKey>) -> Result<Option<Document>, StoreError> {
        let record = self.record(event, key).map_err(|error| StoreError::Backend(error.into()))?;
        let mut document = doc! {
            "at": date(event.at),
            "kind": event.kind.name(),
            "class": event.kind.class().name(),
            "digest": bytes(RecordDigest::of(&record).0),
            "record": record,
        };
        document.extend(event.person.map(|person| ("person".to_owned(), person.to_string().into())));
        document.extend(event.client.as_ref().map(|client| ("client".to_owned(), client.as_str().into())));
        Ok(Some(document))
    }
}

/// An event in its stored form.
#[derive(Clone, Debug)]
pub(super) struct KeptEvent(Document);

impl KeptEvent {
    /// The same, for a change that gives the user this hash: whether the change was made shows in the user.
    pub(super) fn with_new_hash(mut self, new: &PasswordHash) -> Self {
        self.0.insert(NEW_HASH, hash_digest(new));
        self
    }

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

    /// The document of an event that belongs to no other one.
    pub(super) fn into_document(self) -> Document {
        self.0
    }

    /// The stages that remove the event of a change that was refused.
    fn withdrawn(&self) -> Vec<Document> {
        without(INTENTS, self.0.get("_id").cloned().into_iter().collect())
    }

    fn added_to(&self, array: &str) -> Document {
        let event = vec![doc! { "$literal": self.0.clone() }];
        doc! { "$set": { array: { "$concatArrays": [or_empty(array), event] } } }
    }
}

/// The array; an empty one if the member is missing.
pub(super) fn or_empty(array: &str) -> Document {
    doc! { "$ifNull": [format!("${array}"), []] }
}

/// The stage that removes an array if it is empty.
pub(super) fn without_empty(array: &str) -> Document {
    let member = format!("${array}");
    doc! { "$set": { array: { "$cond": [{ "$eq": [&member, []] }, "$$REMOVE", member] } } }
}

/// The stages that remove the events with these ids from an array.
pub(super) fn without(array: &str, ids: Vec<Bson>) -> Vec<Document> {
    let others = doc! { "$not": [{ "$in": ["$$this._id", { "$literal": ids }] }] };
    let others = doc! { "$filter": { "input": or_empty(array), "cond": others } };
    vec![doc! { "$set": { array: others } }, without_empty(array)]
}

/// An event's id as a UUID of BSON.
pub(super) fn uuid(id: EventId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() })
}

/// Bytes as BSON has them.
pub(super) fn bytes<const N: usize>(bytes: [u8; N]) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() })
}

/// The digest by which an intent and the hash of a user are compared.
pub(super) fn hash_digest(hash: &PasswordHash) -> Bson {
    bytes(RecordDigest::of(hash.expose()).0)
}

impl Mongo {
    /// The stored form of `event`. Its person gets a key if the person does not have one yet.
    ///
    /// # Errors
    /// If the event is refused: then no part of the change may be written.
    pub(super) async fn kept(&self, event: &Event) -> Result<Option<KeptEvent>, StoreError> {
        let key = match event.person {
            Some(person) if !event.kind.personal_fields().is_empty() => self.person_key(person).await?,
            _ => None,
        };
        self.kept_with(event, key.as_ref())
    }

    /// The stored form of the event of a change that may cause none.
    ///
    /// # Errors
    /// As [`Mongo::kept`].
    pub(super) async fn kept_if_any(&self, event: Option<&Event>) -> Result<Option<KeptEvent>, StoreError> {
        match event {
            Some(event) => self.kept(event).await,
            None => Ok(None),
        }
    }

    /// The stored form of `event`, with personal data that is sealed under `key`.
    ///
    /// # Errors
    /// As [`Mongo::kept`].
    pub(super) fn kept_with(
        &self,
        event: &Event,
        key: Option<&PersonKey>,
    ) -> Result<Option<KeptEvent>, StoreError> {
        let kept = self.0.events.document(event, key)?.map(|mut document| {
            document.insert("_id", uuid(event.id));
            KeptEvent(document)
        });
        Ok(kept)
    }

    /// A key for a user who is about to be added.
    pub(super) fn first_person_key(&self) -> Result<Option<PersonKey>, StoreError> {
        self.0.events.new_key()
    }

    /// The key of a person. `None` if the person is no user any more, or if events need no keys.
    async fn person_key(&self, person: UserId) -> Result<Option<PersonKey>, StoreError> {
        let Some(new) = self.0.events.new_key()? else { return Ok(None) };
        let filter = doc! { "_id": object_id(person) };
        let state = self.find_one(&USER_STATES, ReadFrom::Primary, filter).await?;
        match state.as_ref().and_then(key_of) {
            Some(key) => Ok(Some(key)),
            None => in_time(self.make_person_key(person, &new)).await,
        }
    }

    /// Gives a user this key, unless there is one already. Returns the key that the user has then.
    async fn make_person_key(
        &self,
        person: UserId,
        new: &PersonKey,
    ) -> Result<Option<PersonKey>, StoreError> {
        if !self.is_user(person).await? {
            return Ok(None);
        }
        let filter = doc! { "_id": object_id(person) };
        let key = doc! { "$ifNull": [format!("${EVENT_KEY}"), bytes(*new.expose())] };
        let change = vec![doc! { "$set": { EVENT_KEY: key } }];
        let state = within_deadline(async {
            let states = self.collection(&USER_STATES).await?;
            let made = states.find_one_and_update(filter, change).upsert(true);
            made.return_document(ReturnDocument::After).await
        });
        let key = state.await?.as_ref().and_then(key_of);
        // A deletion in between has left no key, and must not get one.
        if self.is_user(person).await? {
            return Ok(key);
        }
        self.clear_state(person).await.map(|()| None)
    }

    /// Whether the primary has this user.
    pub(super) async fn is_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.is_there(doc! { "_id": object_id(id) }).await
    }

    /// Writes the event of a change of a user before the change.
    pub(super) async fn begin_event(&self, id: UserId, event: Option<&KeptEvent>) -> Result<(), StoreError> {
        match event {
            Some(event) => self.add_to_state(id, event.begun()).await,
            None => Ok(()),
        }
    }

    /// The same for a change of the hash `old`.
    pub(super) async fn begin_change_of_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        event: Option<&KeptEvent>,
    ) -> Result<(), StoreError> {
        match event {
            Some(_) => self.add_to_state(id, begun(old, event)).await,
            None => Ok(()),
        }
    }

    /// Records whether a change that had begun was made. If this fails, or if the primary is lost before a majority has this
    /// write, the event stays durable in the intents, and the change returns its result all the same:
    /// [`crate::store::Events::relay_events`] looks at the user, as after a crash. So only the primary must have the write.
    pub(super) async fn end_event(&self, id: UserId, event: Option<&KeptEvent>, was_made: bool) {
        let Some(event) = event else { return };
        let (stages, creates) = if was_made { (event.made(), true) } else { (event.withdrawn(), false) };
        let _ = self.write_end(doc! { "_id": object_id(id) }, stages, creates).await;
    }

    /// Records that a registration was made, if its reservation still exists. A reservation that was withdrawn never comes back:
    /// so the user was added if this is true. False says nothing.
    pub(super) async fn end_registration(&self, user: &User, event: Option<&KeptEvent>) -> bool {
        let Some(event) = event else { return false };
        let reservation = doc! { "_id": object_id(user.id), "reserved_at": date(user.created_at) };
        let ended = self.write_end(reservation, event.made(), false).await;
        ended.is_ok_and(|ended| ended.matched_count == 1)
    }

    async fn write_end(
        &self,
        filter: Document,
        stages: Vec<Document>,
        creates: bool,
    ) -> Result<UpdateResult, StoreError> {
        within_deadline(async {
            let states = self.collection(&USER_STATES).await?;
            let ended = states.update_one(filter, stages).upsert(creates);
            ended.write_concern(WriteConcern::nodes(1)).await
        })
        .await
    }

    async fn add_to_state(&self, id: UserId, stages: Vec<Document>) -> Result<(), StoreError> {
        let filter = doc! { "_id": object_id(id) };
        within_deadline(async {
            self.collection(&USER_STATES).await?.update_one(filter, stages).upsert(true).await
        })
        .await
        .map(|_| ())
    }
}

/// The key in a user's state.
pub(super) fn key_of(state: &Document) -> Option<PersonKey> {
    state.get_binary_generic(EVENT_KEY).ok().and_then(|key| PersonKey::from_bytes(key))
}
