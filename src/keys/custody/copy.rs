//! A copy of a folder of keys, as it is at one instant: no step is taken while the folder's lock is held.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::file;

/// Copies the files of the folder `from`, each for its owner alone, to the folder `to`, which is made. What is linked is
/// copied as what it leads to. Gives how many there were; none where there is no such folder.
///
/// # Errors
/// The file, and what the system says; then the copy is not whole.
pub fn copy_folder(from: &Path, to: &Path) -> Result<usize, (PathBuf, io::Error)> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    if !from.exists() {
        return Ok(0);
    }
    // On file systems without locks a copy while a key changes may lack that key.
    let _lock = match file::lock(from) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(of(from)(error)),
        other => other.ok(),
    };
    file::make_folder(to).map_err(of(to))?;
    let mut copied = 0;
    for entry in fs::read_dir(from).map_err(of(from))? {
        let entry = entry.map_err(of(from))?;
        let (name, path) = (entry.file_name(), entry.path());
        // A link is followed, as it is where keys are read: mounted secrets are nothing but links.
        let is_file = fs::metadata(&path).map_err(of(&path))?.is_file();
        if is_file && !file::is_unfinished(&name.to_string_lossy()) {
            copy_file(&path, &to.join(name)).map_err(of(&path))?;
            copied += 1;
        }
    }
    File::open(to).and_then(|folder| folder.sync_all()).map_err(of(to))?;
    Ok(copied)
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = zeroize::Zeroizing::new(fs::read(from)?);
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    copy.write_all(&bytes)?;
    copy.sync_all()
}
