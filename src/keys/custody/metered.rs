//! A custody whose calls are counted and measured.

use std::sync::Arc;

use async_trait::async_trait;
use jose::SigningKey;
use tokio::time::Instant;

use super::{CustodyError, KeyBackend, Replaced, Resealed, RingLocation, RingStore};
use crate::domain::{Home, Instance, KeyRecord, Kid, NewKey, RingRecord, Timestamp};
use crate::keys::{KeyKind, Private};
use crate::telemetry::metrics::{Descriptor, Durations, Kind, Snapshot, Source};

/// What is asked of a custody. A signature is counted by the signer.
pub(in crate::keys) const CALLS: Descriptor = Descriptor {
    name: "jwt_custody_call_duration_seconds",
    kind: Kind::Histogram,
    labels: &["verb", "outcome"],
    help: "Calls to the place of the key ring and of the private keys, by how long they took. `unavailable` passes by itself.",
};
/// How a call ends, in the order of its numbers.
pub(in crate::keys) const OUTCOMES: &[&str] = &["ok", "unavailable", "failed"];

const VERBS: &[&str] = &["load_ring", "replace_ring", "make_key", "open_key", "discard_key"];
const LOAD: usize = 0;
const REPLACE: usize = 1;
const MAKE: usize = 2;
const OPEN: usize = 3;
const DISCARD: usize = 4;

/// The instruments.
#[derive(Debug)]
pub(super) struct CustodyMetrics(Durations);

impl CustodyMetrics {
    pub(super) fn new() -> Self {
        Self(Durations::new(VERBS, OUTCOMES))
    }

    async fn measure<T>(
        &self,
        verb: usize,
        call: impl Future<Output = Result<T, CustodyError>>,
    ) -> Result<T, CustodyError> {
        let began = Instant::now();
        let answer = call.await;
        let outcome = match &answer {
            Ok(_) => 0,
            Err(error) if error.is_passing() => 1,
            Err(_) => 2,
        };
        self.0.observe(verb, outcome, began.elapsed());
        answer
    }
}

impl Source for CustodyMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        self.0.add_to(snapshot.family(&CALLS));
    }
}

/// The place of a ring, measured.
pub(super) struct MeteredRing {
    pub(super) ring: Arc<dyn RingStore>,
    pub(super) metrics: Arc<CustodyMetrics>,
}

#[async_trait]
impl RingStore for MeteredRing {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.metrics.measure(LOAD, self.ring.load()).await
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        self.metrics.measure(REPLACE, self.ring.replace_if(seen, ring)).await
    }

    async fn align_copies(&self, ring: &RingRecord) -> Result<(), CustodyError> {
        self.ring.align_copies(ring).await
    }

    async fn reseal(&self, accept_unsealed: &[Kid]) -> Result<Option<Resealed>, CustodyError> {
        self.ring.reseal(accept_unsealed).await
    }

    async fn earlier_programs(&self, version: u32) -> Result<Vec<Instance>, CustodyError> {
        self.ring.earlier_programs(version).await
    }

    fn location(&self) -> RingLocation {
        self.ring.location()
    }

    fn place(&self) -> String {
        self.ring.place()
    }
}

/// The place of private halves, measured.
pub(super) struct MeteredKeys {
    pub(super) home: Arc<dyn KeyBackend>,
    pub(super) metrics: Arc<CustodyMetrics>,
}

#[async_trait]
impl KeyBackend for MeteredKeys {
    fn scheme(&self) -> &'static str {
        self.home.scheme()
    }

    async fn make(&self, kind: KeyKind) -> Result<NewKey, CustodyError> {
        self.metrics.measure(MAKE, self.home.make(kind)).await
    }

    async fn keep(&self, key: &SigningKey) -> Result<Option<Home>, CustodyError> {
        self.home.keep(key).await
    }

    async fn open(&self, key: &KeyRecord) -> Result<Private, CustodyError> {
        self.metrics.measure(OPEN, self.home.open(key)).await
    }

    async fn discard(&self, home: &Home) -> Result<(), CustodyError> {
        self.metrics.measure(DISCARD, self.home.discard(home)).await
    }

    async fn unbegun(&self, kind: KeyKind, now: Timestamp) -> Result<Option<NewKey>, CustodyError> {
        self.home.unbegun(kind, now).await
    }

    fn lies_in_ring(&self) -> bool {
        self.home.lies_in_ring()
    }
}
