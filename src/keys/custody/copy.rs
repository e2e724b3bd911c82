//! A copy of a folder of keys at one instant: the folder's lock is held, so that no step is taken meanwhile.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::directory::RING;
use super::file;

/// A file in a folder of keys: a key, the ring, or any other file.
pub struct FileCopy {
    /// Its name in the folder.
    pub name: OsString,
    /// Its contents.
    pub bytes: Zeroizing<Vec<u8>>,
    /// When it was last written.
    pub modified_at: SystemTime,
}

/// Copies the files of the folder `from` to the folder `to`, which this makes; each copy is readable only for
/// its owner. If a file is a link, its target is copied. Returns the number of files; zero if the folder
/// does not exist.
///
/// # Errors
/// The file, and the error of the system; then the copy is not complete.
pub fn copy_folder(from: &Path, to: &Path) -> Result<usize, (PathBuf, io::Error)> {
    if !from.exists() {
        return Ok(0);
    }
    let copies = read_folder(from)?;
    file::make_folder(to).map_err(of(to))?;
    for copy in &copies {
        let path = to.join(&copy.name);
        write(copy, &path).map_err(of(&path))?;
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(of(to))?;
    Ok(copies.len())
}

/// The files of the folder `from` in the order of their names, and the ring last. If a file is a link, its
/// target is read. The list is empty if the folder does not exist.
///
/// # Errors
/// The file, and the error of the system.
pub fn read_folder(from: &Path) -> Result<Vec<FileCopy>, (PathBuf, io::Error)> {
    if !from.exists() {
        return Ok(Vec::new());
    }
    // On file systems without locks, a copy that is made while a key changes may lack that key.
    let _lock = match file::lock(from) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(of(from)(error)),
        other => other.ok(),
    };
    let mut copies = Vec::new();
    for entry in fs::read_dir(from).map_err(of(from))? {
        let entry = entry.map_err(of(from))?;
        let path = entry.path();
        // A link is followed, as it is when keys are read: all files of mounted secrets are links.
        let metadata = fs::metadata(&path).map_err(of(&path))?;
        if metadata.is_file() && !file::is_unfinished(&entry.file_name().to_string_lossy()) {
            copies.push(FileCopy {
                name: entry.file_name(),
                bytes: Zeroizing::new(fs::read(&path).map_err(of(&path))?),
                modified_at: metadata.modified().map_err(of(&path))?,
            });
        }
    }
    // The ring is the last file, so that an archive which was cut short can be recognised: it lacks the ring.
    copies.sort_by_key(|copy| (copy.name == RING, copy.name.clone()));
    Ok(copies)
}

fn write(copy: &FileCopy, to: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    file.write_all(&copy.bytes)?;
    file.sync_all()
}

fn of(path: &Path) -> impl Fn(io::Error) -> (PathBuf, io::Error) {
    let path = path.to_owned();
    move |error| (path.clone(), error)
}
