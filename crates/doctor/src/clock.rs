//! The source of the time.

use std::time::Duration;

use crate::instant::Instant;

/// Tells the time. The caller implements it, so that one place in the program reads the system's clock.
pub trait Clock {
    /// The wall-clock time since 1970-01-01T00:00:00Z.
    fn since_1970(&self) -> Duration;

    /// How long the system has been up. It never goes back.
    fn uptime(&self) -> Duration;
}

/// The present instant by this clock.
pub(crate) fn now(clock: &dyn Clock) -> Instant {
    Instant::from_millis(clock.since_1970().as_millis() as u64)
}
