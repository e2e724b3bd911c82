//! The embedded store: one SQLite file in WAL mode. One thread writes, committing in groups with `synchronous=FULL`;
//! reads run beside it on connections of their own. A file that cannot be opened is tried again at each use, so that
//! the service starts, says so, and recovers by itself.

mod connection;
mod copy;
mod database;
mod files;
mod migrations;
mod readers;
mod reading;
mod rings;
mod users;
mod writer;

use std::io;
use std::path::Path;

use async_trait::async_trait;

use super::{Store, StoreError};
use connection::Location;
use database::Database;
use readers::Readers;
use writer::Writer;

/// The embedded store.
#[derive(Debug)]
pub struct Sqlite {
    readers: Readers,
    writer: Writer,
    in_memory: bool,
}

impl Sqlite {
    /// The name of the database's file in its folder.
    pub const FILE: &'static str = "jwt-generator.db";

    /// The store in `folder`, which need not exist yet. `:memory:` keeps nothing beyond the process.
    ///
    /// # Errors
    /// Where the system gives no thread. A file that cannot be opened shows in [`Store::ping`].
    pub fn open(folder: &Path) -> io::Result<Self> {
        let location = Location::new(folder);
        let (in_memory, readers) = (location.is_memory(), Readers::new(location.clone()));
        let writer = Writer::start(Database::new(location, readers.clone()))?;
        Ok(Self { readers, writer, in_memory })
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn ping(&self) -> Result<(), StoreError> {
        self.writer.run(|connection| connection.query_row("SELECT 1", [], |_| Ok(()))).await
    }
}

/// What of SQLite's errors the service tells apart.
fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase, TypeMismatch};
    match error.sqlite_error_code() {
        // What is taken is looked for before a user is written: a constraint that refuses tells of a fault of ours.
        Some(ConstraintViolation) => StoreError::Backend(error.into()),
        Some(DatabaseCorrupt | NotADatabase | TypeMismatch) => StoreError::Corrupt(error.to_string()),
        Some(_) => StoreError::Unavailable(error.into()),
        None => StoreError::Backend(error.into()),
    }
}
