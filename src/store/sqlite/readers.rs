//! Connections that only read. They never wait for the writer (WAL), and run on threads of their own: a disk that does not answer
//! keeps no thread of the runtime. They read only the files that the writer has opened.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::connection::Location;
use super::files::OpenFiles;
use super::store_error;
use crate::store::StoreError;

/// The threads that read, each with a connection: more than one, so that the others go on beside a long query. They are few,
/// because to wake a thread costs more than most queries: on a busy server a thread finds the next query when it ends one.
const THREADS: usize = 2;
/// The most queries that run or wait for a thread; the next one waits for its place.
const MAX_QUERIES: usize = 1024;
/// The number of SQLite's instructions between two checks whether the caller still waits: some microseconds.
const INSTRUCTIONS: i32 = 10_000;

/// The reading connections; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    location: Location,
    shared: Arc<Mutex<Shared>>,
    places: Arc<Semaphore>,
    queue: Sender<Job>,
}

/// A query that answers its caller.
type Job = Box<dyn FnOnce() + Send>;

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
    /// Starts the threads, which end when the last clone is dropped. A database in memory has none.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub(super) fn start(location: Location) -> io::Result<Self> {
        let (queue, jobs) = unbounded();
        let threads = if location.is_memory() { 0 } else { THREADS };
        for _ in 0..threads {
            let jobs: Receiver<Job> = jobs.clone();
            thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
                jobs.into_iter().for_each(|job| job());
            })?;
        }
        Ok(Self { location, shared: Arc::default(), places: Arc::new(Semaphore::new(MAX_QUERIES)), queue })
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
        let Ok(_all) = self.places.try_acquire_many(MAX_QUERIES as u32) else { return false };
        self.shared().idle.clear();
        true
    }

    /// Runs `query` once, if the files at the path are those that the writer has open. Waits for a thread.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if it panics.
    pub(super) async fn attempt<T: Send + 'static, Q>(&self, query: Q) -> Result<Attempt<T, Q>, StoreError>
    where
        Q: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let Some(files) = self.shared().files.clone() else { return Ok(Attempt::Moved(query)) };
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|closed| StoreError::Backend(closed.into()))?;
        let (readers, waiter) = (self.clone(), Waiter::default());
        let left = Arc::clone(&waiter.left);
        let (reply, answer) = oneshot::channel();
        let job = move || {
            let attempt = catch_unwind(AssertUnwindSafe(|| readers.read(&files, left, query)));
            // The place becomes free at the end of the query, and not before.
            drop(place);
            if let Ok(attempt) = attempt {
                // The caller may have left at its deadline.
                let _ = reply.send(attempt);
            }
        };
        let ended = |_| StoreError::Backend("a query panicked".into());
        self.queue.send(Box::new(job)).map_err(|_| StoreError::Backend("no thread reads".into()))?;
        answer.await.map_err(ended)
    }

    /// Runs `query` on this thread, as long as its caller waits.
    fn read<T, Q>(&self, files: &Arc<OpenFiles>, left: Arc<AtomicBool>, query: Q) -> Attempt<T, Q>
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
