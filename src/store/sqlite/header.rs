//! The first bytes of a database file, which show whether it was overwritten. In WAL mode SQLite changes the
//! file only at checkpoints, and these never undo anything: the counter of changes and the cookie of the
//! schema only grow, the file shrinks only with a new counter, and the mode stays.
//! <https://www.sqlite.org/fileformat2.html#the_database_header>

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::files::FileId;

const MAGIC: &[u8] = b"SQLite format 3\0";
const LENGTH: usize = 100;

/// The open database file, and its state when it was last in order. Closing the file ends every lock that
/// this process has on it, including SQLite's: it stays open as long as a connection does.
#[derive(Debug)]
pub(super) struct Header {
    file: File,
    seen: Option<Seen>,
}

/// The values with which a later look is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    size: u64,
    /// The format versions, which show whether there is a log.
    format: [u8; 2],
    changes: u32,
    schema: u32,
}

impl Header {
    /// Opens the file at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, seen: None })
    }

    /// Whether it is this file.
    pub(super) fn is_of(&self, file: FileId) -> bool {
        self.file.metadata().is_ok_and(|found| FileId::of(&found) == file)
    }

    /// Whether the file may still be the one that was seen before. Returns false also if it cannot be read.
    pub(super) fn is_in_order(&mut self) -> bool {
        let Ok(Some(found)) = self.read() else { return false };
        let in_order = self.seen.is_none_or(|seen| found.may_follow(&seen));
        if in_order {
            self.seen = Some(found);
        }
        in_order
    }

    /// `None` if it is not a database.
    fn read(&self) -> io::Result<Option<Seen>> {
        let mut bytes = [0; LENGTH];
        self.file.read_exact_at(&mut bytes, 0)?;
        let size = self.file.metadata()?.size();
        let number = |at: usize| {
            let mut number = [0; 4];
            number.copy_from_slice(&bytes[at..at + 4]);
            u32::from_be_bytes(number)
        };
        let (format, changes, schema) = ([bytes[18], bytes[19]], number(24), number(40));
        Ok(bytes.starts_with(MAGIC).then_some(Seen { size, format, changes, schema }))
    }
}

impl Seen {
    fn may_follow(&self, before: &Self) -> bool {
        self.format == before.format
            && self.changes >= before.changes
            && self.schema >= before.schema
            && (self.size >= before.size || self.changes > before.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn a_file_grows_and_shrinks_only_with_a_change_and_never_goes_back() {
        let before = Seen { size: 8192, format: [2, 2], changes: 7, schema: 3 };
        let follows = |size, changes, schema| Seen { size, changes, schema, ..before }.may_follow(&before);
        assert!(!Seen { format: [1, 1], ..before }.may_follow(&before), "a copy is not in WAL mode");
        assert!(follows(8192, 7, 3) && follows(12288, 7, 3) && follows(4096, 8, 3) && follows(8192, 8, 4));
        assert!(!follows(4096, 7, 3) && !follows(8192, 6, 3) && !follows(8192, 8, 2));
    }
}
