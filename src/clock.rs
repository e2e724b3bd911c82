//! The only code that reads the time. All other code takes `now` or a [`Clock`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Gives the wall-clock time, from the system or from a test.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's wall clock.
    System,
    /// The system's wall clock and uptime in a process that may be frozen; clones share the state.
    FreezeAware(Arc<FreezeAware>),
    /// A clock that moves only when a test moves it; clones move together.
    Manual(Arc<Hands>),
}

/// An uptime that never falls behind the wall clock: the highest value seen, in milliseconds, and how far the
/// wall clock is ahead of it.
#[derive(Debug)]
pub struct FreezeAware {
    highest: AtomicU64,
    ahead: u64,
}

/// The time and the uptime of a manual clock, in milliseconds.
#[derive(Debug)]
pub struct Hands {
    at: AtomicU64,
    /// Zero until the uptime is set.
    uptime: AtomicU64,
}

impl Clock {
    /// A clock that shows `at` until [`Clock::set`] moves it.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(Hands { at: AtomicU64::new(at.as_millis()), uptime: AtomicU64::new(0) }))
    }

    /// The clock of a process that is frozen between the requests it answers. AWS does not say whether the
    /// uptime counts during that time. If it does not, stored data would look younger than it is.
    pub fn freeze_aware() -> Self {
        let up = booted().as_millis() as u64;
        let ahead = system_millis().saturating_sub(up);
        Self::FreezeAware(Arc::new(FreezeAware { highest: AtomicU64::new(up), ahead }))
    }

    /// The present instant. A clock before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System | Self::FreezeAware(_) => Timestamp::from_millis(system_millis()),
            Self::Manual(hands) => Timestamp::from_millis(hands.at.load(Ordering::Relaxed)),
        }
    }

    /// The present instant in nanoseconds since 1970, for spans, which are shorter than a millisecond.
    pub fn unix_nanos(&self) -> u64 {
        match self {
            Self::System | Self::FreezeAware(_) => system_nanos(),
            Self::Manual(hands) => hands.at.load(Ordering::Relaxed).saturating_mul(1_000_000),
        }
    }

    /// How long the system has been up, including the time when it slept. Setting the system's clock does not
    /// change it. A manual clock gives the system's uptime too, until a test [sets](Clock::set_uptime) it: the
    /// uptime measures the age of data that came from outside.
    pub fn uptime(&self) -> Duration {
        let up = booted();
        match self {
            Self::FreezeAware(freeze_aware) => freeze_aware.uptime(up, system_millis()),
            Self::System => up,
            Self::Manual(hands) => hands.uptime(up),
        }
    }

    /// Moves a manual clock; the system's clock does not change.
    pub fn set(&self, at: Timestamp) {
        if let Self::Manual(hands) = self {
            hands.at.store(at.as_millis(), Ordering::Relaxed);
        }
    }

    /// Stops the uptime of a manual clock at `uptime`, which is at least a millisecond; the system's does not change.
    pub fn set_uptime(&self, uptime: Duration) {
        if let Self::Manual(hands) = self {
            hands.uptime.store((uptime.as_millis() as u64).max(1), Ordering::Relaxed);
        }
    }
}

impl Hands {
    fn uptime(&self, of_system: Duration) -> Duration {
        match self.uptime.load(Ordering::Relaxed) {
            0 => of_system,
            millis => Duration::from_millis(millis),
        }
    }
}

impl FreezeAware {
    fn uptime(&self, up: Duration, wall: u64) -> Duration {
        let now = (up.as_millis() as u64).max(wall.saturating_sub(self.ahead));
        Duration::from_millis(self.highest.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

fn booted() -> Duration {
    let up = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(up.tv_sec.max(0) as u64, up.tv_nsec.clamp(0, 999_999_999) as u32)
}

fn system_millis() -> u64 {
    since_epoch().as_millis() as u64
}

/// They fit until the year 2554.
fn system_nanos() -> u64 {
    since_epoch().as_nanos() as u64
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's time")]
fn since_epoch() -> Duration {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thawing_clock_counts_what_passed_while_the_process_was_frozen_and_never_goes_back() {
        let clock = FreezeAware { highest: AtomicU64::new(5_000), ahead: 1_000_000 };
        let up = |up, wall| clock.uptime(Duration::from_millis(up), wall).as_millis();
        assert_eq!(up(6_000, 1_006_000), 6_000);
        assert_eq!(up(6_001, 1_906_000), 906_000, "a quarter of an hour in which the uptime stood still");
        assert_eq!(up(6_500, 1_006_500), 906_000, "a wall clock that is set back");
        assert_eq!(up(907_000, 1_006_500), 907_000);
    }
}
