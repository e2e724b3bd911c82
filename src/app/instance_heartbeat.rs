//! Each instance records in the database with which keys it signs. Two instances with different keys would
//! refuse each other's tokens, and so would half of all verifiers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::clock::Clock;
use crate::domain::{Instance, KeyRecord, RingRecord, Timestamp};
use crate::entropy::{Entropy, EntropyError};
use crate::keys::custody::public_half;
use crate::keys::{Keys, Ring, RingService};
use crate::limits::LiveInstances;
use crate::store::{Health, Instances, StoreError};

/// The time between two heartbeats.
pub(super) const EVERY: Duration = Duration::from_secs(15);

/// Records the heartbeat of this instance and reads those of the others.
pub(super) struct InstanceHeartbeat {
    instances: Arc<dyn Instances>,
    /// How many there are, for the limits that they share.
    live: LiveInstances,
    keys: Arc<Keys>,
    clock: Clock,
    custody: &'static str,
    /// Whether all instances on this database read the same ring.
    shares_ring: bool,
    /// How long, in seconds, an instance may take to learn of a new key.
    staleness: u64,
    id: String,
    /// What was logged last.
    told: Option<Disagrees>,
}

/// Another instance signs with other keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "another instance on this database signs with a key that this one does not have, or the other way round, so each \
     would refuse the other's tokens (its keys: {theirs}; ours: {ours}): give all instances the same keys, preferably in the database (set one KEY_ENCRYPTION_KEY everywhere; `keys secret` makes one), or stop the other instance and wait a minute"
)]
pub struct Disagrees {
    theirs: String,
    ours: String,
}

impl InstanceHeartbeat {
    pub(super) fn new(
        instances: Arc<dyn Instances>,
        live: LiveInstances,
        keys: Arc<Keys>,
        ring_service: &RingService,
        clock: Clock,
        entropy: &Entropy,
    ) -> Result<Self, EntropyError> {
        Ok(Self {
            instances,
            live,
            keys,
            clock,
            custody: ring_service.custody().name(),
            shares_ring: ring_service.custody().shares_ring(),
            staleness: ring_service.staleness(),
            id: entropy.jti()?,
            told: None,
        })
    }

    /// Records the first heartbeat, if the database answers. It refuses the start if another instance signs
    /// with other keys; a later heartbeat only logs that.
    pub(super) async fn first(&self, database: &Health) -> Result<(), Disagrees> {
        if !database.is_connected() {
            return Ok(());
        }
        match self.beat(false).await {
            Ok(Some(disagrees)) => Err(disagrees),
            _ => Ok(()),
        }
    }

    async fn beat(&self, started: bool) -> Result<Option<Disagrees>, StoreError> {
        let ring = self.keys.ring();
        let Some(ring) = ring.as_ref() else { return Ok(None) };
        let Some(ours) = self.instance(ring) else { return Ok(None) };
        let since = ours.at.minus_secs(Instance::SILENCE_SECS);
        let others = self.instances.list_instances().await?;
        let live = others.iter().filter(|other| other.id != ours.id && other.is_live(ours.at));
        self.note_live(1 + live.clone().count());
        let mut disagrees = live
            .filter(|other| self.disagree(ring, &ours, other))
            .map(|other| Disagrees { theirs: other.custody.clone(), ours: ours.custody.clone() });
        let disagrees = disagrees.next();
        // A running instance always records its heartbeat. An instance that is about to refuse to start does not.
        if disagrees.is_none() || started {
            self.instances.record_instance(&ours).await?;
            self.instances.purge_instances(since).await?;
        }
        Ok(disagrees)
    }

    fn note_live(&self, count: usize) {
        self.keys.note_alone(count == 1);
        if self.live.note(count) {
            tracing::info!(instances = count, "the global limits are shared by this number of instances");
        }
    }

    /// Whether one instance would refuse the tokens of the other. Instances that share the ring cannot
    /// disagree. What an instance recorded before it could know our key proves nothing.
    fn disagree(&self, ring: &Ring, ours: &Instance, other: &Instance) -> bool {
        if ours.shares_ring && other.shares_ring {
            return false;
        }
        let published_at = ring.default_record().map(|key| key.published_at);
        let should_know_ours =
            published_at.is_some_and(|published_at| other.at > published_at.plus_secs(self.staleness));
        let known: Vec<_> = thumbprints(ring.record().keys.iter());
        !known.contains(&other.signs) || (should_know_ours && !other.verifies.contains(&ours.signs))
    }

    /// This instance; `None` if no key signs.
    fn instance(&self, ring: &Ring) -> Option<Instance> {
        let signs = ring.active()?.verifying().thumbprint();
        let verifies = thumbprints(ring.record().verifying());
        Some(Instance {
            id: self.id.clone(),
            custody: self.custody.to_owned(),
            shares_ring: self.shares_ring,
            signs,
            verifies,
            ring_version: RingRecord::NEWEST_VERSION,
            at: self.clock.now(),
        })
    }
}

#[async_trait]
impl Task for InstanceHeartbeat {
    fn name(&self) -> &'static str {
        "instance"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        match self.beat(true).await {
            Err(StoreError::Absent) => {
                // Without a database, this instance cannot learn of others.
                self.keys.note_alone(true);
                return Ok(NextTurn::Never);
            }
            // The task that probes the database logs the failure.
            Err(StoreError::Unavailable(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(now) => {
                if let Some(disagrees) = now.as_ref().filter(|_| now != self.told) {
                    tracing::error!("{disagrees}");
                }
                self.told = now;
            }
        }
        Ok(NextTurn::After(EVERY))
    }
}

fn thumbprints<'a>(keys: impl Iterator<Item = &'a KeyRecord>) -> Vec<String> {
    keys.filter_map(|key| public_half(key).ok()).map(|public| public.thumbprint()).collect()
}
