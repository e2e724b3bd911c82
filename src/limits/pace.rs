//! The rule of a bucket: the generic cell rate algorithm (GCRA, ITU-T I.371). A bucket is one number, the instant at which it
//! will be full again. How far this instant lies ahead of now is its load.

use std::time::Duration;

use super::Quota;

/// Nanoseconds of a tick, as a power of two: 16 µs. Buckets count in ticks, so that an instant has room beside a key in one
/// word.
const TICK_BITS: u32 = 14;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A quota in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Ticks in which one request is given back.
    step: u64,
    /// The load of an empty bucket.
    window: u64,
}

impl Pace {
    /// The pace of one of `parts` equal parts of a quota. A part is never less than one request in a window.
    pub(super) fn of(quota: Quota, parts: u32) -> Self {
        let window = ticks(Duration::from_secs(quota.window().into()));
        let step = window * u64::from(parts.max(1)) / u64::from(quota.requests());
        Self { step: step.clamp(1, window), window }
    }

    /// The pace of so many times a quota.
    pub(super) fn times(quota: Quota, factor: u32) -> Self {
        let window = ticks(Duration::from_secs(quota.window().into()));
        let step = window / (u64::from(quota.requests()) * u64::from(factor.max(1)));
        Self { step: step.clamp(1, window), window }
    }

    /// The load of one request.
    pub(super) fn step(self) -> u64 {
        self.step
    }

    /// The load of an empty bucket.
    pub(super) fn window(self) -> u64 {
        self.window
    }

    /// The load after one more request; `None` if the bucket does not admit one.
    pub(super) fn take(self, load: u64) -> Option<u64> {
        let next = load + self.step;
        (next <= self.window).then_some(next)
    }

    /// How many requests a bucket with this load admits at once.
    pub(super) fn remaining(self, load: u64) -> u32 {
        (self.window.saturating_sub(load) / self.step) as u32
    }

    /// Whole seconds, at least one, until a bucket with this load admits one request more than now.
    pub(super) fn more_in(self, load: u64) -> u32 {
        let needed = (u64::from(self.remaining(load)) + 1) * self.step;
        let wait = (load + needed).saturating_sub(self.window) << TICK_BITS;
        (wait.div_ceil(NANOS_PER_SECOND) as u32).max(1)
    }
}

/// A length of time in ticks.
pub(super) fn ticks(time: Duration) -> u64 {
    time.as_nanos() as u64 >> TICK_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that a full bucket admits at once, and how long the next one waits.
    fn burst(pace: Pace) -> (u32, u32) {
        let (mut load, mut admitted) = (0, 0);
        while let Some(next) = pace.take(load) {
            assert!(pace.remaining(load) > pace.remaining(next));
            (load, admitted) = (next, admitted + 1);
        }
        assert_eq!(pace.remaining(load), 0);
        (admitted, pace.more_in(load))
    }

    #[test]
    fn a_full_bucket_admits_its_quota_and_then_one_request_for_each_step() {
        for (quota, admitted, wait) in [("10/m", 10, 6), ("1/d", 1, 86_400), ("7/h", 7, 515), ("50/s", 50, 1)]
        {
            assert_eq!(burst(Pace::of(Quota::parse(quota).unwrap(), 1)), (admitted, wait), "{quota}");
        }
        let pace = Pace::of(Quota::per_minute(10), 1);
        let after_one = pace.take(0).unwrap();
        assert_eq!((pace.remaining(after_one), pace.more_in(after_one)), (9, 6));
    }

    #[test]
    fn the_fastest_quota_is_exact_to_two_percent() {
        let admitted = f64::from(burst(Pace::of(Quota::per_second(10_000), 1)).0);
        assert!((10_000.0..10_200.0).contains(&admitted), "{admitted}");
    }

    #[test]
    fn the_parts_of_a_quota_are_never_more_than_the_whole_and_never_less_than_one() {
        let part = |parts| burst(Pace::of(Quota::per_minute(10), parts)).0;
        assert_eq!([1, 2, 3, 10, 11, 1_000_000].map(part), [10, 5, 3, 1, 1, 1]);
        assert_eq!(part(0), 10);
    }

    #[test]
    fn several_times_a_quota_are_so_many_requests_in_the_same_window() {
        let quota = Quota::per_minute(10);
        assert_eq!(burst(Pace::times(quota, 8)), (80, 1));
        assert_eq!(Pace::times(quota, 8).window(), Pace::of(quota, 1).window());
        assert_eq!(Pace::times(quota, 1), Pace::of(quota, 1));
    }
}
