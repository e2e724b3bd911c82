//! A copy of a folder of keys, as it is at one instant: no step is taken while the folder's lock is held.

use std::path::Path;
use std::{fs, io};

use super::file;

/// Copies the files of the folder `from`, each for its owner alone, to the folder `to`, which is made. Gives how many
/// there were; none where there is no such folder.
///
/// # Errors
/// What the system says; then the copy is not whole.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<usize> {
    if !from.exists() {
        return Ok(0);
    }
    // On file systems without locks a copy while a key changes may lack that key.
    let _lock = match file::lock(from) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error),
        other => other.ok(),
    };
    file::make_folder(to)?;
    let mut copied = 0;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.file_type()?.is_file() || file::is_unfinished(&name) {
            continue;
        }
        if let Some(found) = file::read_ring(&entry.path())? {
            file::publish(to, &name, &found.text, 0o600)?;
            copied += 1;
        }
    }
    Ok(copied)
}
