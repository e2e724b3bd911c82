//! The errors of the files in a folder of keys. Each message names the file and what to do.

use std::io;
use std::path::PathBuf;

use crate::domain::Kid;

/// An error of a file in `KEYS_DIR`.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// Something else is at the path of the folder.
    #[error("{0} is not a folder; move it away, or set KEYS_DIR to another place")]
    NotAFolder(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}; make it a readable file, or set KEYS_DIR to another folder")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A file cannot be written.
    #[error(
        "cannot write {path}: {cause}; a key that is not stored would be lost at the next start, \
         so make the folder writable, free some space, or put a key pair there"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A file contains no usable key.
    #[error(
        "{path}: {fault}; restore it from a backup, or move the key pair away, and the server makes a new one"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: jose::KeyError,
    },
    /// The public half exists, but the private half does not.
    #[error(
        "{public} is there but {private} is not: restore the private key from a backup, \
         or move the public key away, and the server makes a new pair"
    )]
    PrivateMissing {
        /// The missing file.
        private: PathBuf,
        /// The existing file.
        public: PathBuf,
    },
    /// The two halves are of different keys.
    #[error(
        "{public} is not the public half of {private}: move the wrong one away \
         (a missing public half is derived from the private one)"
    )]
    Mismatch {
        /// The file of the private half.
        private: PathBuf,
        /// The file of the public half.
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
    /// A key in the original's files does not belong to the ring beside it.
    #[error(
        "{0} holds a key that ring.json does not know: `keys import` adds it to the ring; or restore the former file, or move ring.json away to begin a new ring with this key"
    )]
    Stranger(PathBuf),
    /// The file of the server secret cannot be used.
    #[error(
        "{path} holds no server secret: {cause}; restore it from a backup, move it away, and the server makes a new one, or set \
         SERVER_SECRET"
    )]
    NoServerSecret {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
}
