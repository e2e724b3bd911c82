//! What is counted of the queues of threads.

use std::fmt;

use crate::telemetry::metrics::{Bounds, Counter, Descriptor, Histogram, Kind, Snapshot, Source};

const LENGTH: Descriptor = Descriptor {
    name: "jwt_queue_length",
    kind: Kind::Gauge,
    labels: &["queue"],
    help: "Pieces of work that wait for a thread.",
};
const CAPACITY: Descriptor = Descriptor {
    name: "jwt_queue_capacity",
    kind: Kind::Gauge,
    labels: &["queue"],
    help: "How many pieces of work may wait; more are refused.",
};
const WAIT: Descriptor = Descriptor {
    name: "jwt_queue_wait_seconds",
    kind: Kind::Histogram,
    labels: &["queue"],
    help: "How long pieces of work waited for a thread.",
};
const REFUSED: Descriptor = Descriptor {
    name: "jwt_queue_refused",
    kind: Kind::Counter,
    labels: &["queue"],
    help: "Pieces of work that were refused because the queue was full.",
};
const BATCH: Descriptor = Descriptor {
    name: "jwt_queue_batch_size",
    kind: Kind::Histogram,
    labels: &["queue"],
    help: "How many pieces a thread worked on at once.",
};

/// The instruments of one queue.
pub(super) struct QueueMetrics {
    queue: &'static str,
    capacity: usize,
    length: Box<dyn Fn() -> usize + Send + Sync>,
    pub(super) wait: Histogram,
    pub(super) refused: Counter,
    /// Nothing if each piece is worked on alone.
    pub(super) batch: Option<Histogram>,
}

impl QueueMetrics {
    /// Of a queue that threads take single pieces from; `length` says how many wait.
    pub(super) fn of_pieces(
        queue: &'static str,
        capacity: usize,
        length: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Self {
        let (wait, refused) = (Histogram::new(Bounds::DURATION), Counter::default());
        Self { queue, capacity, length: Box::new(length), wait, refused, batch: None }
    }

    /// Of a queue that threads take batches from.
    pub(super) fn of_batches(
        queue: &'static str,
        capacity: usize,
        length: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Self {
        let batch = Some(Histogram::new(Bounds::BATCH));
        Self { batch, ..Self::of_pieces(queue, capacity, length) }
    }
}

impl fmt::Debug for QueueMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueMetrics").field(&self.queue).finish()
    }
}

impl Source for QueueMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        snapshot.family(&LENGTH).add(&[self.queue], (self.length)());
        snapshot.family(&CAPACITY).add(&[self.queue], self.capacity);
        snapshot.family(&WAIT).add(&[self.queue], &self.wait);
        snapshot.family(&REFUSED).add(&[self.queue], &self.refused);
        if let Some(batch) = &self.batch {
            snapshot.family(&BATCH).add(&[self.queue], batch);
        }
    }
}
