//! The store that many instances share: MongoDB, by its official driver. The original's `users` documents are read
//! and written as they are. Connecting is the driver's own business, in the background: a database that is down makes
//! each verb fail within two seconds, and one that comes back is used at once.

mod document;
mod errors;
mod newcomers;
mod preparing;
mod reading;
mod rings;
mod states;
mod user_keys;
mod users;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::error::Error;
use mongodb::options::{
    Acknowledgment, ClientOptions, CollectionOptions, ConnectionString, ReadConcern, ReadPreference,
    SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database};
use tokio::sync::{Mutex, OnceCell, watch};

use super::{Store, StoreError};
use document::date;
use errors::{DriverError, duplicate, is_duplicate, store_error};
use newcomers::Looked;
use preparing::Preparation;
use states::USER_STATES;

/// Choosing a server may take so long; a database that is down is known by then.
const SELECTION: Duration = Duration::from_millis(1000);
/// A verb of several steps may take so long: between regions a single write takes a second.
const DEADLINE_OF_STEPS: Duration = Duration::from_secs(5);
/// Any other verb, and each step, may take so long.
const DEADLINE: Duration = Duration::from_millis(1800);
/// The database of a URI that names none, as the original's driver has it.
const DEFAULT_DATABASE: &str = "test";

/// The store on a MongoDB server or replica set.
#[derive(Clone, Debug)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    uri: String,
    /// Set once the URI's names are resolved; nothing is sent before.
    connection: OnceCell<Connection>,
    /// Set once this process has seen the indexes made.
    indexed: OnceCell<()>,
    /// Users who have their keys.
    looked: Mutex<Looked>,
    /// Whether both are done.
    preparation: watch::Sender<Preparation>,
}

#[derive(Debug)]
struct Connection {
    database: Database,
    /// Read where the URI prefers.
    users: Collection<Document>,
    states: Collection<Document>,
    /// The same, read from the primary: what decides whether something is written must not be an old copy.
    users_at_primary: Collection<Document>,
    states_at_primary: Collection<Document>,
    rings: Collection<Document>,
    instances: Collection<Document>,
}

impl Mongo {
    /// Prepares the connection that `uri` names; nothing is looked up and nothing sent yet.
    ///
    /// # Errors
    /// [`StoreError::Backend`] where the URI cannot be read.
    pub fn new(uri: &str) -> Result<Self, StoreError> {
        ConnectionString::parse(uri).map_err(|error| StoreError::Backend(DriverError::of(&error).into()))?;
        Ok(Self(Arc::new(Inner {
            uri: uri.to_owned(),
            connection: OnceCell::new(),
            indexed: OnceCell::new(),
            looked: Mutex::default(),
            preparation: watch::Sender::new(Preparation::NotYet),
        })))
    }

    async fn connection(&self) -> Result<&Connection, Error> {
        self.0.connection.get_or_try_init(|| Connection::open(&self.0.uri)).await
    }

    async fn users(&self) -> Result<&Collection<Document>, Error> {
        self.connection().await.map(|connection| &connection.users)
    }

    async fn states(&self) -> Result<&Collection<Document>, Error> {
        self.connection().await.map(|connection| &connection.states)
    }
}

impl Connection {
    /// Looks up the names of a `mongodb+srv` URI; the driver connects by itself, when it is asked something.
    async fn open(uri: &str) -> Result<Self, Error> {
        let mut options = ClientOptions::parse(uri).await?;
        options.server_selection_timeout = Some(SELECTION);
        options.connect_timeout.get_or_insert(SELECTION);
        options.app_name.get_or_insert_with(|| "jwt-generator".to_owned());
        // What is found must last, too: a server that was cut off takes itself for the primary for some seconds, and has
        // users then whom nobody was promised and who are gone when it is back.
        options.read_concern.get_or_insert_with(ReadConcern::majority);
        let name = options.default_database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        let database = Client::with_options(options)?.database(&name);
        // What is answered with success must survive the loss of any one server, journalled where there is but one.
        let concern = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        let options = CollectionOptions::builder().write_concern(concern).build();
        let mut at_primary = options.clone();
        // Whatever the URI prefers for reading: a secondary's ring may be an old one.
        at_primary.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let open =
            |name, options: &CollectionOptions| database.collection_with_options(name, options.clone());
        Ok(Self {
            users: open("users", &options),
            states: open(USER_STATES, &options),
            users_at_primary: open("users", &at_primary),
            states_at_primary: open(USER_STATES, &at_primary),
            rings: open("signing_rings", &at_primary),
            instances: open("signing_instances", &at_primary),
            database,
        })
    }
}

#[async_trait]
impl Store for Mongo {
    async fn ping(&self) -> Result<(), StoreError> {
        within_deadline(async { self.connection().await?.database.run_command(doc! { "ping": 1 }).await })
            .await?;
        self.begin_to_prepare();
        Ok(())
    }

    /// What is added to users and indexes hinders no earlier version; [`Store::ping`] begins it.
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Holds a verb of several steps, each of which has its own deadline, to one for all of them.
async fn in_time<T>(verb: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(DEADLINE_OF_STEPS, verb).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}

async fn within_deadline<T>(action: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(DEADLINE, action).await {
        Ok(answer) => answer.map_err(|error| store_error(&error)),
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}
