//! Opens the file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, FileControl, MAIN_DB, OpenFlags};

use super::files::OpenFiles;
use super::migrations::create as create_tables;
use super::{Sqlite, store_error};
use crate::store::StoreError;

/// The longest wait for a lock that another process holds; then the answer is "unavailable".
const LOCK_TIMEOUT: Duration = Duration::from_millis(1500);

/// The place of the database.
#[derive(Clone, Debug)]
pub(super) enum Location {
    /// In this folder.
    Folder(PathBuf),
    /// In memory: it ends with the process.
    Memory,
}

/// A connection, and the files that it reads and writes; a database in memory has no files.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) files: Option<OpenFiles>,
}

impl Location {
    pub(super) fn new(folder: &Path) -> Self {
        if folder == Path::new(":memory:") { Self::Memory } else { Self::Folder(folder.to_owned()) }
    }

    /// Opens the database for writing. With `create`, makes the folder (0700), the file (0600) and the tables
    /// if they are missing. Without it, an empty file is refused like a missing one. Tables of an earlier
    /// version stay.
    pub(super) fn open_writer(&self, create: bool) -> Result<Opened, StoreError> {
        let Self::Folder(folder) = self else {
            let mut connection = Connection::open_in_memory().map_err(store_error)?;
            configure(&connection).and_then(|()| create_tables(&mut connection))?;
            return Ok(Opened { connection, files: None });
        };
        if create {
            make_file(folder)?;
        } else if self.is_missing() {
            return Err(StoreError::Unavailable(format!("there is no {}", file(folder).display()).into()));
        }
        let mut connection = open(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        if !create && is_empty(&connection)? {
            return Err(StoreError::Unavailable(format!("{} is empty", file(folder).display()).into()));
        }
        configure(&connection).and_then(|()| create_tables(&mut connection))?;
        let files = files_of(&connection, folder)?;
        Ok(Opened { connection, files: Some(files) })
    }

    /// Whether the database ends with its connection.
    pub(super) fn is_memory(&self) -> bool {
        matches!(self, Self::Memory)
    }

    /// The database's file.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(file(folder)),
            Self::Memory => None,
        }
    }

    /// Whether the file does not exist yet.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Folder(folder) if !file(folder).exists())
    }

    /// Opens the file for reading; a database in memory has only the connection of the writer.
    pub(super) fn open_reader(&self) -> Result<Option<Connection>, StoreError> {
        let Self::Folder(folder) = self else { return Ok(None) };
        let connection = open(folder, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // SQLite opens the log when it first reads.
        connection.query_row("PRAGMA user_version", [], |_| Ok(())).map_err(store_error)?;
        Ok(Some(connection))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join(Sqlite::FILE)
}

fn open(folder: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    // Absolute, because SQLite reads a path that begins with `file:` as a URI.
    let path = std::path::absolute(file(folder)).map_err(|error| unavailable(folder, &error))?;
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = connection.map_err(store_error)?;
    connection.busy_timeout(LOCK_TIMEOUT).map_err(store_error)?;
    Ok(connection)
}

/// An empty file, readable only for its owner, is a new database; the files that SQLite puts beside it have
/// the same mode. This is only for the first opening: closing the file again ends every lock that this
/// process has on it.
fn make_file(folder: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let file = || fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file(folder));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| file().map(drop))
        .map_err(|error| unavailable(folder, &error))
}

/// The files that `connection` has opened. The log and its index exist once the database was read.
fn files_of(connection: &Connection, folder: &Path) -> Result<OpenFiles, StoreError> {
    let files = OpenFiles::at(&file(folder)).map_err(|error| unavailable(folder, &error))?;
    let journal: String =
        connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).map_err(store_error)?;
    let mut moved = 0;
    connection.file_control(Some(MAIN_DB), FileControl::HasMoved(&mut moved)).map_err(store_error)?;
    let has_log = files.files().log.is_some() && files.files().index.is_some();
    if moved != 0 || (journal == "wal" && !has_log) {
        let why = format!("the files in {} changed while they were opened", folder.display());
        return Err(StoreError::Unavailable(why.into()));
    }
    Ok(files)
}

fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    let tables = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
    connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], tables)
        .map(|n| n == 0)
        .map_err(store_error)
}

fn unavailable(folder: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", folder.display()).into())
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;",
        )
        .map_err(store_error)
}
