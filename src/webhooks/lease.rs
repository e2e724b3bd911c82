//! Leases of queues: one instance at a time works on the queue of an endpoint. A lease is a part of the queue's record, and ends by
//! itself, so that an instance that is killed keeps no queue.

use std::sync::Arc;
use std::time::Duration;

use super::retry::later;
use crate::clock::Clock;
use crate::domain::{DeliveryQueue, Timestamp};
use crate::entropy::Entropy;
use crate::store::{Deliveries, StoreError};

/// For how long a queue is leased.
const LEASE: Duration = Duration::from_secs(60);
/// An attempt begins only if so much of the lease is left. The attempt, and what is written after it, takes less, also if the clocks
/// of two instances differ by some seconds.
const LEAST_LEFT: Duration = Duration::from_secs(30);
/// How often a change of a queue is repeated if another one was written first.
const MAX_TRIES: usize = 16;

/// The queues that this instance leases.
#[derive(Clone)]
pub(super) struct Leases {
    deliveries: Arc<dyn Deliveries>,
    clock: Clock,
    entropy: Entropy,
}

impl Leases {
    pub(super) fn new(deliveries: Arc<dyn Deliveries>, clock: Clock, entropy: Entropy) -> Self {
        Self { deliveries, clock, entropy }
    }

    /// How many queues have something to do, up to `limit`.
    pub(super) async fn count_due(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.deliveries.list_due_queues(self.clock.now(), limit).await?.len())
    }

    /// Leases the queue that has waited longest, of the first `limit`; `None` if none of them is left.
    pub(super) async fn take(&self, limit: usize) -> Result<Option<DeliveryQueue>, StoreError> {
        let now = self.clock.now();
        for queue in self.deliveries.list_due_queues(now, limit).await? {
            let (seen, lease) =
                (queue.revision, self.entropy.bytes().map_err(|error| StoreError::Backend(error.into()))?);
            let leased = DeliveryQueue {
                revision: seen + 1,
                leased_until: later(now, LEASE),
                // A database has signed numbers.
                lease: u64::from_be_bytes(lease) >> 1,
                ..queue
            };
            if self.deliveries.replace_delivery_queue_if(Some(seen), &leased).await? {
                return Ok(Some(leased));
            }
        }
        Ok(None)
    }

    /// Makes sure that the lease lasts for one more attempt. False if it is lost.
    pub(super) async fn extend(&self, queue: &mut DeliveryQueue) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if later(now, LEAST_LEFT) <= queue.leased_until {
            return Ok(true);
        }
        let until = later(now, LEASE);
        let extended = self.extend_to(queue, until).await?;
        if extended {
            queue.leased_until = until;
        }
        Ok(extended)
    }

    /// Gives a queue back with what was learned of its endpoint. It is due again when its first delivery is, or never if
    /// `is_stopped`.
    pub(super) async fn give_back(&self, queue: &DeliveryQueue, is_stopped: bool) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            // The queue is read first: a delivery that comes behind this changes its revision.
            let Some(mut stored) = self.held(queue).await? else { return Ok(()) };
            let end = Timestamp::from_millis(i64::MAX as u64 / 1_000_000);
            let first = self.deliveries.list_due_deliveries(&queue.webhook, end, 1).await?;
            let seen = stored.revision;
            stored.revision += 1;
            stored.due_at = first.first().map(|delivery| delivery.due_at).filter(|_| !is_stopped);
            (stored.rest_until, stored.failures) = (queue.rest_until, queue.failures);
            (stored.leased_until, stored.lease) = (Timestamp::from_secs(0), 0);
            if self.deliveries.replace_delivery_queue_if(Some(seen), &stored).await? {
                return Ok(());
            }
        }
        // The lease ends by itself.
        Ok(())
    }

    /// False if this instance no longer holds the queue.
    async fn extend_to(&self, queue: &DeliveryQueue, until: Timestamp) -> Result<bool, StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(mut stored) = self.held(queue).await? else { return Ok(false) };
            let seen = stored.revision;
            (stored.revision, stored.leased_until) = (seen + 1, until);
            if self.deliveries.replace_delivery_queue_if(Some(seen), &stored).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The stored queue, if this lease of it still counts.
    async fn held(&self, queue: &DeliveryQueue) -> Result<Option<DeliveryQueue>, StoreError> {
        let stored = self.deliveries.find_delivery_queue(&queue.webhook).await?;
        Ok(stored.filter(|stored| stored.lease == queue.lease && self.clock.now() < stored.leased_until))
    }
}
