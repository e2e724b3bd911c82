//! The database as a whole, independent of its contents.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::Timestamp;

/// Questions to a database as a whole and not to one aggregate in it.
#[async_trait]
pub trait Database: Send + Sync {
    /// Whether the database answers now. Ends within two seconds in any case.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Converts the stored data to the form of this program's version; earlier versions may not be able to
    /// read it afterwards. The verbs of every aggregate do this themselves if it was not done, except those
    /// of [`super::Rings`] and [`super::Instances`]: a start that cannot use its keys does not change the
    /// users. Ends within two seconds; work that takes longer continues in the background.
    ///
    /// # Errors
    /// [`StoreError::Newer`] if a later version has changed the form already.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// How full each table is. On MongoDB the numbers of rows are estimates, as the server keeps them. Ends within two
    /// seconds; an embedded database of very many users may take longer, and then the verb fails.
    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError>;
}

/// How full a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Its name in the database.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// When the first of its rows expires or has expired; nothing if rows of this table do not expire, or if there is no row.
    pub first_expires_at: Option<Timestamp>,
}

/// What the embedded store does if its folder contains no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMissing {
    /// It makes one when it is first used.
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

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        Err(StoreError::Absent)
    }
}
