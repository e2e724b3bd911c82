//! Connections that only read. They never wait for the writer (WAL), and never run on a thread of the runtime.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection::Location;
use super::store_error;
use super::writer::Writer;
use crate::store::StoreError;

/// Connections that read at once; whoever comes next waits for one.
const MOST: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Readers {
    location: Location,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(location: Location) -> Self {
        Self { location, idle: Arc::default(), places: Arc::new(Semaphore::new(MOST)) }
    }

    /// Runs `query` on a reading connection, or on the writer's where there is no file to read.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        writer: &Writer,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.location.is_memory() {
            return writer.run(query).await;
        }
        if self.location.is_missing() {
            writer.run(|_| Ok(())).await?;
        }
        let _place = self.places.acquire().await.map_err(|closed| StoreError::Backend(closed.into()))?;
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
        idle().push(connection);
        Ok(answer)
    }
}
