//! Threads that take several waiting pieces of work at once, for work that costs less together.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::metrics::QueueMetrics;
use super::{WorkError, lower_priority};
use crate::telemetry::metrics::Source;

/// Work that can be done for several pieces at once.
pub trait BatchWork: Send + Sync + 'static {
    /// A piece of work.
    type Piece: Send;
    /// The result for a piece.
    type Output: Send;

    /// The number of pieces to take if `waiting` pieces wait; at least one.
    fn size(&self, waiting: usize) -> usize;

    /// Returns an output for each piece, in their order.
    fn work(&self, pieces: Vec<Self::Piece>) -> Vec<Self::Output>;
}

/// Threads of low priority behind a queue of limited length. They end when the value is dropped.
#[derive(Debug)]
pub struct BatchWorkers<W: BatchWork> {
    work: Arc<W>,
    queue: Sender<Asked<W>>,
    metrics: Arc<QueueMetrics>,
}

/// A piece of work, and the receiver of its output.
struct Asked<W: BatchWork> {
    piece: W::Piece,
    asked_at: Instant,
    reply: oneshot::Sender<W::Output>,
}

impl<W: BatchWork> BatchWorkers<W> {
    /// Starts `threads` threads at `niceness` (0 to 19). They take pieces from a queue of at most `queue`
    /// pieces. A thread takes as many waiting pieces as `work` wants, and does not wait for more.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(
        name: &'static str,
        threads: usize,
        queue: usize,
        niceness: i32,
        work: W,
    ) -> io::Result<Self> {
        let (sender, receiver) = bounded(queue);
        let (work, waiting) = (Arc::new(work), receiver.clone());
        let metrics = Arc::new(QueueMetrics::of_batches(name, queue, move || waiting.len()));
        for _ in 0..threads.max(1) {
            let (receiver, work, metrics) = (receiver.clone(), Arc::clone(&work), Arc::clone(&metrics));
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                lower_priority(niceness);
                while let Some(batch) = next_batch(&receiver, &*work) {
                    answer(batch, &*work, &metrics);
                }
            })?;
        }
        Ok(Self { work, queue: sender, metrics })
    }

    /// What is counted of the queue.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// The loop of each thread.
    pub fn work(&self) -> &W {
        &self.work
    }

    /// Lets one of the threads work on `piece`. If the caller goes away before the work on its piece begins,
    /// the piece is dropped.
    ///
    /// # Errors
    /// [`WorkError::Busy`] at once if the queue is full, [`WorkError::Lost`] if the work panics.
    pub async fn run(&self, piece: W::Piece) -> Result<W::Output, WorkError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Asked { piece, asked_at: Instant::now(), reply }).map_err(|_| {
            self.metrics.refused.increment();
            WorkError::Busy
        })?;
        answer.await.map_err(|_| WorkError::Lost)
    }
}

/// Waits for a piece, and takes those that wait beside it. `None` if no piece can come any more.
fn next_batch<W: BatchWork>(receiver: &Receiver<Asked<W>>, work: &W) -> Option<Vec<Asked<W>>> {
    let first = receiver.recv().ok()?;
    let size = work.size(1 + receiver.len());
    let waiting = std::iter::once(first).chain(receiver.try_iter());
    Some(waiting.filter(|asked| !asked.reply.is_closed()).take(size).collect())
}

fn answer<W: BatchWork>(batch: Vec<Asked<W>>, work: &W, metrics: &QueueMetrics) {
    if batch.is_empty() {
        return;
    }
    let begun = Instant::now();
    batch.iter().for_each(|asked| metrics.wait.observe(begun.duration_since(asked.asked_at)));
    if let Some(size) = &metrics.batch {
        size.observe_number(batch.len() as u64);
    }
    let (pieces, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|asked| (asked.piece, asked.reply)).unzip();
    let Ok(outputs) = catch_unwind(AssertUnwindSafe(|| work.work(pieces))) else { return };
    for (reply, output) in replies.into_iter().zip(outputs) {
        // If the caller has gone away meanwhile, the output is dropped.
        let _ = reply.send(output);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Sender, channel};

    use super::*;

    /// Tells which pieces it has taken together, and begins each batch when it is let.
    #[derive(Debug)]
    struct Gated {
        taken: Sender<Vec<u8>>,
        gate: Mutex<mpsc::Receiver<()>>,
    }

    impl BatchWork for Gated {
        type Piece = u8;
        type Output = u8;

        fn size(&self, waiting: usize) -> usize {
            waiting.min(8)
        }

        fn work(&self, pieces: Vec<u8>) -> Vec<u8> {
            self.taken.send(pieces.clone()).unwrap();
            self.gate.lock().unwrap().recv().unwrap();
            pieces.into_iter().map(|piece| piece + 100).collect()
        }
    }

    /// One thread.
    fn workers() -> (BatchWorkers<Gated>, mpsc::Receiver<Vec<u8>>, Sender<()>) {
        let (taken, batches) = channel();
        let (release, gate) = channel();
        let work = Gated { taken, gate: Mutex::new(gate) };
        (BatchWorkers::start("test", 1, 16, 0, work).unwrap(), batches, release)
    }

    /// Puts a piece into the queue.
    fn ask(workers: &BatchWorkers<Gated>, piece: u8) -> oneshot::Receiver<u8> {
        let (reply, answer) = oneshot::channel();
        workers.queue.try_send(Asked { piece, asked_at: Instant::now(), reply }).unwrap();
        answer
    }

    #[test]
    fn a_lone_piece_does_not_wait_and_eight_that_wait_go_together() {
        let (workers, batches, release) = workers();
        let first = ask(&workers, 0);
        assert_eq!(batches.recv().unwrap(), [0]);
        let later: Vec<_> = (1..=10).map(|piece| ask(&workers, piece)).collect();
        release.send(()).unwrap();
        assert_eq!(batches.recv().unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        release.send(()).unwrap();
        assert_eq!(batches.recv().unwrap(), [9, 10]);
        release.send(()).unwrap();
        assert_eq!(first.blocking_recv(), Ok(100));
        let answers: Vec<_> = later.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect();
        assert_eq!(answers, (101..=110).collect::<Vec<_>>());
    }

    #[test]
    fn a_piece_whose_caller_has_gone_is_dropped() {
        let (workers, batches, release) = workers();
        let _first = ask(&workers, 0);
        assert_eq!(batches.recv().unwrap(), [0]);
        let all: Vec<_> = (1..=10).map(|piece| (piece, ask(&workers, piece))).collect();
        let kept: Vec<_> = all.into_iter().filter(|(piece, _)| piece % 2 == 0).collect();
        release.send(()).unwrap();
        assert_eq!(batches.recv().unwrap(), [2, 4, 6, 8, 10]);
        release.send(()).unwrap();
        for (piece, answer) in kept {
            assert_eq!(answer.blocking_recv(), Ok(piece + 100));
        }
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_batch_only() {
        let (workers, batches, release) = workers();
        drop(batches);
        assert_eq!(workers.run(0).await, Err(WorkError::Lost));
        assert_eq!(workers.run(7).await, Err(WorkError::Lost));
        drop(release);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (workers, batches, release) = workers();
        let first = ask(&workers, 0);
        batches.recv().unwrap();
        let waiting: Vec<_> = (1..=16).map(|piece| ask(&workers, piece)).collect();
        assert_eq!(workers.run(17).await, Err(WorkError::Busy));
        drop(waiting);
        release.send(()).unwrap();
        assert_eq!(first.await, Ok(100));
    }
}
