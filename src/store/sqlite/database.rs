//! What the writing thread knows of its database: the connection, and whether the files at the path are still those that
//! it has open. It never makes a file once it has had one open, for an empty database in the place of a full one looks
//! like a success to everybody who registers.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::connection::Location;
use super::files::{Files, OpenFiles};
use super::migrations::migrate;
use super::readers::Readers;
use super::{Upgrade, store_error};
use crate::store::{IfMissing, StoreError};

/// The writer's side of the database.
#[derive(Debug)]
pub(super) struct Database {
    location: Location,
    readers: Readers,
    upgrade: Arc<Upgrade>,
    open: Option<Open>,
    /// Whether a file is made where there is none: never once one was open.
    if_missing: IfMissing,
    /// What was last told of the files; nothing where all is well.
    told: Option<Lost>,
}

/// An open database.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) connection: Connection,
    /// Whether the tables are of today's version.
    upgraded: bool,
    /// None where the database is in memory.
    files: Option<Arc<OpenFiles>>,
}

/// How the files at the path differ from those that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    /// There is no database file.
    Deleted,
    /// Another database file is there, and the log of the one before beside it.
    OldLogLeft,
    /// Another database file is there.
    Replaced,
    /// The log or its index is gone, and nothing has taken its place.
    LogDeleted,
    /// Another program has begun a log of its own.
    LogReplaced,
}

impl Database {
    pub(super) fn new(
        location: Location,
        readers: Readers,
        upgrade: Arc<Upgrade>,
        if_missing: IfMissing,
    ) -> Self {
        Self { location, readers, upgrade, open: None, if_missing, told: None }
    }

    /// The database whose files lie at the path now; opens it where it is not open, and upgrades its tables where that is
    /// wanted.
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

    /// Closes a connection that failed; to open the files anew costs little. A database in memory would be gone.
    pub(super) fn close_failed(&mut self) {
        if self.files().is_some_and(|files| files.are_in_place()) {
            self.open = None;
        }
    }

    fn files(&self) -> Option<&Arc<OpenFiles>> {
        self.open.as_ref().and_then(|open| open.files.as_ref())
    }

    /// Closes what is open where other files are at the path. Fails where nothing there can be opened; then the connection
    /// stays, so that what comes back is used as it was.
    fn leave_what_moved(&mut self) -> Result<(), StoreError> {
        let Some(files) = self.files().map(Arc::clone) else { return Ok(()) };
        let found = files.look().map_err(|error| unavailable(&error.to_string()))?;
        let Some(lost) = Lost::between(&files, found) else {
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
            Lost::LogDeleted => self.write_log_back()?,
            Lost::Replaced => {}
        }
        // SQLite shares what it knows of a file among all connections of the process: all of them must go.
        if !self.readers.disconnect() {
            return Err(unavailable("queries still read the files before"));
        }
        self.open = None;
        Ok(())
    }

    /// Brings what is in the deleted log into the database file.
    fn write_log_back(&self) -> Result<(), StoreError> {
        let Some(open) = &self.open else { return Ok(()) };
        let busy = |row: &rusqlite::Row<'_>| row.get::<_, bool>(0);
        let busy = open.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], busy);
        if busy.map_err(store_error)? { Err(unavailable("queries still read the log")) } else { Ok(()) }
    }

    fn open_files(&mut self) -> Result<Open, StoreError> {
        let opened = self.location.open_writer(self.if_missing == IfMissing::Create)?;
        let files = opened.files.map(Arc::new);
        let mut open = Open { connection: opened.connection, upgraded: false, files };
        // Before queries can read it: they count on the columns of today.
        open.upgrade(&self.upgrade)?;
        if let Some(files) = &open.files {
            self.if_missing = IfMissing::Refuse;
            self.readers.open(Arc::clone(files));
            if self.told.take().is_some() {
                tracing::warn!(file = %files.database().display(), "the database was opened anew");
            }
        }
        Ok(open)
    }

    /// Tells the log what happened, once.
    fn tell(&mut self, lost: Lost, files: &OpenFiles) {
        if self.told == Some(lost) {
            return;
        }
        self.told = Some(lost);
        let (file, log) = (files.database().display(), files.log().display());
        match lost {
            Lost::Deleted => tracing::error!(
                %file,
                "the database file was deleted or moved while the server runs: accounts are off until a file is there, \
                 and the server makes none; put it back, or restore a backup"
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
                "the log of the database was deleted while the server runs, and another program has begun a new one: \
                 stop that program and this server, then start this server"
            ),
            Lost::LogDeleted => tracing::error!(
                %file,
                %log,
                "the log of the database was deleted while the server runs; what it held goes into the database file"
            ),
            Lost::Replaced => tracing::error!(
                %file,
                "another database file is there; it is opened in the place of the one before"
            ),
        }
    }
}

impl Open {
    /// Brings the tables to today's version, where that is wanted and was not done.
    fn upgrade(&mut self, upgrade: &Upgrade) -> Result<(), StoreError> {
        if !self.upgraded && upgrade.wanted.load(Ordering::Acquire) {
            migrate(&mut self.connection)?;
            self.upgraded = true;
            upgrade.done.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Fails where the path no longer leads to the files that are open: what was written to them is not there to stay.
    pub(super) fn confirm(&self) -> Result<(), StoreError> {
        match &self.files {
            Some(files) if !files.are_in_place() => Err(unavailable("the files changed under the commit")),
            _ => Ok(()),
        }
    }
}

impl Lost {
    /// Nothing where the files are in place.
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
