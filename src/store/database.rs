//! The database as a whole, whatever is kept in it.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::Timestamp;

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

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        Err(StoreError::Absent)
    }
}
