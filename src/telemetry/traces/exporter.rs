//! Sends spans to a collector, in batches, on a thread of its own. A collector that is slow or away holds up no request: the
//! queue is bounded, and spans that find it full are dropped and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, after, bounded, never, select};
use tokio::sync::oneshot;

use super::otlp;
use super::settings::TraceSettings;
use super::span::SpanRecord;
use crate::telemetry::otlp::{Collector, ExportFailure, Resource};

/// Spans that may wait.
const QUEUE: usize = 4096;
/// Spans of one export, at most.
const BATCH: usize = 512;
/// How long the first span of a batch waits for others.
const DELAY: Duration = Duration::from_secs(2);
/// How often an export is tried.
const TRIES: u32 = 3;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// The way to the exporter. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    spans: Sender<Box<SpanRecord>>,
    flushes: Sender<oneshot::Sender<()>>,
    dropped: Arc<AtomicU64>,
}

/// The thread's own part.
pub(super) struct Exporter {
    collector: Collector,
    resource: Resource,
    spans: Receiver<Box<SpanRecord>>,
    flushes: Receiver<oneshot::Sender<()>>,
    dropped: Arc<AtomicU64>,
    /// Whether the latest export has failed.
    failing: bool,
}

impl Queue {
    /// Takes a span, or drops it if too many wait.
    pub(super) fn send(&self, record: SpanRecord) {
        if let Err(TrySendError::Full(_)) = self.spans.try_send(Box::new(record)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what has been taken is exported or lost, but no longer than `patience`.
    pub(super) async fn flush(&self, patience: Duration) {
        let (reply, done) = oneshot::channel();
        // If it is full, the thread is busy with an earlier flush, and the collector does not answer.
        if self.flushes.try_send(reply).is_ok() {
            let _ = tokio::time::timeout(patience, done).await;
        }
    }
}

impl Exporter {
    /// Starts the thread. It ends when the last [`Queue`] is dropped.
    pub(super) fn start(settings: TraceSettings, instance: u32) -> io::Result<Queue> {
        let ((spans, taken), (flushes, asked)) = (bounded(QUEUE), bounded(1));
        let dropped = Arc::new(AtomicU64::new(0));
        let exporter = Self {
            resource: Resource::of(&settings.otlp, instance),
            collector: Collector::new(settings.otlp),
            spans: taken,
            flushes: asked,
            dropped: Arc::clone(&dropped),
            failing: false,
        };
        thread::Builder::new().name("traces".to_owned()).spawn(move || exporter.run())?;
        Ok(Queue { spans, flushes, dropped })
    }

    fn run(mut self) {
        let (mut batch, mut due) = (Vec::new(), never());
        loop {
            select! {
                recv(self.spans) -> span => {
                    let Ok(span) = span else { return };
                    if batch.is_empty() {
                        due = after(DELAY);
                    }
                    batch.push(span);
                    if batch.len() < BATCH {
                        continue;
                    }
                    self.export(&batch, TRIES);
                }
                recv(due) -> _ => self.export(&batch, TRIES),
                recv(self.flushes) -> reply => {
                    let Ok(reply) = reply else { return };
                    batch.extend(self.spans.try_iter().take(QUEUE));
                    batch.chunks(BATCH).for_each(|part| self.export(part, 1));
                    // The flush may have lost patience.
                    let _ = reply.send(());
                }
            }
            batch.clear();
            due = never();
        }
    }

    /// Sends these spans, or drops them after so many tries.
    fn export(&mut self, spans: &[Box<SpanRecord>], tries: u32) {
        let body = otlp::request(&self.resource, spans);
        let mut tried = 1;
        loop {
            match self.collector.post(&body) {
                Ok(()) => return self.note_success(),
                Err(ExportFailure { retryable: true, .. }) if tried < tries && self.flushes.is_empty() => {
                    thread::sleep(PAUSE * (1 << (tried - 1)));
                    tried += 1;
                }
                Err(failure) => return self.note_failure(&failure, spans.len()),
            }
        }
    }

    /// Tells the log once that exports fail, not each time.
    fn note_failure(&mut self, failure: &ExportFailure, spans: usize) {
        self.dropped.fetch_add(spans as u64, Ordering::Relaxed);
        if !self.failing {
            self.failing = true;
            tracing::warn!(
                endpoint = self.collector.endpoint(),
                error = failure.text,
                "the collector does not take spans; requests are answered without it"
            );
        }
    }

    fn note_success(&mut self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if self.failing || dropped > 0 {
            self.failing = false;
            tracing::warn!(dropped, "spans were dropped before the collector took these");
        }
    }
}
