//! The only code that reads the time. All other code takes a [`Moment`].

use std::sync::LazyLock;
use std::time::{Duration, Instant, UNIX_EPOCH};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// An instant on two clocks: the wall clock, and one that cannot be set.
///
/// While a Lambda environment is frozen, the second clock may stand still, and the first may be set back.
/// With both, no stored data looks younger than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub unix: u64,
    /// Since the program started.
    pub steady: Duration,
}

impl Moment {
    /// The present.
    pub fn now() -> Self {
        Self { unix: unix_seconds(), steady: START.elapsed() }
    }

    /// The time since `earlier`, by the clock that shows more.
    pub fn since(self, earlier: Self) -> Duration {
        let wall = Duration::from_secs(self.unix.saturating_sub(earlier.unix));
        wall.max(self.steady.saturating_sub(earlier.steady))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's time")]
fn unix_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_what_the_clock_says_that_says_more() {
        let at = |unix, steady| Moment { unix, steady: Duration::from_secs(steady) };
        let then = at(1_000, 50);
        assert_eq!(at(1_090, 60).since(then), Duration::from_secs(90), "frozen for a while");
        assert_eq!(at(400, 60).since(then), Duration::from_secs(10), "set back");
        assert_eq!(at(400, 50).since(then), Duration::ZERO);
    }
}
