//! How many lines of the access log refused requests may write: a client that is refused again and again must not fill the disk.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines in each second for the requests that are refused with one code.
pub(super) const LINES_PER_SECOND: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);

/// The lines of the present second, for each code.
#[derive(Debug, Default)]
pub(super) struct LinePace {
    seconds: Mutex<HashMap<&'static str, Second>>,
    /// Whether any line was left out and not told of yet.
    has_left_out: AtomicBool,
}

#[derive(Debug)]
struct Second {
    began: Instant,
    lines: u32,
    left_out: u64,
}

/// Lines that were left out within a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) code: &'static str,
    pub(super) count: u64,
}

impl LinePace {
    /// Whether a request that is refused with this code may write its line.
    pub(super) fn admits(&self, code: &'static str, now: Instant) -> bool {
        let mut seconds = self.seconds();
        let second = seconds.entry(code).or_insert(Second { began: now, lines: 0, left_out: 0 });
        if second.is_over(now) && second.left_out == 0 {
            *second = Second { began: now, lines: 0, left_out: 0 };
        }
        let is_admitted = second.lines < LINES_PER_SECOND;
        if is_admitted {
            second.lines += 1;
        } else {
            second.left_out += 1;
            self.has_left_out.store(true, Ordering::Relaxed);
        }
        is_admitted
    }

    /// The lines that were left out in seconds which are over. They are told of once.
    pub(super) fn take_left_out(&self, now: impl FnOnce() -> Instant) -> Vec<LeftOut> {
        if !self.has_left_out.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let (now, mut seconds, mut left_out) = (now(), self.seconds(), Vec::new());
        for (code, second) in seconds.iter_mut().filter(|(_, second)| second.is_over(now)) {
            if second.left_out > 0 {
                left_out.push(LeftOut { code, count: second.left_out });
                *second = Second { began: now, lines: 0, left_out: 0 };
            }
        }
        let is_any_left = seconds.values().any(|second| second.left_out > 0);
        self.has_left_out.store(is_any_left, Ordering::Relaxed);
        left_out
    }

    /// Nothing panics while it holds the lock.
    fn seconds(&self) -> MutexGuard<'_, HashMap<&'static str, Second>> {
        self.seconds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Second {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many requests with this code may write a line.
    fn admitted(pace: &LinePace, code: &'static str, requests: u32, now: Instant) -> u32 {
        (0..requests).filter(|_| pace.admits(code, now)).count() as u32
    }

    /// Seen: a client that was refused again and again wrote 14 GB an hour.
    #[test]
    fn each_code_has_so_many_lines_in_each_second_and_then_one_line_about_the_others() {
        let (pace, began) = (LinePace::default(), Instant::now());
        assert_eq!(admitted(&pace, "rate_limited", 1_000, began), LINES_PER_SECOND);
        assert_eq!(admitted(&pace, "busy", 1, began), 1);
        assert_eq!(pace.take_left_out(|| began), [], "the second is not over");
        let next = began + SECOND;
        let left_out = LeftOut { code: "rate_limited", count: u64::from(1_000 - LINES_PER_SECOND) };
        assert_eq!(pace.take_left_out(|| next), [left_out]);
        assert_eq!(pace.take_left_out(|| next + SECOND), []);
        assert_eq!(admitted(&pace, "rate_limited", 30, next), LINES_PER_SECOND);
    }

    #[test]
    fn lines_that_were_left_out_are_not_forgotten_when_the_next_second_begins() {
        let (pace, began) = (LinePace::default(), Instant::now());
        admitted(&pace, "busy", LINES_PER_SECOND + 1, began);
        assert_eq!(admitted(&pace, "busy", 2, began + SECOND), 0);
        assert_eq!(pace.take_left_out(|| began + SECOND), [LeftOut { code: "busy", count: 3 }]);
    }
}
