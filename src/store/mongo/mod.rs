//! The store that many instances share: MongoDB, by its official driver. The original's `users` documents are read
//! and written as they are. Connecting is the driver's own business, in the background: a database that is down makes
//! each verb fail within two seconds, and one that comes back is used at once.

mod document;
mod rings;
mod users;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{
    Acknowledgment, ClientOptions, CollectionOptions, ConnectionString, IndexOptions, ReadConcern,
    ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database, IndexModel};
use tokio::sync::OnceCell;

use super::{Store, StoreError};
use document::date;

/// Choosing a server may take so long; a database that is down is known by then.
const SELECTION: Duration = Duration::from_millis(1000);
/// A verb as a whole may take so long.
const DEADLINE: Duration = Duration::from_millis(1800);
/// Making indexes may take so long before whoever waits for them is refused; the server goes on making them.
const INDEXING: Duration = Duration::from_secs(10);
/// Between two tries to make indexes that cannot be made.
const INDEXING_PAUSE: Duration = Duration::from_secs(30);
/// The database of a URI that names none, as the original's driver has it.
const DEFAULT_DATABASE: &str = "test";
/// MongoDB's code for a key that a unique index refuses.
const DUPLICATE_KEY: i32 = 11000;

/// The store on a MongoDB server or replica set.
#[derive(Clone, Debug)]
pub struct Mongo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    uri: String,
    /// Set once the URI's names are resolved; nothing is sent before.
    connection: OnceCell<Connection>,
    /// Set once this process has seen the unique indexes made.
    indexed: OnceCell<()>,
    /// Whether they are being made in the background.
    indexing: AtomicBool,
}

#[derive(Debug)]
struct Connection {
    database: Database,
    users: Collection<Document>,
    rings: Collection<Document>,
    instances: Collection<Document>,
}

impl Mongo {
    /// Prepares the connection that `uri` names; nothing is looked up and nothing sent yet.
    ///
    /// # Errors
    /// [`StoreError::Backend`] where the URI cannot be read.
    pub fn new(uri: &str) -> Result<Self, StoreError> {
        ConnectionString::parse(uri).map_err(|error| StoreError::Backend(error.into()))?;
        Ok(Self(Arc::new(Inner {
            uri: uri.to_owned(),
            connection: OnceCell::new(),
            indexed: OnceCell::new(),
            indexing: AtomicBool::new(false),
        })))
    }

    async fn connection(&self) -> Result<&Connection, Error> {
        self.0.connection.get_or_try_init(|| Connection::open(&self.0.uri)).await
    }

    async fn users(&self) -> Result<&Collection<Document>, Error> {
        self.connection().await.map(|connection| &connection.users)
    }

    /// Makes the unique indexes that registration relies on, once per process; the original's have the same names.
    async fn make_indexes(&self) -> Result<(), StoreError> {
        let unique = |field: &str| {
            let options = IndexOptions::builder().unique(true).build();
            IndexModel::builder().keys(doc! { field: 1 }).options(options).build()
        };
        let make = || async {
            let users = self.users().await?;
            let made = users.create_indexes([unique("username"), unique("email")]).await;
            made.map(|_| ()).inspect_err(tell_indexes)
        };
        let made = within(INDEXING, async { self.0.indexed.get_or_try_init(make).await.copied() });
        made.await.map_err(|error| match error {
            StoreError::Conflict => StoreError::Unavailable("the unique indexes cannot be made".into()),
            other => other,
        })
    }

    /// Begins to make the indexes, unless they are there or under way: a large collection takes its time.
    fn begin_indexes(&self) {
        if self.0.indexed.initialized() || self.0.indexing.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            if store.make_indexes().await.is_err() {
                tokio::time::sleep(INDEXING_PAUSE).await;
            }
            store.0.indexing.store(false, Ordering::Release);
        });
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
        // Whatever the URI prefers for reading: a secondary's ring may be an old one.
        let from_primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        let mut of_keys = options.clone();
        of_keys.selection_criteria = Some(from_primary);
        let rings = database.collection_with_options("signing_rings", of_keys.clone());
        let instances = database.collection_with_options("signing_instances", of_keys);
        let users = database.collection_with_options("users", options);
        Ok(Self { users, rings, instances, database })
    }
}

#[async_trait]
impl Store for Mongo {
    async fn ping(&self) -> Result<(), StoreError> {
        within_deadline(async { self.connection().await?.database.run_command(doc! { "ping": 1 }).await })
            .await?;
        self.begin_indexes();
        Ok(())
    }
}

async fn within_deadline<T>(action: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    within(DEADLINE, action).await
}

async fn within<T>(limit: Duration, action: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, action).await {
        Ok(answer) => answer.map_err(store_error),
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}

/// Says why registration is off, where it is not for want of a server.
fn tell_indexes(error: &Error) {
    if is_duplicate(error) {
        tracing::error!(
            "users share a username or an e-mail, so registration is off: \
             remove the duplicates from the collection 'users'"
        );
    } else if let ErrorKind::Command(ref refused) = *error.kind {
        tracing::error!(
            code = refused.code,
            reason = refused.code_name,
            "the unique indexes on username and email of the collection 'users' cannot be made, so registration is off: \
             make them by hand, or let this database user create indexes"
        );
    }
}

/// What of the driver's errors the service tells apart.
fn store_error(error: Error) -> StoreError {
    match *error.kind {
        ErrorKind::Write(_) if is_duplicate(&error) => StoreError::Conflict,
        ErrorKind::BsonDeserialization(_) | ErrorKind::InvalidArgument { .. } => {
            StoreError::Backend(error.into())
        }
        _ => StoreError::Unavailable(error.into()),
    }
}

fn is_duplicate(error: &Error) -> bool {
    match *error.kind {
        ErrorKind::Write(WriteFailure::WriteError(ref refused)) => refused.code == DUPLICATE_KEY,
        ErrorKind::Command(ref refused) => refused.code == DUPLICATE_KEY,
        _ => false,
    }
}
