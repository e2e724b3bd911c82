//! What can be wrong with the ring's document and with the records in it.

use crate::domain::Kid;

/// A fault of the ring's document.
#[derive(Debug, thiserror::Error)]
pub enum RingFault {
    /// It cannot be read.
    #[error("{place} is no ring of keys: {fault}; restore it from a backup")]
    Damaged {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        fault: String,
    },
    /// It cannot be taken there, or not from there.
    #[error("the ring in {place} cannot be moved: {fault}")]
    Immovable {
        /// Where it is.
        place: String,
        /// Why not.
        fault: String,
    },
    /// It was there and is no more.
    #[error(
        "the ring of keys is gone from {0}: restore it from a backup; no new one is begun while this process knows it"
    )]
    Gone(String),
    /// It is of a newer program.
    #[error("the ring in {place} has version {version}, newer than this program's; start the newer program")]
    Newer {
        /// Where it is.
        place: String,
        /// Its version.
        version: u32,
    },
    /// An older document was put back.
    #[error(
        "the ring in {place} is older than the one that this process has seen (revision {revision}, seen: {seen}): \
         somebody has put an older ring back; it is not used, and what is known serves on; if you restored a backup \
         on purpose, restart every instance"
    )]
    Older {
        /// Where it is.
        place: String,
        /// Its revision.
        revision: u64,
        /// The highest revision that this process has seen.
        seen: u64,
    },
    /// Another ring is there than before.
    #[error(
        "the ring in {0} is not the one that this process knows: somebody has put another ring in its place; it is not \
         used, and what is known serves on; if it was you, restart every instance"
    )]
    Other(String),
}

/// A fault of the record of one key.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// It is not what was written.
    #[error("the record of key {kid} cannot be used: {fault}; restore it from a backup")]
    Damaged {
        /// The key.
        kid: Kid,
        /// What is wrong.
        fault: String,
    },
    /// This program does not have the key's algorithm.
    #[error("key {kid} is for {alg}, which this program does not know; start the newer program")]
    UnknownAlgorithm {
        /// The key.
        kid: Kid,
        /// Its algorithm.
        alg: String,
    },
}
