//! What is counted of deliveries.

use crate::telemetry::metrics::{Counter, Descriptor, Kind, Snapshot, Source};

const ATTEMPTS: Descriptor = Descriptor {
    name: "jwt_webhook_attempts",
    kind: Kind::Counter,
    labels: &["outcome"],
    help: "Attempts of this instance to deliver events to endpoints, by outcome: `delivered` or `failed`. An event that was given up counts once as `dead`.",
};

const UNREADABLE: Descriptor = Descriptor {
    name: "jwt_webhook_unreadable_events",
    kind: Kind::Counter,
    labels: &[],
    help: "Events that this instance sent to no endpoint because their stored record could not be read.",
};

/// The instruments.
#[derive(Debug, Default)]
pub struct WebhookMetrics {
    delivered: Counter,
    failed: Counter,
    dead: Counter,
    unreadable: Counter,
}

impl WebhookMetrics {
    pub(super) fn count_delivered(&self) {
        self.delivered.increment();
    }

    pub(super) fn count_failed(&self) {
        self.failed.increment();
    }

    pub(super) fn count_dead(&self) {
        self.dead.increment();
    }

    pub(super) fn count_unreadable(&self) {
        self.unreadable.increment();
    }
}

impl Source for WebhookMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let attempts = snapshot.family(&ATTEMPTS);
        for (outcome, counter) in
            [("delivered", &self.delivered), ("failed", &self.failed), ("dead", &self.dead)]
        {
            attempts.add(&[outcome], counter);
        }
        snapshot.family(&UNREADABLE).add(&[], &self.unreadable);
    }
}
