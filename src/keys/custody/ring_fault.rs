//! The errors of the ring's document and of the records in it.

use crate::domain::Kid;

/// An error of the document of the ring.
#[derive(Debug, thiserror::Error)]
pub enum RingFault {
    /// The document cannot be read.
    #[error("{place} is not a ring of keys: {fault}; restore it from a backup")]
    Damaged {
        /// Its place.
        place: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The ring cannot move there, or not from there.
    #[error("the ring in {place} cannot be moved: {fault}")]
    Immovable {
        /// The place.
        place: String,
        /// The reason.
        fault: String,
    },
    /// The document is gone.
    #[error(
        "the ring of keys is gone from {0}: restore it from a backup; this process does not begin a new one"
    )]
    Gone(String),
    /// A newer program wrote it.
    #[error("the ring in {place} has version {version}, newer than this program's; start the newer program")]
    Newer {
        /// Its place.
        place: String,
        /// Its version.
        version: u32,
    },
    /// Someone put back an older document.
    #[error(
        "the ring in {place} is older than the one that this process has seen (revision {revision}, seen: {seen}): \
         an older ring was put back; the service does not use it and continues with the keys that it knows; if you restored a backup \
         on purpose, restart every instance"
    )]
    Older {
        /// Its place.
        place: String,
        /// Its revision.
        revision: u64,
        /// The highest revision that this process has seen.
        seen: u64,
    },
    /// The ring is another one than before.
    #[error(
        "the ring in {0} is not the one that this process knows: it was replaced by another ring; the service does not use it and continues with the keys that it knows; if you replaced it on purpose, restart every instance"
    )]
    Other(String),
}

/// An error of the record of one key.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// The record was changed.
    #[error("the record of key {kid} cannot be used: {fault}; restore it from a backup")]
    Damaged {
        /// The key.
        kid: Kid,
        /// What is wrong.
        fault: String,
    },
    /// This program does not know the algorithm of the key.
    #[error("key {kid} is for {alg}, which this program does not know; start the newer program")]
    UnknownAlgorithm {
        /// The key.
        kid: Kid,
        /// Its algorithm.
        alg: String,
    },
}
