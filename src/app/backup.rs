//! A copy of everything that the service stores on this machine, made while it runs.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::config::{Config, CustodyChoice, StoreChoice};
use crate::entropy::EntropyError;
use crate::keys::custody::copy_folder;
use crate::store::StoreError;
use crate::store::sqlite::Sqlite;

/// The folder of keys in a backup.
pub(super) const KEYS: &str = "keys";

/// The contents of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The copy of the database, if it is an embedded one.
    pub database: Option<PathBuf>,
    /// The copy of `KEYS_DIR`, if that folder exists.
    pub keys: Option<PathBuf>,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something exists already at the target.
    #[error("{0} is not empty: name an empty folder, or one that does not exist yet")]
    Taken(PathBuf),
    /// The target cannot be written, or the keys cannot be read.
    #[error("cannot copy {0}: {1}")]
    Copy(PathBuf, #[source] io::Error),
    /// Something that the settings name does not exist.
    #[error(
        "there is nothing to copy: {what} in {folder} ({setting}); the backup would be incomplete without it: check the setting"
    )]
    Missing {
        /// What is missing.
        what: &'static str,
        /// The path at which it was expected.
        folder: PathBuf,
        /// The setting that contains this path.
        setting: &'static str,
    },
    /// Standard output accepts no more.
    #[error("cannot write the archive: {0}")]
    Archive(#[source] io::Error),
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The database cannot be copied.
    #[error("cannot copy the database: {0}")]
    Database(#[from] StoreError),
}

/// Copies the embedded database and the folder of keys to `to`, readable only for their owner, and returns
/// when everything is on disk.
///
/// # Errors
/// [`BackupError`]. No part of a copy stays.
pub fn back_up(config: &Config, to: &Path) -> Result<Backup, BackupError> {
    let refused = |error| BackupError::Copy(to.to_owned(), error);
    if to.exists() && fs::read_dir(to).map_err(refused)?.next().is_some() {
        return Err(BackupError::Taken(to.to_owned()));
    }
    let copied = copy(config, to);
    if copied.is_err() {
        // A person would take half a copy for a whole one. If nothing can be written there, removing it may
        // fail as well.
        let _ = fs::remove_dir_all(to.join(KEYS));
        let _ = fs::remove_file(to.join(Sqlite::FILE));
    }
    copied
}

fn copy(config: &Config, to: &Path) -> Result<Backup, BackupError> {
    let keys = to.join(KEYS);
    let files =
        copy_folder(&config.keys_dir, &keys).map_err(|(path, error)| BackupError::Copy(path, error))?;
    let database = match &config.store {
        StoreChoice::Sqlite(folder) => Sqlite::copy(folder, to)?,
        StoreChoice::Mongo(_) | StoreChoice::Absent => None,
    };
    let backup = Backup { database, keys: (files > 0).then_some(keys) };
    whole(config, &backup).map(|()| backup)
}

/// Checks that a backup has everything that the settings name.
pub(super) fn whole(config: &Config, backup: &Backup) -> Result<(), BackupError> {
    let missing =
        |what, folder: &Path, setting| BackupError::Missing { what, folder: folder.to_owned(), setting };
    if config.custody == CustodyChoice::Directory && backup.keys.is_none() {
        return Err(missing("no keys are", &config.keys_dir, "KEYS_DIR"));
    }
    match &config.store {
        StoreChoice::Sqlite(folder) if backup.database.is_none() && folder != Path::new(":memory:") => {
            Err(missing("no database is", folder, "DATA_DIR"))
        }
        _ => Ok(()),
    }
}
