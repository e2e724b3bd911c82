//! Reading and writing one key file: bounded, whole or not at all, and never over another.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use crate::domain::Timestamp;

/// No key is so large, in bytes.
const LONGEST_KEY: u64 = 64 * 1024;
/// No ring is so large, in bytes.
const LONGEST_RING: u64 = 16 * 1024 * 1024;
/// Enough tries for the holder of the lock, which writes only one or two files.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// How the names of unfinished files begin.
const TEMPORARY: &str = ".unfinished-";

/// A key file's text and what its inode says.
pub(super) struct KeyFile {
    pub(super) text: Zeroizing<String>,
    pub(super) modified_at: Timestamp,
    pub(super) mode: u32,
}

/// Reads a key's file, or nothing where there is none. A dangling link is an error.
pub(super) fn read(path: &Path) -> io::Result<Option<KeyFile>> {
    read_up_to(LONGEST_KEY, "it is larger than 64 KiB, and no key is", path)
}

/// The same for the ring's document.
pub(super) fn read_ring(path: &Path) -> io::Result<Option<KeyFile>> {
    read_up_to(LONGEST_RING, "it is larger than 16 MiB, and no ring is", path)
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

/// Writes `text` to a file unless something is there: a temporary file, synced, renamed, the folder synced.
pub(super) fn publish(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    put(folder, name, text, mode, rename_new)
}

/// The same, in the place of what is there: at any instant a reader finds the old text or the new.
pub(super) fn replace(folder: &Path, name: &str, text: &str, mode: u32) -> io::Result<()> {
    put(folder, name, text, mode, |from, to| fs::rename(from, to))
}

/// Takes a file away for good; that it is gone already is no error.
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
        // Nothing that is half written stays, if the system lets us take it away.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write(mut file: File, text: &str, mode: u32) -> io::Result<()> {
    // The umask may have taken bits away, or an inherited rule added some.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Renames, but never over another file; where the file system knows no such rename, a link does the same.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        other => Ok(other?),
    }
}

/// Whether a file of this name is one that a process is about to write, or left when it was killed.
pub(super) fn is_unfinished(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Takes away what a killed process left. Only for who holds the folder's lock.
pub(super) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_unfinished(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the folder, for its owner alone, where it is missing.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Locks the folder against other processes until the returned file is dropped, however this process ends. One that is
/// stopped while it holds the lock is not waited for: `TimedOut`.
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
