//! Moves the events that lie beside their changes to the collection of events. Each move is an insertion by the event's id and
//! a removal by the same id: a relay that another one overtakes, or that a crash cuts off, changes nothing twice.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;

use super::collections::{COLLECTIONS, CollectionSpec, EVENTS, PENDING_EVENTS};
use super::connection::ReadFrom;
use super::errors::has_only_duplicates;
use super::events::{NEW_HASH, PENDING, without};
use super::{Mongo, within_deadline};
use crate::store::StoreError;

/// Documents whose events are moved at once.
const MOVED_AT_ONCE: i64 = 100;

impl Mongo {
    /// Moves a portion of the events of changes that were made. True if there may be more.
    pub(super) async fn move_pending_events(&self) -> Result<bool, StoreError> {
        let mut is_full = false;
        for of in COLLECTIONS.iter().filter(|of| has_pending_events(of)) {
            is_full |= within_deadline(self.move_pending_of(of)).await?;
        }
        Ok(is_full)
    }

    async fn move_pending_of(&self, of: &CollectionSpec) -> Result<bool, Error> {
        let collection = self.collection(of).await?;
        let waiting = doc! { format!("{PENDING}._id"): { "$exists": true } };
        // What the primary alone has may be moved: a majority that has the moved event also has what was written before it.
        let at_primary = self.connection().await?.collection(of, ReadFrom::PrimaryAlone);
        let found = at_primary.find(waiting).projection(doc! { PENDING: 1 }).limit(MOVED_AT_ONCE);
        let mut found = found.await?;
        let (mut carriers, mut events) = (Vec::new(), Vec::new());
        while found.advance().await? {
            let mut document = found.deserialize_current()?;
            carriers.extend(document.remove("_id"));
            events.extend(events_of(&document, PENDING));
        }
        if carriers.is_empty() {
            return Ok(false);
        }
        let ids = ids_of(&events);
        let is_full = carriers.len() as i64 == MOVED_AT_ONCE;
        self.insert_events(events).await?;
        let of_carriers = doc! { "_id": { "$in": carriers } };
        collection.update_many(of_carriers.clone(), without(PENDING, ids)).await?;
        collection.delete_many(is_empty(of_carriers)).await?;
        Ok(is_full)
    }

    /// Adds events to their collection; those that are there already stay as they are.
    pub(super) async fn insert_events(&self, mut events: Vec<Document>) -> Result<(), Error> {
        for event in &mut events {
            event.remove(NEW_HASH);
        }
        match self.collection(&EVENTS).await?.insert_many(events).ordered(false).await {
            Err(error) if !has_only_duplicates(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Whether documents of a collection can have events beside their changes.
fn has_pending_events(of: &CollectionSpec) -> bool {
    of.indexes.iter().any(|index| index.members == PENDING_EVENTS.members)
}

/// The events in an array of a document.
pub(super) fn events_of(document: &Document, array: &str) -> Vec<Document> {
    let events = document.get_array(array).map(Vec::as_slice).unwrap_or_default();
    events.iter().filter_map(Bson::as_document).cloned().collect()
}

/// The ids of events.
pub(super) fn ids_of(events: &[Document]) -> Vec<Bson> {
    events.iter().filter_map(|event| event.get("_id").cloned()).collect()
}

/// Those of these documents of which only the id is left: a removed document whose events were moved.
fn is_empty(mut filter: Document) -> Document {
    let members = doc! { "$size": { "$objectToArray": "$$ROOT" } };
    filter.insert("$expr", doc! { "$eq": [members, 1] });
    filter
}
