//! Thread pools of a fixed size for work that would block the async runtime: RSA signatures, password hashes.

mod batches;
mod fair;
mod metrics;
mod preferred_rounds;
mod rounds;
mod turns;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Sender, bounded};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::telemetry::metrics::Source;
use metrics::QueueMetrics;

pub use batches::{BatchWork, BatchWorkers};
pub use fair::FairWorkers;
pub use rounds::Keys;
pub use turns::Rank;

/// Threads of low priority behind a queue of limited length. They end when the value is dropped.
#[derive(Clone, Debug)]
pub struct Workers {
    queue: Sender<Job>,
    metrics: Arc<QueueMetrics>,
}

/// Why a piece of work gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// The queue is full: try again shortly.
    #[error("too much work is waiting")]
    Busy,
    /// The work panicked.
    #[error("the work ended without a result")]
    Lost,
}

type Job = Box<dyn FnOnce() + Send>;

impl Workers {
    /// Starts `threads` threads that take jobs from a queue of at most `queue` waiting jobs. They run at
    /// `niceness` (0 to 19; 19 is the lowest priority), so that cheap requests come first.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(name: &'static str, threads: usize, queue: usize, niceness: i32) -> io::Result<Self> {
        let (sender, receiver) = bounded::<Job>(queue);
        for _ in 0..threads.max(1) {
            let receiver = receiver.clone();
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                lower_priority(niceness);
                for job in receiver {
                    job();
                }
            })?;
        }
        let metrics = Arc::new(QueueMetrics::of_pieces(name, queue, move || receiver.len()));
        Ok(Self { queue: sender, metrics })
    }

    /// What is counted of the queue.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// Runs `work` on one of the threads. If the caller goes away before the work begins, it is not done.
    ///
    /// # Errors
    /// [`WorkError::Busy`] at once if the queue is full, [`WorkError::Lost`] if `work` panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let (reply, answer) = oneshot::channel();
        let (metrics, asked_at) = (Arc::clone(&self.metrics), Instant::now());
        let job = Box::new(move || {
            metrics.wait.observe(asked_at.elapsed());
            if !reply.is_closed()
                && let Ok(result) = catch_unwind(AssertUnwindSafe(work))
            {
                // The caller may have stopped waiting; then the result is not needed.
                let _ = reply.send(result);
            }
        });
        self.queue.try_send(job).map_err(|_| {
            self.metrics.refused.increment();
            WorkError::Busy
        })?;
        answer.await.map_err(|_| WorkError::Lost)
    }
}

/// Changes only the calling thread. If the system refuses, the work runs at the usual priority.
fn lower_priority(niceness: i32) {
    if niceness > 0
        && let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), niceness)
    {
        tracing::debug!(%error, "cannot lower a worker's priority");
    }
}

#[cfg(test)]
mod tests {
    use super::{WorkError, Workers};

    #[tokio::test]
    async fn a_panic_costs_its_own_job_only() {
        let workers = Workers::start("test", 1, 4, 0).unwrap();
        let lost = workers.run(|| -> u8 { panic!("as the test wants it") }).await;
        assert_eq!(lost, Err(WorkError::Lost));
        assert_eq!(workers.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let workers = Workers::start("test", 1, 1, 0).unwrap();
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let running = tokio::spawn({
            let workers = workers.clone();
            async move {
                workers
                    .run(move || {
                        begun.send(()).unwrap();
                        gate.recv().unwrap();
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        let mut waiting = Box::pin(workers.run(|| 1));
        assert!(futures_poll_once(&mut waiting).await.is_none());
        assert_eq!(workers.run(|| 2).await, Err(WorkError::Busy));
        release.send(()).unwrap();
        assert_eq!(waiting.await, Ok(1));
        assert_eq!(running.await.unwrap(), Ok(()));
    }

    async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
