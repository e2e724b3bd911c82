//! Connections that only read. They never wait for the writer (WAL), and never run on a thread of the
//! runtime. They read only the files that the writer has opened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::Location;
use super::files::OpenFiles;
use super::store_error;
use crate::store::StoreError;

/// The most connections that read at once; the next query waits for one of them.
const MAX_READERS: usize = 8;
/// The number of SQLite's instructions between two checks whether the caller still waits: some microseconds.
const INSTRUCTIONS: i32 = 10_000;

/// The reading connections; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    location: Location,
    shared: Arc<Mutex<Shared>>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The files that may be read: those that the writer has open.
    files: Option<Arc<OpenFiles>>,
    /// Connections to these files.
    idle: Vec<Connection>,
}

/// The result of a query.
pub(super) enum Attempt<T, Q> {
    /// The query ran.
    Answered(Result<T, StoreError>),
    /// The files at the path are not those that the writer has open.
    Moved(Q),
}

impl Readers {
    pub(super) fn new(location: Location) -> Self {
        Self { location, shared: Arc::default(), places: Arc::new(Semaphore::new(MAX_READERS)) }
    }

    /// Allows queries to read `files`.
    pub(super) fn open(&self, files: Arc<OpenFiles>) {
        self.shared().files = Some(files);
    }

    /// Starts no more queries.
    pub(super) fn close(&self) {
        self.shared().files = None;
    }

    /// Closes every connection. Returns false if a query is running.
    pub(super) fn disconnect(&self) -> bool {
        let Ok(_all) = self.places.try_acquire_many(MAX_READERS as u32) else { return false };
        self.shared().idle.clear();
        true
    }

    /// Runs `query` once, if the files at the path are those that the writer has open. Waits for a
    /// connection.
    ///
    /// # Errors
    /// [`StoreError`] if no thread runs it.
    pub(super) async fn attempt<T: Send + 'static, Q>(&self, query: Q) -> Result<Attempt<T, Q>, StoreError>
    where
        Q: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let Some(files) = self.shared().files.clone() else { return Ok(Attempt::Moved(query)) };
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|closed| StoreError::Backend(closed.into()))?;
        let (readers, waiter) = (self.clone(), Waiter::default());
        let left = Arc::clone(&waiter.left);
        tokio::task::spawn_blocking(move || readers.read(&place, &files, left, query))
            .await
            .map_err(|error| StoreError::Backend(error.into()))
    }

    /// Runs `query` on this thread, as long as its caller waits. The place becomes free at the end, and not
    /// before.
    fn read<T, Q>(
        &self,
        _place: &OwnedSemaphorePermit,
        files: &Arc<OpenFiles>,
        left: Arc<AtomicBool>,
        query: Q,
    ) -> Attempt<T, Q>
    where
        Q: FnOnce(&Connection) -> rusqlite::Result<T>,
    {
        let mut connection = match self.connection(files) {
            Ok(Some(connection)) => connection,
            Ok(None) => return Attempt::Moved(query),
            Err(error) => return Attempt::Answered(Err(error)),
        };
        Attempt::Answered(run_until_left(&mut connection, left, query).map_err(store_error).inspect(|_| {
            self.shared().idle.push(connection);
        }))
    }

    /// A connection to `files`; `None` if they are not in place, or if the writer no longer has them open.
    fn connection(&self, files: &Arc<OpenFiles>) -> Result<Option<Connection>, StoreError> {
        if !files.are_in_place() {
            return Ok(None);
        }
        let idle = {
            let mut shared = self.shared();
            if !shared.files.as_ref().is_some_and(|current| Arc::ptr_eq(current, files)) {
                return Ok(None);
            }
            shared.idle.pop()
        };
        if idle.is_some() {
            return Ok(idle);
        }
        let opened = self.location.open_reader()?;
        Ok(opened.filter(|_| files.are_in_place()))
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a query's answer; `left` is set when it no longer waits.
#[derive(Default)]
struct Waiter {
    left: Arc<AtomicBool>,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.left.store(true, Ordering::Relaxed);
    }
}

fn run_until_left<T>(
    connection: &mut Connection,
    left: Arc<AtomicBool>,
    query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.progress_handler(INSTRUCTIONS, Some(move || left.load(Ordering::Relaxed)))?;
    let answer = query(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    answer
}
