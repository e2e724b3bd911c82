//! How the background tasks fare: noted by `app`, told by the probes and the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::telemetry::metrics::{Counter, Descriptor, Kind, Snapshot, Source};

const LAST_SUCCESS: Descriptor = Descriptor {
    name: "jwt_task_last_success_timestamp_seconds",
    kind: Kind::Gauge,
    labels: &["task"],
    help: "When a turn of the task last began that succeeded, in seconds since 1970; 0 before the first one.",
};
const DURATION: Descriptor = Descriptor {
    name: "jwt_task_duration_seconds",
    kind: Kind::Gauge,
    labels: &["task"],
    help: "How long the latest turn of the task took.",
};
const LATENESS: Descriptor = Descriptor {
    name: "jwt_task_lateness_seconds",
    kind: Kind::Gauge,
    labels: &["task"],
    help: "For how long the turn of the task that is due has not ended; 0 if no turn is due. Always 0 in a function.",
};
const FAILURES: Descriptor = Descriptor {
    name: "jwt_task_failures",
    kind: Kind::Counter,
    labels: &["task"],
    help: "Turns of the task that failed or panicked.",
};

/// A turn that has not ended so long after it was due is late.
const LATE: Duration = Duration::from_secs(30);
/// In the place of an instant of uptime: no turn is due.
const NOT_DUE: u64 = u64::MAX;

/// All background tasks of the process. Clones share them; reading takes no lock.
#[derive(Clone, Debug)]
pub struct Tasks {
    records: Arc<ArcSwap<Vec<Arc<TaskRecord>>>>,
    clock: Clock,
}

/// How one task fares.
#[derive(Debug)]
pub struct TaskRecord {
    name: &'static str,
    failing: AtomicBool,
    failures: Counter,
    /// In milliseconds since 1970.
    last_success: AtomicU64,
    /// In nanoseconds.
    duration: AtomicU64,
    /// In milliseconds of uptime, or [`NOT_DUE`].
    due_at: AtomicU64,
}

impl TaskRecord {
    /// Notes when the next turn is due, in uptime; `None` if it is not known.
    pub fn note_due(&self, due_at: Option<Duration>) {
        self.due_at.store(due_at.map_or(NOT_DUE, |due_at| due_at.as_millis() as u64), Ordering::Relaxed);
    }

    /// Notes how the turn went that began at `began_at`.
    pub fn note_turn(&self, began_at: Timestamp, duration: Duration, succeeded: bool) {
        self.failing.store(!succeeded, Ordering::Relaxed);
        self.duration.store(duration.as_nanos() as u64, Ordering::Relaxed);
        if succeeded {
            self.last_success.store(began_at.as_millis(), Ordering::Relaxed);
        } else {
            self.failures.increment();
        }
    }

    /// Turns that failed since the start.
    pub fn failures(&self) -> u64 {
        self.failures.get()
    }

    fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    fn lateness(&self, up: Duration) -> Duration {
        let due_at = Duration::from_millis(self.due_at.load(Ordering::Relaxed));
        up.saturating_sub(due_at)
    }
}

impl Tasks {
    /// None yet. Lateness is measured by the uptime of `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { records: Arc::default(), clock }
    }

    /// The record of a new task.
    pub fn add(&self, name: &'static str) -> Arc<TaskRecord> {
        let record = Arc::new(TaskRecord {
            name,
            failing: AtomicBool::new(false),
            failures: Counter::default(),
            last_success: AtomicU64::new(0),
            duration: AtomicU64::new(0),
            due_at: AtomicU64::new(NOT_DUE),
        });
        self.records.rcu(|records| records.iter().chain([&record]).cloned().collect::<Vec<_>>());
        record
    }

    /// The names of those whose latest turn failed.
    pub fn failing(&self) -> Vec<&'static str> {
        self.named(TaskRecord::is_failing)
    }

    /// The names of those that have a turn which should have ended long ago.
    pub fn late(&self) -> Vec<&'static str> {
        let up = self.clock.uptime();
        self.named(|record| record.lateness(up) > LATE)
    }

    fn named(&self, is_meant: impl Fn(&TaskRecord) -> bool) -> Vec<&'static str> {
        let records = self.records.load();
        records.iter().filter(|record| is_meant(record)).map(|record| record.name).collect()
    }
}

impl Source for Tasks {
    fn collect(&self, snapshot: &mut Snapshot) {
        let (records, up) = (self.records.load(), self.clock.uptime());
        for descriptor in [&LAST_SUCCESS, &DURATION, &LATENESS, &FAILURES] {
            snapshot.family(descriptor);
        }
        for record in records.iter() {
            let last_success = record.last_success.load(Ordering::Relaxed) as f64 / 1e3;
            let duration = record.duration.load(Ordering::Relaxed) as f64 / 1e9;
            snapshot.family(&LAST_SUCCESS).add(&[record.name], last_success);
            snapshot.family(&DURATION).add(&[record.name], duration);
            snapshot.family(&LATENESS).add(&[record.name], record.lateness(up).as_secs_f64());
            snapshot.family(&FAILURES).add(&[record.name], &record.failures);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_listed_as_long_as_it_fails() {
        let tasks = Tasks::new(Clock::System);
        let (ring, signer) = (tasks.add("ring"), tasks.add("signer"));
        for (task, succeeded, listed) in [
            (&ring, true, &[][..]),
            (&ring, false, &["ring"]),
            (&ring, false, &["ring"]),
            (&signer, false, &["ring", "signer"]),
            (&ring, true, &["signer"]),
            (&signer, true, &[]),
        ] {
            task.note_turn(Timestamp::from_secs(7), Duration::ZERO, succeeded);
            assert_eq!(tasks.clone().failing(), listed);
        }
        assert_eq!((ring.failures(), signer.failures()), (2, 1));
    }

    #[test]
    fn a_turn_is_late_if_it_has_not_ended_long_after_it_was_due() {
        let (tasks, clock) = (Tasks::new(Clock::System), Clock::System);
        let task = tasks.add("ring");
        assert!(tasks.late().is_empty());
        task.note_due(Some(clock.uptime()));
        assert!(tasks.late().is_empty());
        task.note_due(Some(clock.uptime().saturating_sub(LATE * 2)));
        assert_eq!(tasks.late(), ["ring"]);
        task.note_due(None);
        assert!(tasks.late().is_empty());
    }
}
