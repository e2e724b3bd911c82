//! `AUDIT_CHECKPOINT_FILE`: a file to which each checkpoint is appended, one compact JWS a line, for a place that an attacker of
//! the database cannot change.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Access;

use super::seen_checkpoint::SeenCheckpoint;
use crate::event_record::Checkpoint;
use crate::store::{Checkpoints, StoreError, StoredCheckpoint};

/// More than the longest line: a JWS has at most 16 KiB.
const LAST_BYTES: u64 = 64 * 1024;
/// Checkpoints that are read and written at once.
const AT_ONCE: usize = 500;

/// Why a checkpoint cannot be appended.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointFileError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be read or written.
    #[error("AUDIT_CHECKPOINT_FILE={} cannot be used: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// The file says something else than the database.
    #[error(
        "AUDIT_CHECKPOINT_FILE={} ends with the checkpoint {number}, and the database does not have it: one of them was changed, \
         or the database is an older copy. `audit verify --checkpoints` compares them. Move the file to another place to \
         continue with a new one.",
        .path.display()
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// The last checkpoint of the file.
        number: u64,
    },
}

/// The file. Each instance has its own, which gets the checkpoints of all instances.
pub struct CheckpointFile {
    path: PathBuf,
    /// The last checkpoint that this process has found or written there; `None` before the first look.
    last: Option<SeenCheckpoint>,
}

/// The end of the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct End {
    /// The last whole line.
    line: Option<String>,
    /// Whether a line behind it was cut off.
    is_cut: bool,
}

impl CheckpointFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path, last: None }
    }

    /// Whether checkpoints can be appended, as far as that shows without a change: neither the file nor anything else is made.
    ///
    /// # Errors
    /// [`CheckpointFileError::File`].
    pub fn check(&self) -> Result<(), CheckpointFileError> {
        let existing = OpenOptions::new().append(true).open(&self.path).map(drop);
        let checked = match existing {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                rustix::fs::access(folder_of(&self.path), Access::WRITE_OK | Access::EXEC_OK)
                    .map_err(|error| io::Error::new(error.kind(), format!("its folder: {error}")))
            }
            other => other,
        };
        checked.map_err(|cause| self.fault(cause))
    }

    /// Appends the checkpoints that are not in the file. A new file begins with the last one, which vouches for all before it.
    ///
    /// # Errors
    /// [`CheckpointFileError`]; the next call tries again.
    pub async fn append_new(
        &mut self,
        checkpoints: &Arc<dyn Checkpoints>,
    ) -> Result<(), CheckpointFileError> {
        let begun = match self.last {
            Some(last) => Some(last),
            None => self.begin(checkpoints).await?,
        };
        let Some(mut last) = begun else { return Ok(()) };
        loop {
            let mut new = checkpoints.list_checkpoints(last.number.saturating_sub(1), AT_ONCE).await?;
            if !new.first().is_some_and(|first| last.admits(first)) {
                return Err(CheckpointFileError::Differs { path: self.path.clone(), number: last.number });
            }
            let is_full = new.len() == AT_ONCE;
            new.retain(|checkpoint| checkpoint.number > last.number);
            if let Some(newest) = new.last().map(|newest| SeenCheckpoint::of(newest.number, &newest.jws)) {
                self.in_background(move |path| append(path, &new)).await?;
                last = newest;
            }
            self.last = Some(last);
            if !is_full {
                return Ok(());
            }
        }
    }

    /// The last checkpoint of the file. A new file gets the last one of the database; `None` if there is none yet.
    async fn begin(
        &self,
        checkpoints: &Arc<dyn Checkpoints>,
    ) -> Result<Option<SeenCheckpoint>, CheckpointFileError> {
        if let Some(line) = self.in_background(end_of).await?.line {
            let unusable = || io::Error::other("its last line is no checkpoint");
            let says = Checkpoint::read_unverified(&line).ok_or_else(unusable);
            let number = says.map_err(|cause| self.fault(cause))?.number;
            return Ok(Some(SeenCheckpoint::of(number, &line)));
        }
        let Some(last) = checkpoints.find_last_checkpoint().await? else { return Ok(None) };
        let seen = SeenCheckpoint::of(last.number, &last.jws);
        self.in_background(move |path| append(path, &[last])).await?;
        Ok(Some(seen))
    }

    /// Works on the file on a thread that may wait.
    async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, CheckpointFileError> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        done.unwrap_or_else(|ended| Err(io::Error::other(ended))).map_err(|cause| self.fault(cause))
    }

    fn fault(&self, cause: io::Error) -> CheckpointFileError {
        CheckpointFileError::File { path: self.path.clone(), cause }
    }
}

/// Appends lines, and returns when they are on the disk.
fn append(path: &Path, checkpoints: &[StoredCheckpoint]) -> io::Result<()> {
    let mut lines = String::new();
    // A crash can have cut a line off. What is there stays as it is: the file may be one to which programs can only append.
    if end_of(path)?.is_cut {
        lines.push('\n');
    }
    for checkpoint in checkpoints {
        lines.push_str(&checkpoint.jws);
        lines.push('\n');
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()?;
    // A new file is on the disk with its folder.
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn end_of(path: &Path) -> io::Result<End> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(End::default()),
        other => other?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(LAST_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let (whole, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
    let line = whole.rsplit('\n').map(str::trim).find(|line| !line.is_empty()).map(ToOwned::to_owned);
    Ok(End { line, is_cut: !rest.is_empty() })
}

#[cfg(test)]
mod tests {
    use super::{End, append, end_of};
    use crate::store::StoredCheckpoint;

    fn checkpoint(jws: &str) -> StoredCheckpoint {
        StoredCheckpoint { number: 1, seq: 1, jws: jws.to_owned(), key: "k".to_owned() }
    }

    #[test]
    fn lines_are_appended_also_behind_one_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoints");
        assert_eq!(end_of(&path).unwrap(), End::default());
        append(&path, &[checkpoint("one"), checkpoint("two")]).unwrap();
        let end = |line: &str, is_cut| End { line: Some(line.to_owned()), is_cut };
        assert_eq!(end_of(&path).unwrap(), end("two", false));
        let cut = std::fs::read_to_string(&path).unwrap() + "thr";
        std::fs::write(&path, cut).unwrap();
        assert_eq!(end_of(&path).unwrap(), end("two", true));
        append(&path, &[checkpoint("three")]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\nthr\nthree\n");
        std::fs::write(&path, "x".repeat(200_000) + "\nlast\n").unwrap();
        assert_eq!(end_of(&path).unwrap(), end("last", false));
    }
}
