//! Why a key cannot be used: each message names the place and the remedy, and none shows what is in it.

use std::io;
use std::path::PathBuf;

use super::SealingError;
use crate::domain::Kid;
use crate::store::StoreError;

/// What lies beneath: for the log.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A fault of where keys are kept. Nothing there has been changed, but that `Unavailable` leaves it open.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The folder's place is taken by something else.
    #[error("{0} is not a folder; move it away, or set KEYS_DIR to another place")]
    NotAFolder(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}; make it a readable file, or set KEYS_DIR to another folder")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A key cannot be kept.
    #[error(
        "cannot write {path}: {cause}; a key that is not kept would be lost at the next start, \
         so make the folder writable, free some space, or put a key pair there"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file holds no usable key.
    #[error("{path}: {fault}; restore it from a backup, or move the key pair away to have a new one made")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: jose::KeyError,
    },
    /// The public half is there and the private is not.
    #[error(
        "{public} is there but {private} is not: restore the private key from a backup, \
         or move the public key away to have a new pair made"
    )]
    PrivateMissing {
        /// The file that is missing.
        private: PathBuf,
        /// The file that is there.
        public: PathBuf,
    },
    /// The two halves are of different keys.
    #[error(
        "{public} is not the public half of {private}: move the wrong one away \
         (a missing public half is derived from the private one)"
    )]
    Mismatch {
        /// The private half.
        private: PathBuf,
        /// The other.
        public: PathBuf,
    },
    /// A private half of the ring is missing.
    #[error(
        "the private half of key {kid} is missing: {path} is not there; restore it from a backup, or `keys revoke` the key"
    )]
    Missing {
        /// The key.
        kid: Kid,
        /// The file.
        path: PathBuf,
    },
    /// A key in the original's files is not of the ring beside it.
    #[error(
        "{0} holds a key that ring.json does not know: `keys import` takes it into the ring; put back what was there, \
         or move ring.json away to begin anew with this key"
    )]
    Stranger(PathBuf),
    /// The ring's document cannot be read.
    #[error("{place} is no ring of keys: {fault}; restore it from a backup")]
    Ring {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The ring cannot be taken there, or not from there.
    #[error("the ring in {place} cannot be moved: {fault}")]
    Immovable {
        /// Where it is.
        place: String,
        /// Why not.
        fault: String,
    },
    /// The ring's document was there and is no more.
    #[error(
        "the ring of keys is gone from {0}: restore it from a backup; no new one is begun while this process knows it"
    )]
    Gone(String),
    /// The ring's document is of a newer program.
    #[error("the ring in {place} has version {version}, newer than this program's; start the newer program")]
    Newer {
        /// Where it is.
        place: String,
        /// Its version.
        version: u32,
    },
    /// Somebody has put an older document back.
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
    /// A record is not what was written.
    #[error("the record of key {kid} cannot be used: {fault}; restore it from a backup")]
    Record {
        /// The key.
        kid: Kid,
        /// What is wrong.
        fault: String,
    },
    /// A key's algorithm is none of ours.
    #[error("key {kid} is for {alg}, which this program does not know; start the newer program")]
    Foreign {
        /// The key.
        kid: Kid,
        /// Its algorithm.
        alg: String,
    },
    /// The sealing keys do not fit.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// A private half is where this custody cannot look.
    #[error("this custody has no home for {0}; set KEY_CUSTODY, and what belongs to it, as it was")]
    Homeless(String),
    /// The ring is in a database of a newer version of the program.
    #[error(transparent)]
    NewerDatabase(StoreError),
    /// The service that keeps the keys does not answer now.
    #[error("the keys' custody is unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// The service that keeps the keys refuses.
    #[error("the keys' custody refused: {0}")]
    Refused(#[source] Cause),
    /// No new key could be made.
    #[error("a new key could not be made: {0}")]
    Generate(#[source] Cause),
}

impl CustodyError {
    /// Whether a file holds a sound key of another kind than was asked for.
    pub fn is_of_other_kind(&self) -> bool {
        matches!(self, Self::Unusable { fault: jose::KeyError::WrongKind { .. }, .. })
    }

    /// Whether it may pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<StoreError> for CustodyError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(fault) => Self::Ring { place: "the database".to_owned(), fault },
            StoreError::Newer { .. } => Self::NewerDatabase(error),
            other => Self::Unavailable(other.into()),
        }
    }
}
