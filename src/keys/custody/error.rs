//! Why a key cannot be used: each message names the file and the remedy, and none shows what is in it.

use std::io;
use std::path::PathBuf;

/// A fault of the keys' folder. Nothing in it has been changed.
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
    /// No new key could be made.
    #[error("a new key could not be made: {0}")]
    Generate(jose::KeyError),
}
