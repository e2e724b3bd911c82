//! Why a key or the ring cannot be used. Each message names the place and what to do, and shows no secret.

use super::{FileFault, RecordFault, RingFault, SealingError};
use crate::store::StoreError;

/// The cause, for the log.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error of the place where keys are stored. Nothing there has been changed; only for `Unavailable` this
/// is not known.
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
    /// This custody cannot read the place of a private half.
    #[error(
        "this custody has no place for {0}; set KEY_CUSTODY and its other settings to their former values"
    )]
    Homeless(String),
    /// The ring is in a database of a newer version of the program.
    #[error(transparent)]
    NewerDatabase(StoreError),
    /// The service that keeps the keys does not answer now.
    #[error("the keys' custody is unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// The service that keeps the keys has refused.
    #[error("the keys' custody refused: {0}")]
    Refused(#[source] Cause),
    /// It was not possible to make a new key.
    #[error("a new key could not be made: {0}")]
    Generate(#[source] Cause),
}

impl CustodyError {
    /// Whether a file contains a valid key of another kind than the caller asked for.
    pub fn is_of_other_kind(&self) -> bool {
        matches!(self, Self::File(FileFault::Unusable { fault: jose::KeyError::WrongKind { .. }, .. }))
    }

    /// Whether the error may be temporary.
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
