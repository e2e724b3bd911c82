//! How many failed log-ins an instance stores as events. Each account has its own limit; this one holds for all accounts together,
//! so that a guessing attack on many of them does not fill the database.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Timestamp;

/// Failures in an hour of the clock.
const MAX_AN_HOUR: u64 = 1_000;
/// Those of them that names without a user may take: an attacker can invent any number of names, and the failures of users must be
/// stored all the same. The price: after so many, the record of such a name is written without an event, and that of a user with
/// one. That is a row more in the same write, beside a password hash.
const MAX_OF_NAMES_AN_HOUR: u64 = MAX_AN_HOUR / 2;
const HOUR_SECS: u64 = 3600;
/// The bits of each of the two counts.
const COUNT_BITS: u32 = 16;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// The number of the hour in the upper half. In the lower half, how many names without a user took in it, and how many were taken.
#[derive(Debug, Default)]
pub(super) struct EventBudget(AtomicU64);

impl EventBudget {
    /// Takes one for the failure of a user, or of a name without a user, if one is left of the present hour.
    pub(super) fn take(&self, is_user: bool, now: Timestamp) -> bool {
        let begin = (now.as_secs() / HOUR_SECS) << u32::BITS;
        let one_more = |packed: u64| {
            let is_this_hour = packed >> u32::BITS << u32::BITS == begin;
            let (of_names, all) =
                if is_this_hour { (packed >> COUNT_BITS & COUNT, packed & COUNT) } else { (0, 0) };
            let of_names = of_names + u64::from(!is_user);
            let is_left = all < MAX_AN_HOUR && (is_user || of_names <= MAX_OF_NAMES_AN_HOUR);
            is_left.then_some(begin | of_names << COUNT_BITS | (all + 1))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn taken(budget: &EventBudget, is_user: bool, now: Timestamp) -> u64 {
        (0..2 * MAX_AN_HOUR).filter(|_| budget.take(is_user, now)).count() as u64
    }

    #[test]
    fn an_hour_has_so_many() {
        let budget = EventBudget::default();
        assert_eq!((taken(&budget, true, NOW), taken(&budget, true, NOW)), (MAX_AN_HOUR, 0));
        assert_eq!(taken(&budget, false, NOW), 0, "users may take all of them");
        assert_eq!(taken(&budget, true, NOW.plus_secs(HOUR_SECS)), MAX_AN_HOUR);
    }

    #[test]
    fn names_without_a_user_leave_half_of_an_hour_to_users() {
        let budget = EventBudget::default();
        for now in [NOW, NOW.plus_secs(HOUR_SECS)] {
            assert_eq!(taken(&budget, false, now), MAX_OF_NAMES_AN_HOUR);
            assert_eq!(taken(&budget, true, now), MAX_AN_HOUR - MAX_OF_NAMES_AN_HOUR);
            assert_eq!(taken(&budget, false, now), 0);
        }
    }
}
