//! How many events no checkpoint is about.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::metrics::{Descriptor, Kind, Snapshot, Source};

const SINCE: Descriptor = Descriptor {
    name: "jwt_events_since_checkpoint",
    kind: Kind::Gauge,
    labels: &[],
    help: "Events behind the one that the last checkpoint is about, when this instance last looked.",
};

/// The number of events that no checkpoint is about.
#[derive(Debug, Default)]
pub struct CheckpointMetrics {
    since: AtomicU64,
}

impl CheckpointMetrics {
    /// Notes how many events there are behind the last checkpoint.
    pub(super) fn note(&self, since: u64) {
        self.since.store(since, Ordering::Relaxed);
    }
}

impl Source for CheckpointMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        snapshot.family(&SINCE).add(&[], self.since.load(Ordering::Relaxed) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::Value;

    #[test]
    fn the_events_behind_the_last_checkpoint_are_a_metric() {
        let metrics = CheckpointMetrics::default();
        metrics.note(7);
        let mut snapshot = Snapshot::default();
        metrics.collect(&mut snapshot);
        assert_eq!(snapshot.families()[0].points[0].value, Value::Level(7.0));
    }
}
