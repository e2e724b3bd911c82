//! What a request changes: atomics, so that it waits for no other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Buckets, Value};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// What it has come to.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<&Counter> for Value {
    fn from(counter: &Counter) -> Self {
        Self::Count(counter.get())
    }
}

/// The ranges of a histogram.
#[derive(Debug)]
pub struct Bounds {
    /// The upper bounds, in units of observation, each above the one before. One more range is above the last of them.
    pub upper: &'static [u64],
    /// How many units of observation make one unit of the metric.
    pub per_unit: f64,
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

impl Bounds {
    /// Of lengths of time from a tenth of a millisecond to ten seconds, observed in nanoseconds. The key set takes less than
    /// the first bound, an RSA signature about a millisecond, a password hash a quarter of a second.
    pub const DURATION: &Self = &Self {
        upper: &[
            100 * MICROSECOND,
            250 * MICROSECOND,
            500 * MICROSECOND,
            MILLISECOND,
            2_500 * MICROSECOND,
            5 * MILLISECOND,
            10 * MILLISECOND,
            25 * MILLISECOND,
            50 * MILLISECOND,
            100 * MILLISECOND,
            250 * MILLISECOND,
            500 * MILLISECOND,
            SECOND,
            2_500 * MILLISECOND,
            5 * SECOND,
            10 * SECOND,
        ],
        per_unit: 1e9,
    };

    /// Of batches of up to eight pieces.
    pub const BATCH: &Self = &Self { upper: &[1, 2, 3, 4, 5, 6, 7, 8], per_unit: 1.0 };
}

/// How many observations are in each range, and their sum.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static Bounds,
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// One without observations.
    pub fn new(bounds: &'static Bounds) -> Self {
        let buckets = (0..=bounds.upper.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, buckets, sum: AtomicU64::new(0) }
    }

    /// Notes a length of time.
    pub fn observe(&self, duration: Duration) {
        // Five centuries fit.
        self.observe_number(duration.as_nanos() as u64);
    }

    /// Notes a number in units of observation.
    pub fn observe_number(&self, number: u64) {
        let range = self.bounds.upper.partition_point(|upper| *upper < number);
        if let Some(bucket) = self.buckets.get(range) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(number, Ordering::Relaxed);
    }

    /// The observations until now. One that comes meanwhile may be in the ranges and not yet in the sum.
    pub fn read(&self) -> Buckets {
        let per_unit = self.bounds.per_unit;
        Buckets {
            upper: self.bounds.upper.iter().map(|upper| *upper as f64 / per_unit).collect(),
            counts: self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / per_unit,
        }
    }

    /// Whether nothing was observed yet.
    pub fn is_empty(&self) -> bool {
        self.buckets.iter().all(|bucket| bucket.load(Ordering::Relaxed) == 0)
    }
}

impl From<&Histogram> for Value {
    fn from(histogram: &Histogram) -> Self {
        Self::Buckets(histogram.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_in_the_first_range_that_reaches_it() {
        let histogram = Histogram::new(&Bounds { upper: &[10, 20, 30], per_unit: 10.0 });
        assert!(histogram.is_empty());
        for number in [0, 10, 11, 30, 31, 1_000] {
            histogram.observe_number(number);
        }
        let Buckets { upper, counts, sum } = histogram.read();
        assert_eq!((upper, counts, sum), (vec![1.0, 2.0, 3.0], vec![2, 1, 1, 2], 108.2));
        assert!(!histogram.is_empty());
    }

    #[test]
    fn bounds_rise() {
        for bounds in [Bounds::DURATION, Bounds::BATCH] {
            assert!(bounds.upper.is_sorted_by(|one, next| one < next));
        }
    }

    #[test]
    fn durations_are_told_in_seconds() {
        let histogram = Histogram::new(Bounds::DURATION);
        histogram.observe(Duration::from_micros(1_500));
        let read = histogram.read();
        assert_eq!((read.upper[4], read.counts[4], read.sum), (0.0025, 1, 0.0015));
    }

    #[test]
    fn no_observation_is_lost_if_threads_observe_at_once() {
        let (histogram, counter) = (Histogram::new(Bounds::BATCH), Counter::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..1_000).for_each(|_| histogram.observe_number(3));
                    (0..1_000).for_each(|_| counter.increment());
                });
            }
        });
        assert_eq!(
            (histogram.read().counts[2], histogram.read().sum, counter.get()),
            (4_000, 12_000.0, 4_000)
        );
    }
}
