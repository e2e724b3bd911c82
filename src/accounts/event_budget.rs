//! How many failed log-ins an instance stores as events. Each account has its own limit; this one holds for all accounts together,
//! so that a guessing attack on many of them does not fill the database.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Timestamp;

/// Failures in an hour of the clock. Names that no user has share them with users: otherwise the time of a response could show,
/// after so many failures, which of the two a name is.
const MAX_AN_HOUR: u64 = 1_000;
const HOUR_SECS: u64 = 3600;

/// The number of the hour in the upper half, how many were taken in it in the lower half.
#[derive(Debug, Default)]
pub(super) struct EventBudget(AtomicU64);

impl EventBudget {
    /// Takes one, if one is left of the present hour.
    pub(super) fn take(&self, now: Timestamp) -> bool {
        let begin = (now.as_secs() / HOUR_SECS) << u32::BITS;
        let one_more = |packed: u64| {
            let lower_half = u64::from(u32::MAX);
            let taken = if packed & !lower_half == begin { packed & lower_half } else { 0 };
            (taken < MAX_AN_HOUR).then_some(begin | (taken + 1))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_so_many() {
        let budget = EventBudget::default();
        let take = |now| (0..2 * MAX_AN_HOUR).filter(|_| budget.take(now)).count() as u64;
        let now = Timestamp::from_secs(1_800_000_000);
        assert_eq!((take(now), take(now)), (MAX_AN_HOUR, 0));
        assert_eq!(take(now.plus_secs(HOUR_SECS)), MAX_AN_HOUR);
    }
}
