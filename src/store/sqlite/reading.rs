//! A query: on a reading connection, or on the writer's if the database is in memory.

use std::time::Duration;

use rusqlite::Connection;

use super::Sqlite;
use super::readers::Attempt;
use crate::store::StoreError;

/// The longest time of a query, including the wait for a connection; then it is interrupted.
const READ_TIMEOUT: Duration = Duration::from_millis(1900);

impl Sqlite {
    /// Runs `query`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it takes too long, or if the files at the path are not those of the
    /// database.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.in_memory {
            return self.writer.run(query).await;
        }
        match tokio::time::timeout(READ_TIMEOUT, self.read_files(query)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }

    async fn read_files<T: Send + 'static, Q>(&self, query: Q) -> Result<T, StoreError>
    where
        Q: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let query = match self.readers.attempt(query).await? {
            Attempt::Answered(answer) => return answer,
            Attempt::Moved(query) => query,
        };
        // If another program locks the database, the writer fails, but it has opened the files.
        let opened = self.writer.run(|_| Ok(())).await;
        match self.readers.attempt(query).await? {
            Attempt::Answered(answer) => answer,
            Attempt::Moved(_) => Err(opened.err().unwrap_or_else(|| {
                StoreError::Unavailable("the database's files are being replaced".into())
            })),
        }
    }
}
