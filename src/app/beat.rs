//! What an instance tells the others on its database: which keys it signs with. Two that sign with keys of their own
//! would refuse each other's tokens, and so would half of all verifiers.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::{Instance, RingRecord};
use crate::entropy::{Entropy, EntropyError};
use crate::keys::custody::public_half;
use crate::keys::{Keeper, Keys};
use crate::store::{Health, Store, StoreError};

/// Between two beats.
const EVERY: Duration = Duration::from_secs(15);
/// Seconds after which an instance that has said nothing counts as gone.
const GONE: u64 = 60;

/// Tells and listens.
pub(super) struct Beat {
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    clock: Clock,
    custody: &'static str,
    id: String,
}

/// Another instance signs with other keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "another instance on this database signs with a key that this one does not have, or the other way round, so each \
     would refuse the other's tokens (its keys: {theirs}; ours: {ours}): give all instances the same keys, best in the \
     database (set one KEY_ENCRYPTION_KEY everywhere; `keys secret` makes one), or stop the other and wait a minute"
)]
pub struct Disagrees {
    theirs: String,
    ours: String,
}

impl Beat {
    pub(super) fn new(
        store: Arc<dyn Store>,
        keys: Arc<Keys>,
        keeper: &Keeper,
        clock: Clock,
        entropy: &Entropy,
    ) -> Result<Self, EntropyError> {
        Ok(Self { store, keys, clock, custody: keeper.custody().name(), id: entropy.jti()? })
    }

    /// The first beat, where the database answers; later ones only tell the log of what this one refuses to start for.
    pub(super) async fn first(&self, database: &Health) -> Result<(), Disagrees> {
        if !database.is_connected() {
            return Ok(());
        }
        match self.beat().await {
            Ok(Some(disagrees)) => Err(disagrees),
            _ => Ok(()),
        }
    }

    pub(super) async fn run(self) {
        let mut told = None;
        loop {
            tokio::time::sleep(EVERY).await;
            match self.beat().await {
                Err(StoreError::Absent) => return,
                Ok(now) => {
                    if let Some(disagrees) = now.as_ref().filter(|_| now != told) {
                        tracing::error!("{disagrees}");
                    }
                    told = now;
                }
                // The database's own watch tells of it.
                Err(_) => {}
            }
        }
    }

    async fn beat(&self) -> Result<Option<Disagrees>, StoreError> {
        let Some(ours) = self.instance() else { return Ok(None) };
        let since = ours.at.minus_secs(GONE);
        let others = self.store.list_instances().await?;
        let live = others.iter().filter(|other| other.id != ours.id && other.at >= since);
        let disagrees = live
            .filter(|other| ours.disagrees_with(other))
            .map(|other| Disagrees { theirs: other.custody.clone(), ours: ours.custody.clone() });
        let disagrees = disagrees.last();
        if disagrees.is_none() {
            self.store.note_instance(&ours, since).await?;
        }
        Ok(disagrees)
    }

    /// Ourselves; nobody where there are no keys yet.
    fn instance(&self) -> Option<Instance> {
        let ring = self.keys.ring();
        let record = ring.as_ref()?.record();
        let signs = ring.as_ref()?.active()?.verifying().thumbprint();
        let custody = self.custody.to_owned();
        Some(Instance {
            id: self.id.clone(),
            custody,
            signs,
            verifies: thumbprints(record),
            at: self.clock.now(),
        })
    }
}

fn thumbprints(record: &RingRecord) -> Vec<String> {
    record.verifying().filter_map(|key| public_half(key).ok()).map(|public| public.thumbprint()).collect()
}
