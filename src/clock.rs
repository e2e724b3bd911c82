//! The only reader of the time. Everything below takes `now` or a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Tells the wall-clock time, from the system or from a test.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's wall clock.
    System,
    /// A clock that moves only when told to; clones share the hand.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::set`] moves it.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(at.as_millis())))
    }

    /// The present instant. A clock before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_millis(system_millis()),
            Self::Manual(millis) => Timestamp::from_millis(millis.load(Ordering::Relaxed)),
        }
    }

    /// How long the system has been up, its sleep included: what no setting of the clock moves. It is the system's own
    /// under a manual clock too, for it measures how old something is that came from outside.
    pub fn uptime(&self) -> Duration {
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(up.tv_sec.max(0) as u64, up.tv_nsec.clamp(0, 999_999_999) as u32)
    }

    /// Moves a manual clock; the system's clock is left alone.
    pub fn set(&self, at: Timestamp) {
        if let Self::Manual(millis) = self {
            millis.store(at.as_millis(), Ordering::Relaxed);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's time")]
fn system_millis() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
