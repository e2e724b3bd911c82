//! Where private keys live while the process does not.

mod directory;
mod error;
mod file;

pub use directory::{Directory, KeyKind, StoredKey};
pub use error::CustodyError;
