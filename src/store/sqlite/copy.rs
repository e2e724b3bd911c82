//! A copy of the database at one instant, made by SQLite while other connections write to the database.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::connection::Location;
use super::{Sqlite, store_error};
use crate::store::StoreError;

impl Sqlite {
    /// Copies the database in `folder` to a file of the same name in the folder `to`, readable only for its
    /// owner, and returns when it is on disk. `None` if there is no database.
    ///
    /// # Errors
    /// [`StoreError`]; `Unavailable` if the copy cannot be written.
    pub fn copy(folder: &Path, to: &Path) -> Result<Option<PathBuf>, StoreError> {
        let location = Location::new(folder);
        if location.is_missing() {
            return Ok(None);
        }
        let Some(connection) = location.open_reader()? else { return Ok(None) };
        let unwritable =
            |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", to.display()).into());
        let file = to.join(Self::FILE);
        // SQLite accepts an empty file, and does not change its mode.
        make_empty(to, &file).map_err(unwritable)?;
        // Absolute, because SQLite reads a path that begins with `file:` as a URI; and text, because SQLite
        // accepts only text.
        let absolute = file.canonicalize().map_err(unwritable)?;
        let name = absolute.to_str().ok_or_else(|| unwritable(std::io::Error::other("not UTF-8")))?;
        connection.execute("VACUUM INTO ?1", [name]).map_err(store_error)?;
        let synced = File::open(&file).and_then(|file| file.sync_all());
        synced.and_then(|()| File::open(to)?.sync_all()).map_err(unwritable)?;
        Ok(Some(file))
    }

    /// Copies the database in `folder` to a file without a name, which is gone when it is closed. While it is
    /// written, it is in a folder of the same disk, whose name ends with `mark`. `None` if there is no
    /// database.
    ///
    /// # Errors
    /// [`StoreError`]; `Unavailable` if the copy cannot be written.
    pub fn copy_unnamed(folder: &Path, mark: &str) -> Result<Option<File>, StoreError> {
        let at = folder.join(format!(".backup-{mark}"));
        let lost =
            |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", at.display()).into());
        let copied = Self::copy(folder, &at).and_then(|copy| copy.map(File::open).transpose().map_err(lost));
        match fs::remove_dir_all(&at) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => copied.and(Err(lost(error))),
            _ => copied,
        }
    }
}

fn make_empty(folder: &Path, file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map(drop)
}
