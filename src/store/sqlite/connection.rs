//! Opening the file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::migrations::migrate;
use super::{Sqlite, store_error};
use crate::store::StoreError;

/// A lock that another process holds is waited for so long; then the answer is "unavailable".
const BUSY: Duration = Duration::from_millis(1500);

/// Where the database lies.
#[derive(Clone, Debug)]
pub(super) enum Location {
    /// In this folder.
    Folder(PathBuf),
    /// Nowhere: it ends with the process.
    Memory,
}

impl Location {
    pub(super) fn new(folder: &Path) -> Self {
        if folder == Path::new(":memory:") { Self::Memory } else { Self::Folder(folder.to_owned()) }
    }

    /// Opens the database for writing; makes the folder (0700), the file (0600) and the tables where they are missing.
    pub(super) fn open_writer(&self) -> Result<Connection, StoreError> {
        let connection = match self {
            Self::Memory => Connection::open_in_memory(),
            Self::Folder(folder) => {
                make_file(folder)?;
                Connection::open(folder.join(Sqlite::FILE))
            }
        };
        let mut connection = connection.map_err(store_error)?;
        configure(&connection).and_then(|()| migrate(&mut connection))?;
        Ok(connection)
    }

    /// Whether the database ends with its connection.
    pub(super) fn is_memory(&self) -> bool {
        matches!(self, Self::Memory)
    }

    /// Whether there is no file yet, so that only the writer can begin.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Folder(folder) if !folder.join(Sqlite::FILE).exists())
    }

    /// Opens the file for reading; a database in memory has one connection, the writer's.
    pub(super) fn open_reader(&self) -> Result<Option<Connection>, StoreError> {
        let Self::Folder(folder) = self else { return Ok(None) };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(folder.join(Sqlite::FILE), flags).map_err(store_error)?;
        connection.busy_timeout(BUSY).map_err(store_error)?;
        Ok(Some(connection))
    }
}

/// An empty file, for its owner alone, is a new database; what SQLite puts beside it has the same mode.
fn make_file(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let file =
        || fs::OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(Sqlite::FILE));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| file().map(drop))
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", folder.display()).into()))
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY).map_err(store_error)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;",
        )
        .map_err(store_error)
}
