//! The store that many instances share: MongoDB, with its official driver. It reads and writes the original's
//! `users` documents in their own form. The driver connects in the background: while a database is down, each
//! verb fails within two seconds, and when it comes back it is used at once.

mod assertions;
mod browser_sessions;
mod checkpoints;
mod clients;
pub mod collections;
mod connection;
mod consents;
mod deliveries;
mod delivery_documents;
mod denials;
mod document;
mod errors;
mod event_chain;
mod event_intents;
mod event_purge;
mod event_relay;
mod event_store;
mod events;
mod foreign_users;
mod grants;
mod instances;
mod json_records;
mod login_throttles;
mod preparing;
mod reading;
mod removal;
mod reservations;
mod rings;
mod sizes;
mod states;
mod status_lists;
mod user_claims;
mod user_keys;
mod users;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::ConnectionString;
use tokio::sync::{Mutex, OnceCell, watch};

use super::{Database, NoEvents, StoreError, TableSize};
use crate::domain::Secret;
use collections::CollectionSpec;
use connection::{Connection, ReadFrom};
use document::date;
use errors::{DriverError, duplicate, is_duplicate, store_error};
use foreign_users::ReadUsers;
use preparing::Preparation;

pub use events::EventDocuments;

/// The longest time of a verb with several steps: between regions, a single write takes a second.
const VERB_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time of any other verb, and of each step.
const STEP_TIMEOUT: Duration = Duration::from_millis(1800);

/// The store on a MongoDB server or replica set.
#[derive(Clone, Debug)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// May hold a password.
    uri: Secret<String>,
    /// Set when the names of the URI are resolved; nothing is sent before.
    connection: OnceCell<Connection>,
    /// Set when this process has seen the indexes.
    indexed: OnceCell<()>,
    /// Which users of other programs have their keys.
    read: Mutex<ReadUsers>,
    /// Whether both are done.
    preparation: watch::Sender<Preparation>,
    /// Makes the stored form of the event of each change.
    events: Arc<dyn EventDocuments>,
}

impl Mongo {
    /// Prepares the connection that `uri` names. It resolves no name and sends nothing yet.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if the URI cannot be read.
    pub fn new(uri: &str) -> Result<Self, StoreError> {
        Self::with_events(uri, Arc::new(NoEvents))
    }

    /// As [`Mongo::new`]; `events` makes the stored form of the event of each change.
    ///
    /// # Errors
    /// As [`Mongo::new`].
    pub fn with_events(uri: &str, events: Arc<dyn EventDocuments>) -> Result<Self, StoreError> {
        ConnectionString::parse(uri).map_err(|error| StoreError::Backend(DriverError::of(&error).into()))?;
        Ok(Self(Arc::new(Inner {
            uri: Secret::new(uri.to_owned()),
            connection: OnceCell::new(),
            indexed: OnceCell::new(),
            read: Mutex::default(),
            preparation: watch::Sender::new(Preparation::NotYet),
            events,
        })))
    }

    async fn connection(&self) -> Result<&Connection, Error> {
        self.0.connection.get_or_try_init(|| Connection::open(self.0.uri.expose())).await
    }

    /// A collection to write to.
    async fn collection(&self, of: &CollectionSpec) -> Result<Collection<Document>, Error> {
        Ok(self.connection().await?.collection(of, ReadFrom::Primary))
    }
}

#[async_trait]
impl Database for Mongo {
    async fn ping(&self) -> Result<(), StoreError> {
        within_deadline(async { self.connection().await?.database.run_command(doc! { "ping": 1 }).await })
            .await?;
        self.begin_to_prepare();
        Ok(())
    }

    /// Earlier versions can work with what is added to users and indexes; [`Database::ping`] begins it.
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        self.collection_sizes().await
    }
}

/// Applies one deadline to a verb with several steps, each of which has its own deadline.
async fn in_time<T>(verb: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(VERB_TIMEOUT, verb).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}

async fn within_deadline<T>(action: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STEP_TIMEOUT, action).await {
        Ok(answer) => answer.map_err(|error| store_error(&error)),
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::Mongo;

    #[tokio::test]
    async fn the_password_in_a_uri_is_not_shown() {
        let store = Mongo::new("mongodb://app:hidden-password@127.0.0.1/app").unwrap();
        // From then on the driver's client, which also keeps the password, is a part of the store.
        store.connection().await.unwrap();
        let shown = format!("{store:?}");
        assert!(!shown.contains("hidden-password"), "{shown}");
    }
}
