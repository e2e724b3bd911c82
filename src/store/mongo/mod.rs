//! The store that many instances share: MongoDB, by its official driver. The original's `users` documents are read
//! and written as they are. Connecting is the driver's own business, in the background: a database that is down makes
//! each verb fail within two seconds, and one that comes back is used at once.

mod document;
mod users;

use std::future::{Future, IntoFuture};
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{ClientOptions, CollectionOptions, IndexOptions, WriteConcern};
use mongodb::{Client, Collection, Database, IndexModel};
use tokio::sync::OnceCell;

use super::{Store, StoreError};

/// Choosing a server may take so long; a database that is down is known by then.
const SELECTION: Duration = Duration::from_millis(1000);
/// A verb as a whole may take so long.
const DEADLINE: Duration = Duration::from_millis(1800);
/// The database of a URI that names none, as the original's driver has it.
const DEFAULT_DATABASE: &str = "test";
/// MongoDB's code for a key that a unique index refuses.
const DUPLICATE_KEY: i32 = 11000;

/// The store on a MongoDB server or replica set.
#[derive(Debug)]
pub struct Mongo {
    database: Database,
    users: Collection<Document>,
    /// Set once this process has seen the unique indexes made.
    indexed: OnceCell<()>,
}

impl Mongo {
    /// Prepares the connection that `uri` names. Nothing is sent yet, but for a `mongodb+srv` name, which is looked up.
    ///
    /// # Errors
    /// [`StoreError::Backend`] where the URI cannot be read.
    pub async fn open(uri: &str) -> Result<Self, StoreError> {
        let backend = |error: Error| StoreError::Backend(error.into());
        let mut options = ClientOptions::parse(uri).await.map_err(backend)?;
        options.server_selection_timeout = Some(SELECTION);
        options.connect_timeout.get_or_insert(SELECTION);
        options.app_name.get_or_insert_with(|| "jwt-generator".to_owned());
        let name = options.default_database.clone().unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        let database = Client::with_options(options).map_err(backend)?.database(&name);
        // What is answered with success must survive the loss of any one server, journalled where there is but one.
        let concern = WriteConcern::builder().w(mongodb::options::Acknowledgment::Majority).journal(true).build();
        let users = database.collection_with_options(
            "users",
            CollectionOptions::builder().write_concern(concern).build(),
        );
        Ok(Self { database, users, indexed: OnceCell::new() })
    }

    /// Makes the unique indexes that registration relies on, once per process; the original's have the same names.
    async fn make_indexes(&self) -> Result<(), StoreError> {
        let unique = |field: &str| {
            IndexModel::builder()
                .keys(doc! { field: 1 })
                .options(IndexOptions::builder().unique(true).build())
                .build()
        };
        let make = || async {
            let made = self.users.create_indexes([unique("username"), unique("email")]);
            within_deadline(made.into_future()).await.map(|_| ()).inspect_err(|error| {
                if matches!(error, StoreError::Conflict) {
                    tracing::error!(
                        "users share a username or an e-mail, so registration is off: \
                         remove the duplicates from the collection 'users'"
                    );
                }
            })
        };
        let made = self.indexed.get_or_try_init(make).await;
        made.map(|()| ()).map_err(|error| match error {
            StoreError::Conflict => StoreError::Unavailable("the unique indexes cannot be made".into()),
            other => other,
        })
    }
}

#[async_trait]
impl Store for Mongo {
    async fn ping(&self) -> Result<(), StoreError> {
        within_deadline(self.database.run_command(doc! { "ping": 1 }).into_future()).await?;
        if self.indexed.get().is_none()
            && let Err(error) = self.make_indexes().await
        {
            tracing::debug!(%error, "the unique indexes are not made yet");
        }
        Ok(())
    }
}

async fn within_deadline<T>(action: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(DEADLINE, action).await {
        Ok(answer) => answer.map_err(store_error),
        Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
    }
}

/// What of the driver's errors the service tells apart.
fn store_error(error: Error) -> StoreError {
    match *error.kind {
        ErrorKind::Write(WriteFailure::WriteError(ref refused)) if refused.code == DUPLICATE_KEY => {
            StoreError::Conflict
        }
        ErrorKind::Command(ref refused) if refused.code == DUPLICATE_KEY => StoreError::Conflict,
        ErrorKind::BsonDeserialization(_) | ErrorKind::InvalidArgument { .. } => {
            StoreError::Backend(error.into())
        }
        _ => StoreError::Unavailable(error.into()),
    }
}
