//! The database of the writing thread: the connection, and whether the files at the path are still those that
//! it has open. Once it has had a file open, it never makes a new one: an empty database in the place of a
//! full one would look like a success to everyone who registers.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::connection::Location;
use super::files::{Files, OpenFiles, file_at};
use super::header::Header;
use super::migrations::{holds_lasting_rows, migrate};
use super::readers::Readers;
use super::writer::empty_log;
use super::{Upgrade, store_error};
use crate::store::{IfMissing, StoreError};

/// The writer's side of the database.
#[derive(Debug)]
pub(super) struct WatchedDatabase {
    location: Location,
    readers: Readers,
    upgrade: Arc<Upgrade>,
    open: Option<Open>,
    /// The header of the open file. It is declared behind the connection, so that it is closed after it.
    header: Option<Header>,
    /// Whether a missing file is made: never again after a file was open.
    if_missing: IfMissing,
    /// Whether a database with users or a ring was open: an empty one must not replace it.
    was_full: bool,
    /// The state of the files that was logged last; `None` if they are in order.
    told: Option<Lost>,
}

/// An open database.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) connection: Connection,
    /// Whether the tables have the current version.
    upgraded: bool,
    /// `None` if the database is in memory.
    files: Option<Arc<OpenFiles>>,
}

/// How the files at the path differ from the open ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// The database file does not exist.
    Deleted,
    /// Another database file is there, beside the log of the previous one.
    OldLogLeft,
    /// Another database file is there.
    Replaced,
    /// The log or its index is gone, and there is no new one.
    LogDeleted,
    /// Another program has begun its own log.
    LogReplaced,
    /// Another program has written to the database file.
    Overwritten,
    /// Another database file is there, and it is empty.
    Empty,
}

impl WatchedDatabase {
    pub(super) fn new(
        location: Location,
        readers: Readers,
        upgrade: Arc<Upgrade>,
        if_missing: IfMissing,
    ) -> Self {
        Self { location, readers, upgrade, open: None, header: None, was_full: false, if_missing, told: None }
    }

    /// The database whose files are at the path now. Opens it if it is not open, and upgrades its tables if
    /// that is wanted.
    pub(super) fn open(&mut self) -> Result<&Open, StoreError> {
        self.leave_what_moved()?;
        let open = match self.open.take() {
            Some(open) => open,
            None => self.open_files()?,
        };
        let open = self.open.insert(open);
        open.upgrade(&self.upgrade)?;
        Ok(open)
    }

    /// Closes a connection that failed; it costs little to open the files again. A database in memory would
    /// be gone.
    pub(super) fn close_failed(&mut self) {
        if self.files().is_some_and(|files| files.are_in_place()) && self.overwritten().is_none() {
            self.open = None;
        }
    }

    fn files(&self) -> Option<&Arc<OpenFiles>> {
        self.open.as_ref().and_then(|open| open.files.as_ref())
    }

    /// Closes the open files if others are at the path. Fails if no file there can be opened; then the
    /// connection stays, so that the old files are used again if they come back.
    fn leave_what_moved(&mut self) -> Result<(), StoreError> {
        let Some(files) = self.files().map(Arc::clone) else { return Ok(()) };
        let found = files.look().map_err(|error| unavailable(&error.to_string()))?;
        let lost = match Lost::between(&files, found) {
            // The contents of the log do not belong into a file that was overwritten.
            lost @ (None | Some(Lost::LogDeleted)) => self.overwritten().or(lost),
            lost => lost,
        };
        let Some(lost) = lost else {
            if self.told.take().is_some() {
                tracing::info!("the database's files are back");
                self.readers.open(files);
            }
            return Ok(());
        };
        self.readers.close();
        self.tell(lost, &files);
        match lost {
            Lost::Deleted => return Err(unavailable("the database file was deleted")),
            Lost::OldLogLeft => return Err(unavailable("the log of another database file is there")),
            Lost::LogReplaced => return Err(unavailable("another program has begun a log of its own")),
            Lost::Overwritten => {
                self.leave_log_alone();
                return Err(unavailable("the database file was written over"));
            }
            Lost::LogDeleted => self.write_log_back()?,
            Lost::Replaced => self.was_full = self.was_full || self.is_full(),
            Lost::Empty => {}
        }
        // SQLite shares its knowledge of a file among all connections of the process: all of them must be
        // closed.
        if !self.readers.disconnect() {
            return Err(unavailable("queries still read the files before"));
        }
        self.open = None;
        self.header = None;
        Ok(())
    }

    fn overwritten(&mut self) -> Option<Lost> {
        let in_order = self.header.as_mut().is_none_or(Header::is_in_order);
        (!in_order).then_some(Lost::Overwritten)
    }

