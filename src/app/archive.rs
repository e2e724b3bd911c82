//! A backup as one tar archive, for a place from which no folder can be copied, such as a container without a
//! shell.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tar::{Builder, EntryType, Header};

use super::backup::{Backup, BackupError, KEYS, whole};
use crate::config::{Config, StoreChoice};
use crate::entropy::Entropy;
use crate::keys::custody::{FileCopy, read_folder};
use crate::store::sqlite::Sqlite;

/// The contents of a backup, read completely before anything is written: a reader of the archive believes
/// that a file which is there is whole.
pub struct Archive {
    database: Option<File>,
    keys: Vec<FileCopy>,
}

impl Archive {
    /// Reads the embedded database and the folder of keys, as [`super::back_up`] copies them. The copy of the
    /// database is on the same disk, in a file without a name; the keys stay in memory.
    ///
    /// # Errors
    /// [`BackupError`]
    pub fn read(config: &Config, entropy: &Entropy) -> Result<Self, BackupError> {
        let keys = read_folder(&config.keys_dir).map_err(|(path, error)| BackupError::Copy(path, error))?;
        let database = match &config.store {
            StoreChoice::Sqlite(folder) => Sqlite::copy_unnamed(folder, &entropy.jti()?)?,
            StoreChoice::Mongo(_) | StoreChoice::Absent => None,
        };
        let archive = Self { database, keys };
        whole(config, &archive.contents()).map(|()| archive)
    }

    /// The contents, by their paths in the archive.
    pub fn contents(&self) -> Backup {
        Backup {
            database: self.database.as_ref().map(|_| PathBuf::from(Sqlite::FILE)),
            keys: (!self.keys.is_empty()).then(|| PathBuf::from(KEYS)),
        }
    }

    /// Writes the archive to `to`: the database, then the keys in the order of their names, and the ring
    /// last. Calls `done` with the path of each.
    ///
    /// # Errors
    /// [`BackupError::Archive`]. The archive then has no end, and `tar` reports that.
    pub fn write(self, to: impl Write, mut done: impl FnMut(&Path)) -> Result<(), BackupError> {
        let mut archive = Builder::new(to);
        match self.append(&mut archive, &mut done) {
            Ok(()) => archive.into_inner().and_then(|mut to| to.flush()).map_err(BackupError::Archive),
            Err(error) => {
                // If it were dropped, it would write the end of an archive that is not complete.
                std::mem::forget(archive);
                Err(BackupError::Archive(error))
            }
        }
    }

    fn append(self, archive: &mut Builder<impl Write>, done: &mut impl FnMut(&Path)) -> io::Result<()> {
        if let Some(database) = self.database {
            let metadata = database.metadata()?;
            let header = header(EntryType::Regular, 0o600, metadata.len(), metadata.modified()?);
            append(archive, header, Path::new(Sqlite::FILE), database, done)?;
        }
        if let Some(newest) = self.keys.iter().map(|copy| copy.modified_at).max() {
            let header = header(EntryType::Directory, 0o700, 0, newest);
            append(archive, header, Path::new(KEYS), io::empty(), done)?;
        }
        for copy in &self.keys {
            let header = header(EntryType::Regular, 0o600, copy.bytes.len() as u64, copy.modified_at);
            append(archive, header, &Path::new(KEYS).join(&copy.name), &copy.bytes[..], done)?;
        }
        Ok(())
    }
}

fn append(
    archive: &mut Builder<impl Write>,
    mut header: Header,
    path: &Path,
    content: impl Read,
    done: &mut impl FnMut(&Path),
) -> io::Result<()> {
    archive.append_data(&mut header, path, content)?;
    done(path);
    Ok(())
}

/// The header of a file that this process would create in a folder: its owner is the user of this process.
fn header(kind: EntryType, mode: u32, size: u64, modified_at: SystemTime) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(rustix::process::geteuid().as_raw().into());
    header.set_gid(rustix::process::getegid().as_raw().into());
    header.set_mtime(modified_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    header
}
