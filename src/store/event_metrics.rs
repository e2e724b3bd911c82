//! For how long events wait to be sealed.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::Timestamp;
use crate::telemetry::metrics::{Descriptor, Kind, Snapshot, Source};

const OLDEST: Descriptor = Descriptor {
    name: "jwt_events_oldest_unsealed_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "For how long the oldest event has waited to be sealed into the chain; 0 if no event waits.",
};

/// The age of the oldest event that is not sealed, when this instance last looked.
#[derive(Debug, Default)]
pub struct EventMetrics {
    oldest_millis: AtomicU64,
}

impl EventMetrics {
    /// Notes when the oldest unsealed event happened; `None` if all events are sealed.
    pub fn note(&self, oldest: Option<Timestamp>, now: Timestamp) {
        let age = oldest.map_or(0, |at| now.as_millis().saturating_sub(at.as_millis()));
        self.oldest_millis.store(age, Ordering::Relaxed);
    }
}

impl Source for EventMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let age = self.oldest_millis.load(Ordering::Relaxed) as f64 / 1e3;
        snapshot.family(&OLDEST).add(&[], age);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Value;

    #[test]
    fn the_age_of_the_oldest_event_is_a_metric() {
        let (metrics, now) = (EventMetrics::default(), Timestamp::from_secs(100));
        for (oldest, age) in [(Some(Timestamp::from_millis(98_500)), 1.5), (None, 0.0)] {
            metrics.note(oldest, now);
            let mut snapshot = Snapshot::default();
            metrics.collect(&mut snapshot);
            assert_eq!(snapshot.families()[0].points[0].value, Value::Level(age));
        }
    }
}
