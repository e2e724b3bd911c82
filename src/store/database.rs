//! The database as a whole, whatever is kept in it.

use async_trait::async_trait;

use super::{Absent, StoreError};

/// What is asked of a database and not of one aggregate in it.
#[async_trait]
pub trait Database: Send + Sync {
    /// Whether the database answers now. Ends within two seconds either way.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Brings what is stored to the shape of this program's version; earlier versions may not read it afterwards. The verbs
    /// of every aggregate do so by themselves where it was not done, except those of [`super::Rings`] and
    /// [`super::Instances`]: a start that cannot use its keys leaves the users as they are. Ends within two seconds; what
    /// takes longer goes on.
    ///
    /// # Errors
    /// [`StoreError::Newer`] where a later version has changed the shape already.
    async fn prepare(&self) -> Result<(), StoreError>;
}

/// What the embedded store does where its folder holds no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It makes one, at its first use.
    Create,
    /// It is unavailable.
    Refuse,
}

#[async_trait]
impl Database for Absent {
    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }
}
