//! Threads whose work is taken in turns, so that an asker with much work does not keep out the others.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::metrics::QueueMetrics;
use super::rounds::{Keys, Ticket};
use super::turns::{Added, Rank, Turns};
use super::{Job, WorkError, lower_priority};
use crate::telemetry::metrics::Source;

/// Threads of low priority behind a line of a fixed length, in which each key has one piece of work in each round. They end
/// when the last clone is dropped.
#[derive(Clone)]
pub struct FairWorkers<K: PartialEq> {
    line: Arc<Open<K>>,
    metrics: Arc<QueueMetrics>,
}

/// The line as askers hold it; it closes with the value.
struct Open<K: PartialEq>(Arc<Line<K>>);

struct Line<K> {
    state: Mutex<State<K>>,
    changed: Condvar,
}

struct State<K> {
    turns: Turns<K, Job>,
    closed: bool,
}

/// A piece of work in the line. An asker who goes away takes it out again.
struct Place<'a, K: PartialEq> {
    line: &'a Line<K>,
    ticket: Ticket,
}

impl<K: PartialEq + Send + 'static> FairWorkers<K> {
    /// Starts `threads` threads that work through a line of at most `limit` waiting pieces of work at `niceness` (0 to 19, 19
    /// the most modest).
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(name: &'static str, threads: usize, limit: usize, niceness: i32) -> io::Result<Self> {
        let state = Mutex::new(State { turns: Turns::new(limit), closed: false });
        let line = Arc::new(Line { state, changed: Condvar::new() });
        let waiting = Arc::clone(&line);
        let length = move || waiting.state().turns.len();
        let metrics = Arc::new(QueueMetrics::of_pieces(name, limit, length));
        let workers = Self { line: Arc::new(Open(Arc::clone(&line))), metrics };
        for _ in 0..threads.max(1) {
            let line = Arc::clone(&line);
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                lower_priority(niceness);
                while let Some(job) = line.next() {
                    job();
                }
            })?;
        }
        Ok(workers)
    }

    /// What is counted of the line.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// Runs `work` on one of the threads, when it is the turn of its rank and its keys. Work whose asker goes away before its turn gives its
    /// place to others.
    ///
    /// # Errors
    /// [`WorkError::Busy`] if the line is full of work that comes first, also if that work arrives later;
    /// [`WorkError::Lost`] if `work` panics.
    pub async fn run<T: Send + 'static>(
        &self,
        rank: Rank,
        keys: Keys<K>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let ended = self.wait_and_run(rank, keys, work).await;
        if matches!(ended, Err(WorkError::Busy)) {
            self.metrics.refused.increment();
        }
        ended
    }

    async fn wait_and_run<T: Send + 'static>(
        &self,
        rank: Rank,
        keys: Keys<K>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let (reply, answer) = oneshot::channel();
        let (metrics, asked_at) = (Arc::clone(&self.metrics), Instant::now());
        let job = Box::new(move || {
            metrics.wait.observe(asked_at.elapsed());
            let result = catch_unwind(AssertUnwindSafe(work)).map_err(|_| WorkError::Lost);
            // The caller may have stopped waiting; then the result is not needed.
            let _ = reply.send(result);
        });
        let _place = self.line.0.join(rank, keys, job)?;
        // A job that is pushed out is dropped, and gives no reply.
        answer.await.unwrap_or(Err(WorkError::Busy))
    }
}

impl<K: PartialEq> Line<K> {
    fn join(&self, rank: Rank, keys: Keys<K>, job: Job) -> Result<Place<'_, K>, WorkError> {
        let added = self.state().turns.add(rank, keys, job);
        let Added { ticket, pushed_out } = added.ok_or(WorkError::Busy)?;
        self.changed.notify_one();
        // Its asker hears of it by that.
        drop(pushed_out);
        Ok(Place { line: self, ticket })
    }

    /// Waits for the next job; `None` if no job can come any more.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.turns.take() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nothing panics while it holds the lock.
    fn state(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: PartialEq> Drop for Place<'_, K> {
    fn drop(&mut self) {
        // The job is dropped after the lock.
        let _job = self.line.state().turns.remove(self.ticket);
    }
}

impl<K: PartialEq> Drop for Open<K> {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }
}

impl<K: PartialEq> fmt::Debug for FairWorkers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FairWorkers")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use futures_util::poll;
    use tokio::task::{JoinHandle, spawn_blocking};

    use super::*;

    const A: Keys<char> = [Some('a'), None];
    const B: Keys<char> = [Some('b'), None];

    /// One thread, which is at work until it is let go on.
    async fn at_work(limit: usize) -> (FairWorkers<char>, Sender<()>, JoinHandle<Result<(), WorkError>>) {
        let workers = FairWorkers::start("test", 1, limit, 0).unwrap();
        let (begun, has_begun) = channel();
        let (release, gate) = channel::<()>();
        let running = tokio::spawn({
            let workers = workers.clone();
            async move {
                let wait = move || {
                    begun.send(()).unwrap();
                    gate.recv().unwrap();
                };
                workers.run(Rank::Usual, A, wait).await
            }
        });
        spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        (workers, release, running)
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_job_only() {
        let workers = FairWorkers::start("test", 1, 4, 0).unwrap();
        let lost = workers.run(Rank::Usual, A, || -> u8 { panic!("as the test wants it") }).await;
        assert_eq!(lost, Err(WorkError::Lost));
        assert_eq!(workers.run(Rank::Usual, A, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn the_key_with_most_work_is_refused_at_once_or_loses_its_place_to_another_key() {
        let (workers, release, running) = at_work(2).await;
        let mut first = Box::pin(workers.run(Rank::Usual, A, || 1));
        let mut second = Box::pin(workers.run(Rank::Usual, A, || 2));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        assert_eq!(workers.run(Rank::Usual, A, || 3).await, Err(WorkError::Busy));
        let mut other = Box::pin(workers.run(Rank::Usual, B, || 4));
        assert!(poll!(&mut other).is_pending());
        assert_eq!(second.await, Err(WorkError::Busy));
        release.send(()).unwrap();
        assert_eq!((first.await, other.await), (Ok(1), Ok(4)));
        assert_eq!(running.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn an_asker_who_goes_away_frees_the_place_at_once() {
        let (workers, release, _running) = at_work(1).await;
        let mut gone = Box::pin(workers.run(Rank::Usual, A, || 1));
        assert!(poll!(&mut gone).is_pending());
        assert_eq!(workers.run(Rank::Usual, B, || 2).await, Err(WorkError::Busy));
        drop(gone);
        let mut stays = Box::pin(workers.run(Rank::Usual, B, || 3));
        assert!(poll!(&mut stays).is_pending());
        release.send(()).unwrap();
        assert_eq!(stays.await, Ok(3));
    }
}
