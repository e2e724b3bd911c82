//! A copy of a folder of keys, as it is at one instant: no step is taken while the folder's lock is held.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::directory::RING;
use super::file;

/// A file of a folder of keys: a key, the ring, or whatever else lies there.
pub struct FileCopy {
    /// Its name in the folder.
    pub name: OsString,
    /// What it holds.
    pub bytes: Zeroizing<Vec<u8>>,
    /// When it was last written.
    pub modified_at: SystemTime,
}

/// Copies the files of the folder `from`, each for its owner alone, to the folder `to`, which is made. What is linked is
/// copied as what it leads to. Gives how many there were; none where there is no such folder.
///
/// # Errors
/// The file, and what the system says; then the copy is not whole.
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

/// The files of the folder `from`, in the order of their names, and the ring behind them. What is linked is read as what it leads to. None where there
/// is no such folder.
///
/// # Errors
/// The file, and what the system says.
pub fn read_folder(from: &Path) -> Result<Vec<FileCopy>, (PathBuf, io::Error)> {
    if !from.exists() {
        return Ok(Vec::new());
    }
    // On file systems without locks a copy while a key changes may lack that key.
    let _lock = match file::lock(from) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(of(from)(error)),
        other => other.ok(),
    };
    let mut copies = Vec::new();
    for entry in fs::read_dir(from).map_err(of(from))? {
        let entry = entry.map_err(of(from))?;
        let path = entry.path();
        // A link is followed, as it is where keys are read: mounted secrets are nothing but links.
        let metadata = fs::metadata(&path).map_err(of(&path))?;
        if metadata.is_file() && !file::is_unfinished(&entry.file_name().to_string_lossy()) {
            copies.push(FileCopy {
                name: entry.file_name(),
                bytes: Zeroizing::new(fs::read(&path).map_err(of(&path))?),
                modified_at: metadata.modified().map_err(of(&path))?,
            });
        }
    }
    // The ring is the last: an archive that was cut short lacks it, and is recognised by that.
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
