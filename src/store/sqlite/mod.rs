//! The embedded store: one SQLite file in WAL mode. One thread writes and commits in groups with
//! `synchronous=FULL`; reads run beside it on connections of their own. If the file cannot be opened, each
//! use tries again, so that the service starts, reports the error, and recovers by itself.

mod assertions;
mod browser_sessions;
mod changes;
mod checkpoints;
mod clients;
mod connection;
mod consents;
mod copy;
mod deliveries;
mod delivery_rows;
mod denials;
mod event_store;
mod events;
mod files;
mod grants;
mod header;
mod instances;
mod json;
mod login_throttles;
mod migrations;
mod readers;
mod reading;
mod rings;
mod status_lists;
mod tables;
mod users;
mod watched_database;
mod webhooks;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::{Database, IfMissing, NoEvents, StoreError, TableSize};
use connection::Location;
use readers::Readers;
use watched_database::WatchedDatabase;
use writer::Writer;

pub use events::EventWriter;

/// The embedded store.
#[derive(Debug)]
pub struct Sqlite {
    readers: Readers,
    writer: Writer,
    upgrade: Arc<Upgrade>,
    /// Writes the event of each change.
    events: Arc<dyn EventWriter>,
    in_memory: bool,
    /// Whether there was no file at the opening, and the store does not make one.
    absent: bool,
}

/// Whether the tables of an earlier version are converted to the current one.
#[derive(Debug, Default)]
struct Upgrade {
    /// From now on, and for each file that is opened.
    wanted: AtomicBool,
    /// It was done at least once, so that users can be read.
    done: AtomicBool,
}

impl Sqlite {
    /// The name of the database's file in its folder.
    pub const FILE: &'static str = "jwt-generator.db";

    /// The store in `folder`, which need not exist yet. `:memory:` keeps nothing after the process ends.
    ///
    /// # Errors
    /// If the system starts no thread. If the file cannot be opened, [`Database::ping`] reports it.
    pub fn open(folder: &Path, if_missing: IfMissing) -> io::Result<Self> {
        Self::with_events(folder, if_missing, Arc::new(NoEvents))
    }

    /// As [`Sqlite::open`]; `events` writes the event of each change.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn with_events(
        folder: &Path,
        if_missing: IfMissing,
        events: Arc<dyn EventWriter>,
    ) -> io::Result<Self> {
        let location = Location::new(folder);
        let (in_memory, readers) = (location.is_memory(), Readers::start(location.clone())?);
        let absent = if_missing == IfMissing::Refuse && location.is_missing();
        let upgrade = Arc::<Upgrade>::default();
        let database = WatchedDatabase::new(location, readers.clone(), Arc::clone(&upgrade), if_missing);
        Ok(Self { readers, writer: Writer::start(database)?, upgrade, events, in_memory, absent })
    }

    /// Makes the writing thread upgrade the tables, before any query for users.
    async fn upgrade(&self) -> Result<(), StoreError> {
        if self.upgrade.done.load(Ordering::Acquire) {
            return Ok(());
        }
        self.upgrade.wanted.store(true, Ordering::Release);
        let ran = self.writer.run(|_| Ok(())).await;
        // If another program locks the database, the write fails, but the tables may have the current version
        // all the same.
        if self.upgrade.done.load(Ordering::Acquire) { Ok(()) } else { ran }
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn ping(&self) -> Result<(), StoreError> {
        self.writer.run(|connection| connection.query_row("SELECT 1", [], |_| Ok(()))).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.upgrade().await
    }

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        self.upgrade().await?;
        self.read(tables::sizes).await
    }
}

/// The errors of SQLite between which the service distinguishes.
fn store_error(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{ConstraintViolation, DatabaseCorrupt, NotADatabase, TypeMismatch};
    match error.sqlite_error_code() {
        // The store looks for clashes before it writes a user: so a constraint that refuses shows an internal
        // error.
        Some(ConstraintViolation) => StoreError::Backend(error.into()),
        Some(DatabaseCorrupt | NotADatabase | TypeMismatch) => StoreError::Corrupt(error.to_string()),
        Some(_) => StoreError::Unavailable(error.into()),
        None => StoreError::Backend(error.into()),
    }
}
