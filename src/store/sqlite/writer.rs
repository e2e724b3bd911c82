//! The one thread that writes. It commits all that is waiting at once, so that many small writes share one sync.

use std::io;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::Location;
use super::store_error;
use crate::store::StoreError;

/// Writes that may wait; one more is refused as unavailable.
const QUEUE: usize = 1024;
/// Writes that share one commit at the most.
const GROUP: usize = 256;

/// How long a caller waits for the commit; the write may still happen.
const DEADLINE: Duration = Duration::from_millis(1900);

/// One statement of work inside the group's transaction. It gives what answers its caller once the commit is known.
type Job = Box<dyn FnOnce(Result<&Connection, &StoreError>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Option<&StoreError>)>;

/// A handle to the writing thread, which ends with the handle.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Sender<Job>,
}

impl Writer {
    pub(super) fn start(location: Location) -> io::Result<Self> {
        let (queue, jobs) = bounded(QUEUE);
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || write(&location, &jobs))?;
        Ok(Self { queue })
    }

    /// Runs `work`, one statement, in the next commit, and returns once that commit is on disk.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => work(connection).map_err(store_error),
                Err(error) => Err(again(error)),
            };
            Box::new(move |failed| {
                let result = match failed {
                    Some(error) if result.is_ok() => Err(again(error)),
                    _ => result,
                };
                // The caller may have left at its deadline.
                let _ = reply.send(result);
            })
        });
        let full = || StoreError::Unavailable("too many writes are waiting".into());
        self.queue.try_send(job).map_err(|_| full())?;
        match tokio::time::timeout(DEADLINE, answer).await {
            Ok(answer) => answer.map_err(|_| StoreError::Backend("the writing thread ended".into()))?,
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }
}

fn write(location: &Location, jobs: &Receiver<Job>) {
    let mut connection = None;
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(jobs.try_iter().take(GROUP - 1));
        if connection.is_none() {
            match location.open_writer() {
                Ok(opened) => connection = Some(opened),
                Err(error) => {
                    group.for_each(|job| job(Err(&error))(None));
                    continue;
                }
            }
        }
        if let Some(open) = &connection
            && commit(open, group).is_err()
            && !location.is_memory()
        {
            // Whatever was wrong with it, opening it anew costs little.
            connection = None;
        }
    }
}

/// One transaction for the whole group; a statement that fails alone leaves the others be.
fn commit(connection: &Connection, group: impl Iterator<Item = Job>) -> Result<(), StoreError> {
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(store_error);
    let replies: Vec<_> = group
        .map(|job| match &begun {
            // A full disk may have ended the transaction under an earlier statement.
            Ok(()) if connection.is_autocommit() => job(Err(&lost())),
            Ok(()) => job(Ok(connection)),
            Err(error) => job(Err(error)),
        })
        .collect();
    let done = begun.and_then(|()| {
        connection.execute_batch("COMMIT").map_err(|error| {
            if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
                tracing::error!("cannot roll back a failed commit");
            }
            store_error(error)
        })
    });
    let failed = done.as_ref().err();
    replies.into_iter().for_each(|reply| reply(failed));
    done
}

fn lost() -> StoreError {
    StoreError::Unavailable("the transaction was lost".into())
}

/// The same failure for each caller of a group.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(what) => StoreError::Corrupt(what.clone()),
        StoreError::Unavailable(cause) => StoreError::Unavailable(cause.to_string().into()),
        other => StoreError::Backend(other.to_string().into()),
    }
}
