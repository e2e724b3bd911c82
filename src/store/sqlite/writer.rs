//! The one thread that writes. It commits everything that is waiting at once, so that many small writes share
//! one sync.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::store_error;
use super::watched_database::WatchedDatabase;
use crate::store::StoreError;

/// The most writes that may wait; one more is refused as unavailable.
const MAX_WAITING_WRITES: usize = 1024;
/// The most writes that share one commit.
const MAX_WRITES_PER_COMMIT: usize = 256;

/// How long a caller waits for the commit. After that, the write may still happen.
const WRITE_TIMEOUT: Duration = Duration::from_millis(1900);

/// The work of one caller inside the transaction of the group. It returns a function that answers the caller
/// when the result of the commit is known.
type Job = Box<dyn FnOnce(Result<&Connection, &StoreError>) -> Reply + Send>;
type Reply = Box<dyn FnOnce(Option<&StoreError>)>;
/// A job, and the receiver of its answer.
type Asked<T> = (Job, oneshot::Receiver<Result<T, StoreError>>);

/// A handle to the writing thread, which ends when the handle is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Sender<Job>,
    erased: Erased,
}

/// Whether a write has erased something since SQLite's log was emptied. Until then, the log contains what was erased.
#[derive(Clone, Debug, Default)]
pub(super) struct Erased(Arc<AtomicBool>);

impl Erased {
    /// Empties the log after the commit of the job that calls this.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// If a query reads the log for longer than a write waits for a lock, the log is emptied after a later commit.
    fn empty_log(&self, connection: &Connection) {
        if self.0.swap(false, Ordering::Relaxed) && !empty_log(connection).unwrap_or(false) {
            self.note();
        }
    }
}

/// Writes the log into the database file, and empties the log. False if queries read the log.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(!is_busy)
}

impl Writer {
    pub(super) fn start(database: WatchedDatabase) -> io::Result<Self> {
        let (queue, jobs) = bounded(MAX_WAITING_WRITES);
        let erased = Erased::default();
        let of_thread = erased.clone();
        let write = move || write(database, &jobs, &of_thread);
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(write)?;
        Ok(Self { queue, erased })
    }

    /// What jobs tell that erase something.
    pub(super) fn erased(&self) -> Erased {
        self.erased.clone()
    }

    /// Runs `work` in the next commit, as a whole or not at all, and returns when that commit is on disk.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(job(in_savepoint, work)).await
    }

    /// The same for work that writes with one statement at most, and that does nothing behind it which can fail. SQLite undoes a
    /// statement that fails by itself; a savepoint would copy each page that the statement changes.
    pub(super) async fn run_statement<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(job(with_one_statement, work)).await
    }

    async fn ask<T>(&self, (job, answer): Asked<T>) -> Result<T, StoreError> {
        let full = || StoreError::Unavailable("too many writes are waiting".into());
        self.queue.try_send(job).map_err(|_| full())?;
        match tokio::time::timeout(WRITE_TIMEOUT, answer).await {
            Ok(answer) => answer.map_err(|_| StoreError::Backend("the writing thread ended".into()))?,
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }
}

/// `work` as a job, which `run` runs and undoes if it fails.
fn job<T: Send + 'static, W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static>(
    run: fn(&Connection, W) -> Result<T, StoreError>,
    work: W,
) -> Asked<T> {
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move |connection| {
        let result = match connection {
            Ok(connection) => run(connection, work),
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
    (job, answer)
}

fn write(mut database: WatchedDatabase, jobs: &Receiver<Job>, erased: &Erased) {
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(jobs.try_iter().take(MAX_WRITES_PER_COMMIT - 1));
        commit(&mut database, group, erased);
    }
}

/// One transaction for the whole group. Its callers get their answers when the transaction is on disk in a
/// file that still exists.
fn commit(database: &mut WatchedDatabase, group: impl Iterator<Item = Job>, erased: &Erased) {
    let open = match database.open() {
        Ok(open) => open,
        Err(error) => return group.for_each(|job| job(Err(&error))(None)),
    };
    let connection = &open.connection;
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(store_error);
    let replies: Vec<_> = group
        .map(|job| match &begun {
            // A full disk may have ended the transaction under an earlier statement.
            Ok(()) if connection.is_autocommit() => job(Err(&lost())),
            Ok(()) => job(Ok(connection)),
            Err(error) => job(Err(error)),
        })
        .collect();
    let done = begun.and_then(|()| end(connection)).and_then(|()| open.confirm());
    if done.is_ok() {
        erased.empty_log(connection);
    }
    let failed = done.as_ref().err();
    replies.into_iter().for_each(|reply| reply(failed));
    if done.is_err() {
        database.close_failed();
    }
}

fn end(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("COMMIT").map_err(|error| {
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            tracing::error!("cannot roll back a failed commit");
        }
        store_error(error)
    })
}

/// Runs one job of a group. If it fails, only its own changes are undone, and not those of the others.
fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let run = |statement| connection.prepare_cached(statement)?.execute([]);
    run("SAVEPOINT job").map_err(store_error)?;
    let result = caught(connection, work);
    let undone = if result.is_ok() { Ok(0) } else { run("ROLLBACK TO job") };
    // If SQLite has ended the whole transaction, there is no savepoint either.
    if undone.and_then(|_| run("RELEASE job")).is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(store_error)?;
    }
    result
}

/// Runs one job of a group that writes with one statement. If it fails although that statement has written, the whole group is
/// undone.
fn with_one_statement<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let before = connection.total_changes();
    let result = caught(connection, work);
    if result.is_err() && connection.total_changes() != before && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(store_error)?;
    }
    result
}

/// The result of `work`, also if it panics.
fn caught<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(|| work(connection))) {
        Ok(result) => result.map_err(store_error),
        Err(_) => Err(StoreError::Backend("a write panicked".into())),
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable("the transaction was lost".into())
}

