//! Why a store failed.

use crate::domain::Taken;

/// The variants are named after what the caller can do about them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another record has this value.
    #[error("the {0} is taken")]
    Conflict(Taken),
    /// The service runs without a database.
    #[error("this server runs without a database")]
    Absent,
    /// The database does not answer, or it cannot write now.
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// A newer version of the program has changed the tables.
    #[error(
        "the tables of the database are of version {found}, newer than this program's {known}; start the newer program"
    )]
    Newer {
        /// The version of the tables.
        found: usize,
        /// The newest version that this program knows.
        known: usize,
    },
    /// A record is not as the service wrote it.
    #[error("a record in the database is damaged: {0}")]
    Corrupt(String),
    /// Anything else: an internal error.
    #[error("the database refused")]
    Backend(#[source] Cause),
}

impl StoreError {
    /// Whether another try may succeed soon.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The cause of a [`StoreError`]: for the log, never for the caller.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
