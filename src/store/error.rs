//! Why a store did not do what it was asked.

use crate::domain::Taken;

/// Named by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another record has this.
    #[error("the {0} is taken")]
    Conflict(Taken),
    /// The service runs without a database.
    #[error("this server runs without a database")]
    Absent,
    /// The database does not answer, or cannot write now.
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// A newer version of the program has changed the tables.
    #[error(
        "the tables of the database are of version {found}, newer than this program's {known}; start the newer program"
    )]
    Newer {
        /// The version of the tables.
        found: usize,
        /// The newest that this program knows.
        known: usize,
    },
    /// A record is not what the service wrote.
    #[error("a record in the database is damaged: {0}")]
    Corrupt(String),
    /// Anything else; a fault of ours.
    #[error("the database refused")]
    Backend(#[source] Cause),
}

/// What lies beneath a [`StoreError`]: for the log, never for the caller.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