/// A copy of an error, so that each caller of a group gets one.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Corrupt(what) => StoreError::Corrupt(what.clone()),
        StoreError::Newer { found, known } => StoreError::Newer { found: *found, known: *known },
        StoreError::Unavailable(cause) => StoreError::Unavailable(cause.to_string().into()),
        other => StoreError::Backend(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use rusqlite::Connection;
    use tokio::sync::oneshot::Receiver;

    use super::super::Sqlite;
    use super::super::connection::Location;
    use super::super::readers::Readers;
    use super::{Erased, Job, WatchedDatabase, commit, in_savepoint, job, with_one_statement};
    use crate::store::{IfMissing, StoreError};

    type Work = Box<dyn FnOnce(&Connection) -> rusqlite::Result<usize> + Send>;

    fn database(folder: &Path) -> WatchedDatabase {
        let location = Location::new(folder);
        let readers = Readers::start(location.clone()).unwrap();
        WatchedDatabase::new(location, readers, Arc::default(), IfMissing::Create)
    }

    fn insert(id: &'static str) -> Work {
        Box::new(move |connection| {
            connection.execute("INSERT INTO instances (id, at, record) VALUES (?1, 0, '{}')", [id])
        })
    }

    /// Commits `works` as one group; returns the answer to each caller.
    fn group(database: &mut WatchedDatabase, works: Vec<Work>) -> Vec<Result<usize, StoreError>> {
        commit_jobs(database, works.into_iter().map(|work| job(in_savepoint, work)))
    }

    /// The same for works that say to write with one statement.
    fn group_of_statements(
        database: &mut WatchedDatabase,
        works: Vec<Work>,
    ) -> Vec<Result<usize, StoreError>> {
        commit_jobs(database, works.into_iter().map(|work| job(with_one_statement, work)))
    }

    fn commit_jobs(
        database: &mut WatchedDatabase,
        jobs: impl Iterator<Item = (Job, Receiver<Result<usize, StoreError>>)>,
    ) -> Vec<Result<usize, StoreError>> {
        let (jobs, mut answers): (Vec<Job>, Vec<_>) = jobs.unzip();
        commit(database, jobs.into_iter(), &Erased::default());
        answers.iter_mut().map(|answer| answer.try_recv().unwrap()).collect()
    }

    fn ids(folder: &Path) -> Vec<String> {
        let connection = Connection::open(folder.join(Sqlite::FILE)).unwrap();
        let mut ids = connection.prepare("SELECT id FROM instances ORDER BY id").unwrap();
        ids.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_job_that_fails_halfway_or_panics_takes_back_its_own_writes_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let half = |connection: &Connection| {
            connection.execute("DELETE FROM instances", [])?;
            connection.execute("INSERT INTO instances (id, at, record) VALUES ('x', 0, '{}')", [])
        };
        let failing: Work = Box::new(move |connection| {
            half(connection)?;
            connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        let panicking: Work = Box::new(move |connection| {
            half(connection)?;
            panic!("as the test wants it")
        });
        let works = vec![insert("a"), failing, insert("b"), panicking, insert("a"), insert("c")];
        let answers = group(&mut database(folder.path()), works);
        let done: Vec<_> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(done, [true, false, true, false, false, true], "{answers:?}");
        assert_eq!(ids(folder.path()), ["a", "b", "c"]);
    }

    #[test]
    fn a_statement_that_fails_takes_back_what_it_wrote_and_nothing_of_its_neighbours() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(folder.path());
        let rows = |last: &'static str| -> Work {
            Box::new(move |connection| {
                let insert = "INSERT INTO instances (id, at, record) VALUES ('b', 0, '{}'), (?1, 0, '{}')";
                connection.execute(insert, [last])
            })
        };
        let panicking: Work = Box::new(|_| panic!("as the test wants it"));
        let works = vec![insert("a"), rows("a"), panicking, insert("c")];
        let done: Vec<_> = group_of_statements(&mut database, works).iter().map(Result::is_ok).collect();
        assert_eq!(
            (done, ids(folder.path())),
            (vec![true, false, false, true], vec!["a".into(), "c".into()])
        );
    }

    #[test]
    fn a_job_that_fails_behind_its_statement_acknowledges_and_leaves_nothing_of_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = database(folder.path());
        let failing: Work = Box::new(|connection| {
            insert("b")(connection)?;
            connection.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        let answers = group_of_statements(&mut database, vec![insert("a"), failing, insert("c")]);
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        group_of_statements(&mut database, vec![insert("d")]).pop().unwrap().unwrap();
        assert_eq!(ids(folder.path()), ["d"]);
    }

    #[test]
    fn a_file_that_is_replaced_between_the_look_and_the_commit_acknowledges_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(Sqlite::FILE);
        let mut database = database(folder.path());
        group(&mut database, vec![insert("before")]).pop().unwrap().unwrap();
        Connection::open(&file)
            .unwrap()
            .execute("VACUUM INTO ?1", [format!("{}.copy", file.display())])
            .unwrap();
        let replacing: Work = Box::new({
            let file = file.clone();
            move |connection| {
                for end in ["-wal", "-shm"] {
                    fs::remove_file(format!("{}{end}", file.display())).unwrap();
                }
                fs::rename(format!("{}.copy", file.display()), &file).unwrap();
                connection.execute("INSERT INTO instances (id, at, record) VALUES ('lost', 0, '{}')", [])
            }
        });
        for answer in group(&mut database, vec![insert("neighbour"), replacing]) {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
        group(&mut database, vec![insert("after")]).pop().unwrap().unwrap();
        assert_eq!(ids(folder.path()), ["after", "before"]);
    }
}
