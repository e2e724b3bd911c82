//! A checkpoint that this process remembers.

use crate::event_record::{Checkpoint, Digest};
use crate::store::StoredCheckpoint;

/// The number and the digest of the last checkpoint that was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenCheckpoint {
    pub(super) number: u64,
    digest: Digest,
}

impl SeenCheckpoint {
    pub(super) fn of(number: u64, jws: &str) -> Self {
        Self { number, digest: Checkpoint::digest(jws) }
    }

    /// Whether a stored checkpoint is this one or comes after it. Checkpoints only ever follow the last one, so another one shows
    /// that the trail was changed, or that the database is an older copy.
    pub(super) fn admits(self, stored: &StoredCheckpoint) -> bool {
        stored.number > self.number
            || stored.number == self.number && Checkpoint::digest(&stored.jws) == self.digest
    }
}