    /// Lets the connection end without a checkpoint, which would mix two databases in one file.
    fn leave_log_alone(&self) {
        let Some(open) = &self.open else { return };
        if let Err(error) = open.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
            tracing::error!(%error, "the log will be written into the database file at the end");
        }
    }

    /// Whether the open database contains users or a ring.
    fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|open| holds_lasting_rows(&open.connection).unwrap_or(true))
    }

    /// Writes the contents of the deleted log into the database file.
    fn write_log_back(&self) -> Result<(), StoreError> {
        let Some(open) = &self.open else { return Ok(()) };
        let is_empty = empty_log(&open.connection).map_err(store_error)?;
        if is_empty { Ok(()) } else { Err(unavailable("queries still read the log")) }
    }

    fn open_files(&mut self) -> Result<Open, StoreError> {
        self.refuse_overwritten()?;
        let opened = self.location.open_writer(self.if_missing == IfMissing::Create)?;
        let files = opened.files.map(Arc::new);
        let mut open = Open { connection: opened.connection, upgraded: false, files };
        // This comes before queries can read it: they rely on the columns of the current version.
        open.upgrade(&self.upgrade)?;
        if let Some(files) = open.files.clone() {
            self.refuse_empty(&open, &files)?;
            self.watch(&files)?;
            self.if_missing = IfMissing::Refuse;
            self.readers.open(Arc::clone(&files));
            if self.told.take().is_some() {
                tracing::warn!(file = %files.database().display(), "the database was opened anew");
            }
        }
        Ok(open)
    }

    /// An empty database in the place of one that was not empty was made by mistake.
    fn refuse_empty(&mut self, open: &Open, files: &OpenFiles) -> Result<(), StoreError> {
        if self.was_full && !holds_lasting_rows(&open.connection)? {
            self.tell(Lost::Empty, files);
            return Err(unavailable("an empty database is in the place of the one before"));
        }
        Ok(())
    }

    /// Fails if the file at the path was overwritten since it was last open, before SQLite writes its log
    /// into it.
    fn refuse_overwritten(&mut self) -> Result<(), StoreError> {
        let Some(file) = self.location.path() else { return Ok(()) };
        let Ok(Some(found)) = file_at(&file) else { return Ok(()) };
        if self.header.as_ref().is_some_and(|header| header.is_of(found)) && self.overwritten().is_some() {
            return Err(unavailable("the database file was written over"));
        }
        Ok(())
    }

    /// Begins to watch the file that was just opened.
    fn watch(&mut self, files: &OpenFiles) -> Result<(), StoreError> {
        let is_open = |header: &Header| files.files().database.is_some_and(|file| header.is_of(file));
        if !self.header.as_ref().is_some_and(is_open) {
            let opened = Header::open(files.database()).map_err(|error| unavailable(&error.to_string()))?;
            if !is_open(&opened) {
                return Err(unavailable("the files changed while they were opened"));
            }
            self.header = Some(opened);
        }
        match self.overwritten() {
            Some(_) => Err(unavailable("the database file is not in order")),
            None => Ok(()),
        }
    }

    /// Logs what happened, once.
    fn tell(&mut self, lost: Lost, files: &OpenFiles) {
        if self.told == Some(lost) {
            return;
        }
        self.told = Some(lost);
        let (file, log) = (files.database().display(), files.log().display());
        match lost {
            Lost::Deleted => tracing::error!(
                %file,
                "the database file was deleted or moved while the server runs: accounts are off until a file is there, and the server does not make one; put it back, or restore a backup"
            ),
            Lost::OldLogLeft => tracing::error!(
                %file,
                %log,
                "another database file is there, but the log beside it belongs to the file before and would damage it: \
                 remove the files that end with -wal and -shm"
            ),
            Lost::LogReplaced => tracing::error!(
                %file,
                %log,
                "the log of the database was deleted while the server runs, and another program has begun a new log: stop that program and this server, then start this server"
            ),
            Lost::LogDeleted => tracing::error!(
                %file,
                %log,
                "the log of the database was deleted while the server runs; its contents are written into the database file"
            ),
            Lost::Overwritten => tracing::error!(
                %file,
                %log,
                "the database file was written over or cut short while the server runs, such as by cp: accounts are off; stop \
                 this server, remove the files that end with -wal and -shm, put a backup in place, and start"
            ),
            Lost::Empty => tracing::error!(
                %file,
                "another database file is there, with no users and no keys in it: it is not used; restore a backup, or \
                 restart this server to begin anew"
            ),
            Lost::Replaced => tracing::error!(
                %file,
                "another database file is there; it is opened instead of the previous one"
            ),
        }
    }
}

impl Drop for WatchedDatabase {
    fn drop(&mut self) {
        if self.overwritten().is_some() {
            self.leave_log_alone();
        }
    }
}

impl Open {
    /// Converts the tables to the current version, if that is wanted and was not done.
    fn upgrade(&mut self, upgrade: &Upgrade) -> Result<(), StoreError> {
        if !self.upgraded && upgrade.wanted.load(Ordering::Acquire) {
            migrate(&mut self.connection)?;
            self.upgraded = true;
            upgrade.done.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Fails if the path no longer leads to the open files: data that was written to them will be lost.
    pub(super) fn confirm(&self) -> Result<(), StoreError> {
        match &self.files {
            Some(files) if !files.are_in_place() => Err(unavailable("the files changed under the commit")),
            _ => Ok(()),
        }
    }
}

impl Lost {
    /// `None` if the files are in place.
    fn between(open: &OpenFiles, found: Files) -> Option<Self> {
        let before = open.files();
        if found == before {
            return None;
        }
        Some(if found.database.is_none() {
            Self::Deleted
        } else if found.database != before.database {
            if found.log.is_some() && found.log == before.log { Self::OldLogLeft } else { Self::Replaced }
        } else if found.log.is_none()
            || (found.log == before.log && found.index.is_none())
            || is_empty(open.log())
        {
            Self::LogDeleted
        } else {
            Self::LogReplaced
        })
    }
}

fn is_empty(file: &std::path::Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.len() == 0)
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.into())
}
