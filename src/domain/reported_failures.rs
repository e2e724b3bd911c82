//! Failed log-ins that are stored as events: only a few an hour, because strangers can cause any number of them.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::failures::millis;

/// Failures of an account in an hour of which there is an event; the others are only counted.
const MAX_AN_HOUR: u32 = 5;
/// An hour, in seconds.
const HOUR_SECS: u64 = 3600;

/// How many failures were stored in the hour that began with the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReportedFailures {
    count: u32,
    #[serde(with = "millis")]
    since: Timestamp,
}

impl ReportedFailures {
    const NONE: Self = Self { count: 0, since: Timestamp::from_secs(0) };

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// These and one more; `None` if the hour has enough of them.
    pub(super) fn and_one_at(self, now: Timestamp) -> Option<Self> {
        // After a clock was set back, the hour begins anew.
        let is_this_hour = now >= self.since && now.secs_since(self.since) < HOUR_SECS;
        let hour = if is_this_hour { self } else { Self { count: 0, since: now } };
        (hour.count < MAX_AN_HOUR).then_some(Self { count: hour.count + 1, ..hour })
    }
}

impl Default for ReportedFailures {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_an_hour_are_reported() {
        let now = Timestamp::from_secs(1_800_000_000);
        let fifth = (0..5).try_fold(ReportedFailures::NONE, |reported, _| reported.and_one_at(now)).unwrap();
        assert_eq!(fifth.and_one_at(now.plus_secs(3599)), None);
        let next_hour = fifth.and_one_at(now.plus_secs(3600)).unwrap();
        assert_eq!(next_hour, ReportedFailures { count: 1, since: now.plus_secs(3600) });
        assert!(fifth.and_one_at(now.minus_secs(60)).is_some(), "a clock that was set back");
    }
}
