//! The files of a database: device and inode of the database, of SQLite's write-ahead log (`-wal`) and of the
//! log's index (`-shm`). A program keeps the files that it has opened, even if the path leads to others by
//! now; data that it writes to a deleted file is gone when it ends.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file, whatever its path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

/// The files at the paths of a database; `None` if a file does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) database: Option<FileId>,
    pub(super) log: Option<FileId>,
    pub(super) index: Option<FileId>,
}

/// The paths of a database, and the files that a connection has opened there.
#[derive(Debug)]
pub(super) struct OpenFiles {
    database: PathBuf,
    log: PathBuf,
    index: PathBuf,
    files: Files,
}

impl FileId {
    pub(super) fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino() }
    }
}

impl OpenFiles {
    /// The files at `database` and beside the target of its link, because SQLite keeps the other two there.
    pub(super) fn at(database: &Path) -> io::Result<Self> {
        let beside = |end: &str| -> io::Result<PathBuf> {
            let mut path = database.canonicalize()?.into_os_string();
            path.push(end);
            Ok(path.into())
        };
        let (log, index) = (beside("-wal")?, beside("-shm")?);
        let nothing = Files { database: None, log: None, index: None };
        let mut open = Self { database: database.to_owned(), log, index, files: nothing };
        open.files = open.look()?;
        Ok(open)
    }

    /// The files that are at the paths now.
    pub(super) fn look(&self) -> io::Result<Files> {
        Ok(Files {
            database: file_at(&self.database)?,
            log: file_at(&self.log)?,
            index: file_at(&self.index)?,
        })
    }

    /// Whether the paths lead to the files that were opened.
    pub(super) fn are_in_place(&self) -> bool {
        self.look().is_ok_and(|found| found == self.files)
    }

    /// The files as they were opened.
    pub(super) fn files(&self) -> Files {
        self.files
    }

    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }
}

pub(super) fn file_at(path: &Path) -> io::Result<Option<FileId>> {
    match path.metadata() {
        Ok(found) => Ok(Some(FileId::of(&found))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
