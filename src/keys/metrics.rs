//! What is told of the key ring: how many keys there are, how old the active ones are, what comes next, and how old our view of
//! it is. It is computed when metrics are read.

use std::sync::Arc;

use jose::Algorithm;

use super::{Keys, Schedule, View, forecast};
use crate::clock::Clock;
use crate::domain::{KeyState, RingRecord, Timestamp};
use crate::telemetry::metrics::{Descriptor, Kind, Snapshot, Source};

const KEYS: Descriptor = Descriptor {
    name: "jwt_keys",
    kind: Kind::Gauge,
    labels: &["state", "algorithm"],
    help: "Keys of the ring. Removed keys are not counted.",
};
const ACTIVE_AGE: Descriptor = Descriptor {
    name: "jwt_active_key_age_seconds",
    kind: Kind::Gauge,
    labels: &["algorithm"],
    help: "For how long the active key has been active.",
};
const NEXT_STEP: Descriptor = Descriptor {
    name: "jwt_key_next_step_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "How long it is until the next step of the rotation is due; 0 while a step is due. Missing if no step is to come.",
};
const STALENESS: Descriptor = Descriptor {
    name: "jwt_key_ring_age_seconds",
    kind: Kind::Gauge,
    labels: &[],
    help: "For how long this instance has not read the key ring. Missing while it has no ring.",
};
const LOADED: Descriptor = Descriptor {
    name: "jwt_key_ring_loaded",
    kind: Kind::Gauge,
    labels: &[],
    help: "1 if this instance has read the key ring, else 0.",
};

const WRONG: Descriptor = Descriptor {
    name: "jwt_wrong_rsa_signatures",
    kind: Kind::Counter,
    labels: &[],
    help: "RSA signatures of batches that did not fit their key; they were discarded and made again.",
};

/// The states that are counted, with their names.
const STATES: [(KeyState, &str); 3] =
    [(KeyState::Published, "published"), (KeyState::Active, "active"), (KeyState::Retired, "retired")];

/// Reads the ring of the moment.
pub struct KeyMetrics {
    keys: Arc<Keys>,
    schedule: Arc<Schedule>,
    clock: Clock,
}

impl KeyMetrics {
    /// Of the ring that `keys` holds, which is held to `schedule`.
    pub fn new(keys: Arc<Keys>, schedule: Arc<Schedule>, clock: Clock) -> Self {
        Self { keys, schedule, clock }
    }
}

impl Source for KeyMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        for descriptor in [&KEYS, &ACTIVE_AGE, &NEXT_STEP, &STALENESS] {
            snapshot.family(descriptor);
        }
        snapshot.family(&WRONG).add(&[], self.keys.signer().wrong_rsa_signatures());
        let ring = self.keys.ring();
        snapshot.family(&LOADED).add(&[], u64::from(ring.is_some()));
        let Some(view) = ring.as_ref() else { return };
        let now = self.clock.now();
        add_keys(view.record(), now, snapshot);
        if let Some(next) = forecast::next(view.record(), &self.schedule, now) {
            snapshot
                .family(&NEXT_STEP)
                .add(&[], next.at.as_millis() as f64 / 1e3 - now.as_millis() as f64 / 1e3);
        }
        snapshot.family(&STALENESS).add(&[], age(view, &self.clock));
    }
}

fn add_keys(ring: &RingRecord, now: Timestamp, snapshot: &mut Snapshot) {
    for algorithm in Algorithm::ALL {
        let of_algorithm: Vec<_> = ring.keys.iter().filter(|key| key.alg == algorithm.name()).collect();
        if of_algorithm.iter().all(|key| key.state == KeyState::Removed) {
            continue;
        }
        for (state, name) in STATES {
            let count = of_algorithm.iter().filter(|key| key.state == state).count();
            snapshot.family(&KEYS).add(&[name, algorithm.name()], count);
        }
        let active = of_algorithm.iter().find(|key| key.state == KeyState::Active);
        if let Some(activated_at) = active.and_then(|key| key.activated_at) {
            snapshot.family(&ACTIVE_AGE).add(&[algorithm.name()], now.secs_since(activated_at) as f64);
        }
    }
}

fn age(view: &View, clock: &Clock) -> f64 {
    let read_at = view.read_at as f64 / 1e3;
    (clock.uptime().as_secs_f64() - read_at).max(0.0)
}
