//! Why a key or the ring cannot be used: each message names the place and the remedy, and none shows what is in it.

use super::{FileFault, RecordFault, RingFault, SealingError};
use crate::store::StoreError;

/// What lies beneath: for the log.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A fault of where keys are kept. Nothing there has been changed, except that `Unavailable` leaves it open.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// A file of the folder.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The ring's document.
    #[error(transparent)]
    Ring(#[from] RingFault),
    /// The record of a key.
    #[error(transparent)]
    Record(#[from] RecordFault),
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
        matches!(self, Self::File(FileFault::Unusable { fault: jose::KeyError::WrongKind { .. }, .. }))
    }

    /// Whether it may pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<StoreError> for CustodyError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(fault) => {
                RingFault::Damaged { place: "the database".to_owned(), fault }.into()
            }
            StoreError::Newer { .. } => Self::NewerDatabase(error),
            other => Self::Unavailable(other.into()),
        }
    }
}
