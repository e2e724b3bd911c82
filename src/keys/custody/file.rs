//! Reads and writes one key file: with a limited size, completely or not at all, and never over another file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use crate::domain::Timestamp;

/// The most bytes of a key.
const LONGEST_KEY: u64 = 64 * 1024;
/// The most bytes of a ring.
const LONGEST_RING: u64 = 16 * 1024 * 1024;
/// This is enough for the holder of the lock, which writes only one or two files.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// The beginning of the names of unfinished files.
const TEMPORARY: &str = ".unfinished-";

/// The text of a key file, and the metadata of its inode.
pub(super) struct KeyFile {
    pub(super) text: Zeroizing<String>,
    pub(super) modified_at: Timestamp,
    pub(super) mode: u32,
}

/// Reads the file of a key; `None` if it does not exist. A dangling link is an error.
pub(super) fn read(path: &Path) -> io::Result<Option<KeyFile>> {
    read_up_to(LONGEST_KEY, "it is larger than 64 KiB, the limit for a key", path)
}

/// The same for the document of the ring.
pub(super) fn read_ring(path: &Path) -> io::Result<Option<KeyFile>> {
    read_up_to(LONGEST_RING, "it is larger than 16 MiB, the limit for a ring", path)
}

fn read_up_to(longest: u64, larger: &'static str, path: &Path) -> io::Result<Option<KeyFile>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if path.is_symlink() { Err(io::Error::other("it is a dangling link")) } else { Ok(None) };
        }
        other => other?,
    };
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len().min(longest) as usize + 1));
    File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::other(larger));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "it is not text; if it is a key in DER, convert it to PEM")
    })?;
    let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Some(KeyFile {
        text: Zeroizing::new(text.to_owned()),
        modified_at: Timestamp::from_millis(since.as_millis() as u64),
        mode: metadata.permissions().mode() & 0o777,
    }))
}

/// Writes `text` to a new file unless one exists: it writes a temporary file, syncs it, renames it, and syncs
/// the folder.
pub(super) fn publish(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    put(folder, name, text, mode, rename_new)
}

/// The same, but replaces an existing file: at any instant a reader finds the old text or the new one.
pub(super) fn replace(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    put(folder, name, text, mode, |from, to| fs::rename(from, to))
}

/// Removes a file for good; it is not an error if the file is gone already.
pub(super) fn remove(folder: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.and_then(|()| File::open(folder)?.sync_all()),
    }
}

fn put(
    folder: &Path,
    name: &str,
    text: &str,
    mode: u32,
    rename: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = folder.join(format!("{TEMPORARY}{name}-{}", std::process::id()));
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    let written = write(file, text, mode).and_then(|()| rename(&temporary, &folder.join(name)));
    if written.is_err() {
        // No half-written file stays, if the system allows removing it.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write(mut file: File, text: &str, mode: u32) -> io::Result<()> {
    // The umask may have removed bits, or an inherited rule may have added some.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Renames a file, but never over another one; if the file system does not support that, it uses a hard link.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        other => Ok(other?),
    }
}

/// Whether a file with this name is one that a process is about to write, or that a killed process left.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Removes the files that a killed process left. The caller must hold the folder's lock.
pub(super) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_unfinished(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the folder, readable only for its owner, if it is missing.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Locks the folder against other processes until the returned file is dropped, however this process ends. If
/// a process is stopped while it holds the lock, this does not wait for it: `TimedOut`.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    let handle = File::open(folder)?;
    for _ in 0..LOCK_TRIES {
        match handle.try_lock() {
            Ok(()) => return Ok(handle),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}
