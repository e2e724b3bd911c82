//! Connections that only read. They never wait for the writer (WAL), and never run on a thread of the runtime.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::connection::Location;
use super::store_error;
use super::writer::Writer;
use crate::store::StoreError;

/// Idle reading connections that are kept; more are opened under load and closed again.
const KEPT: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Readers {
    location: Location,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn new(location: Location) -> Self {
        Self { location, idle: Arc::default() }
    }

    /// Runs `query` on a reading connection, or on the writer's where there is no file to read.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        writer: &Writer,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if matches!(self.location, Location::Memory) {
            return writer.run(query).await;
        }
        if self.location.is_missing() {
            writer.run(|_| Ok(())).await?;
        }
        let readers = self.clone();
        tokio::task::spawn_blocking(move || readers.read(query))
            .await
            .map_err(|error| StoreError::Backend(error.into()))?
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => match self.location.open_reader()? {
                Some(connection) => connection,
                None => return Err(StoreError::Backend("a database in memory has no readers".into())),
            },
        };
        let answer = query(&connection).map_err(store_error)?;
        let mut idle = idle();
        if idle.len() < KEPT {
            idle.push(connection);
        }
        Ok(answer)
    }
}
