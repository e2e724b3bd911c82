//! The places of the events of the tests' stores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jwt_generator::domain::Event;
use jwt_generator::entropy::Entropy;
use jwt_generator::event_record::PersonKey;
use jwt_generator::store::mongo::EventDocuments;
use jwt_generator::store::sqlite::EventWriter;
use jwt_generator::store::{EventRecorder, StoreError};
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use rusqlite::ffi::{Error, SQLITE_FULL};

/// Records the events that a store hands over, or refuses them as a full disk does.
#[derive(Debug)]
pub struct RecordedEvents {
    events: Mutex<Vec<Event>>,
    recorder: EventRecorder,
    keeps: AtomicBool,
    stores: AtomicBool,
    refuses: AtomicBool,
}

impl Default for RecordedEvents {
    fn default() -> Self {
        let (events, recorder) = (Mutex::default(), EventRecorder::new(Entropy::seeded(16)));
        let [keeps, stores, refuses] = [const { AtomicBool::new(false) }; 3];
        Self { events, recorder, keeps, stores, refuses }
    }
}

impl RecordedEvents {
    /// The events since the last call.
    pub fn take_all(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// From now on events are documents in MongoDB, too.
    pub fn keep(&self) {
        self.keeps.store(true, Ordering::Relaxed);
    }

    /// From now on events are stored as the service stores them.
    pub fn store(&self) {
        self.stores.store(true, Ordering::Relaxed);
    }

    /// From now on events are refused, or no longer.
    pub fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Whether the event is accepted.
    fn record(&self, event: &Event) -> bool {
        let takes = !self.refuses.load(Ordering::Relaxed);
        if takes {
            self.events.lock().unwrap().push(event.clone());
        }
        takes
    }
}

impl EventWriter for RecordedEvents {
    fn write(&self, connection: &rusqlite::Connection, event: &Event) -> rusqlite::Result<()> {
        assert!(!connection.is_autocommit(), "an event is written in the transaction of its change");
        let full = || rusqlite::Error::SqliteFailure(Error::new(SQLITE_FULL), None);
        self.record(event).then_some(()).ok_or_else(full)?;
        if self.stores.load(Ordering::Relaxed) { self.recorder.write(connection, event) } else { Ok(()) }
    }
}

impl EventDocuments for RecordedEvents {
    fn new_key(&self) -> Result<Option<PersonKey>, StoreError> {
        if self.stores.load(Ordering::Relaxed) { EventDocuments::new_key(&self.recorder) } else { Ok(None) }
    }

    fn document(&self, event: &Event, key: Option<&PersonKey>) -> Result<Option<Document>, StoreError> {
        if !self.record(event) {
            return Err(StoreError::Unavailable("as the test wants it".into()));
        }
        if self.stores.load(Ordering::Relaxed) {
            return self.recorder.document(event, key);
        }
        let keeps = self.keeps.load(Ordering::Relaxed);
        Ok(keeps.then(|| doc! { "kind": format!("{:?}", event.kind) }))
    }
}

/// The events that a store has written.
pub(super) struct StoredEvents {
    pub(super) recorded: Arc<RecordedEvents>,
    /// The place of the events, if the store is on MongoDB.
    pub(super) database: Option<mongodb::Database>,
}

impl StoredEvents {
    /// The events that were written since the last call. On MongoDB it moves them away, and no change is under way.
    pub(super) async fn take_all(&self) -> Vec<Event> {
        let handed_over = self.recorded.take_all();
        let Some(database) = &self.database else { return handed_over };
        let states = database.collection::<Document>("user_states");
        let of_changes = doc! { "intents": { "$exists": true } };
        assert_eq!(states.find_one(of_changes).await.unwrap(), None, "every change has ended");
        let mut ids = take_pending(&states).await;
        for name in
            ["login_throttles", "clients", "denials", "grants", "browser_sessions", "consents", "webhooks"]
        {
            ids.extend(take_pending(&database.collection(name)).await);
        }
        let is_stored = |event: &Event| ids.iter().any(|id| id[..] == event.id.as_bytes()[..]);
        let stored: Vec<_> = handed_over.into_iter().filter(is_stored).collect();
        assert_eq!(stored.len(), ids.len(), "each event is stored once");
        stored
    }
}

/// The ids of the events that wait in a collection to be moved; they wait no longer.
async fn take_pending(collection: &Collection<Document>) -> Vec<Vec<u8>> {
    let mut found = collection.find(doc! { "pending": { "$exists": true } }).await.unwrap();
    let mut ids = Vec::new();
    while found.advance().await.unwrap() {
        let document = found.deserialize_current().unwrap();
        for event in document.get_array("pending").unwrap() {
            match event.as_document().unwrap().get("_id") {
                Some(Bson::Binary(id)) => ids.push(id.bytes.clone()),
                other => panic!("{other:?} is no event's id"),
            }
        }
    }
    collection.update_many(doc! {}, doc! { "$unset": { "pending": "" } }).await.unwrap();
    ids
}
