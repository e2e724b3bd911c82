//! The state of a connection: whether a request is running, and since when. The stream and the service of the
//! connection and the table of all connections use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The value in place of an instant while a request is running, and after the connection was told to close.
const NOT_IDLE: u64 = u64::MAX;

/// The state of one connection. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<State>);

#[derive(Debug)]
struct State {
    /// The instant from which all others are counted.
    start: Instant,
    /// Odd while a request is being answered.
    steps: AtomicU32,
    /// In nanoseconds since `start`, or [`NOT_IDLE`].
    idle_since: AtomicU64,
    /// The bytes that were read since the last request ended.
    head: AtomicUsize,
    closing: Notify,
}

impl Progress {
    /// The state of a connection that was just accepted. All connections that are compared count from the
    /// same `start`.
    pub(super) fn new(start: Instant) -> Self {
        let (steps, head, closing) = (AtomicU32::new(0), AtomicUsize::new(0), Notify::new());
        let idle_since = AtomicU64::new(nanoseconds_since(start));
        Self(Arc::new(State { start, steps, idle_since, head, closing }))
    }

    /// The head of a request has arrived.
    pub(super) fn begin(&self) {
        self.0.idle_since.store(NOT_IDLE, Ordering::Relaxed);
        self.0.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Its response is ready.
    pub(super) fn end(&self) {
        self.0.head.store(0, Ordering::Relaxed);
        self.0.idle_since.store(nanoseconds_since(self.0.start), Ordering::Relaxed);
        self.0.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// This many bytes of a head were read.
    pub(super) fn read(&self, bytes: usize) {
        self.0.head.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether the head of the current request was larger than this many bytes. Bytes that were read together
    /// with the end of the previous request, or with the end of the head itself, may count or not.
    pub(super) fn head_exceeds(&self, bytes: usize) -> bool {
        self.0.head.load(Ordering::Relaxed) > bytes
    }

    /// The present instant, for [`Progress::wrote`].
    pub(super) fn now(&self) -> Idle {
        Idle(nanoseconds_since(self.0.start))
    }

    /// The peer has read a part of a response that was offered at `begun`: until then the connection was in
    /// use.
    pub(super) fn wrote(&self, begun: Idle) {
        let later = |since: u64| (since != NOT_IDLE).then_some(since.max(begun.0));
        // It fails if there is nothing to record.
        let _ = self.0.idle_since.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    /// How many times a request has begun or ended; odd while one is being answered.
    pub(super) fn steps(&self) -> u32 {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// Since when no request is running; `None` while one is running, and after the connection was told to
    /// close.
    pub(super) fn idle_since(&self) -> Option<Idle> {
        let since = self.0.idle_since.load(Ordering::Relaxed);
        (since != NOT_IDLE).then_some(Idle(since))
    }

    /// The instant of this value.
    pub(super) fn instant(&self, idle: Idle) -> Instant {
        self.0.start + Duration::from_nanos(idle.0)
    }

    /// Tells the connection to close, if it has been idle ever since. Returns false if it has not.
    #[must_use]
    pub(super) fn close_if_idle(&self, since: Idle) -> bool {
        let told =
            self.0.idle_since.compare_exchange(since.0, NOT_IDLE, Ordering::Relaxed, Ordering::Relaxed);
        if told.is_ok() {
            self.0.closing.notify_one();
        }
        told.is_ok()
    }

    /// Waits until the connection is told to close.
    pub(super) async fn told_to_close(&self) {
        self.0.closing.notified().await;
    }
}

/// Since when a connection is idle. A smaller value has been idle for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Idle(u64);

fn nanoseconds_since(start: Instant) -> u64 {
    // The field can hold five centuries.
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(NOT_IDLE - 1)
}
