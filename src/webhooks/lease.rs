//! Leases of queues: one instance at a time works on the queue of an endpoint. A lease is a part of the queue's record, and ends by
//! itself, so that an instance that is killed keeps no queue.

use std::sync::Arc;
use std::time::Duration;

use super::retry::later;
use crate::clock::Clock;
use crate::domain::{DeliveryQueue, Timestamp, WebhookId, WebhookState};
use crate::entropy::Entropy;
use crate::store::{Deliveries, StoreError, Webhooks};

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
    webhooks: Arc<dyn Webhooks>,
    deliveries: Arc<dyn Deliveries>,
    clock: Clock,
    entropy: Entropy,
}

/// A queue that this instance has leased, and what it learns of the endpoint.
pub(super) struct LeasedQueue {
    /// As it was leased, with the end of the lease as it is now.
    stored: DeliveryQueue,
    /// Until then nothing is sent.
    pub(super) rest_until: Timestamp,
    /// Attempts that failed in a row.
    pub(super) failures: u32,
}

impl LeasedQueue {
    fn of(stored: DeliveryQueue) -> Self {
        Self { rest_until: stored.rest_until, failures: stored.failures, stored }
    }

    /// The endpoint.
    pub(super) fn webhook(&self) -> &WebhookId {
        &self.stored.webhook
    }

    /// Whether an operator has woken the queue since it was leased: only that changes these members of a leased queue.
    fn was_woken(&self, now: &DeliveryQueue) -> bool {
        (now.rest_until, now.failures) != (self.stored.rest_until, self.stored.failures)
    }
}

impl Leases {
    pub(super) fn new(
        webhooks: Arc<dyn Webhooks>,
        deliveries: Arc<dyn Deliveries>,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        Self { webhooks, deliveries, clock, entropy }
    }

    /// How many queues have something to do, up to `limit`.
    pub(super) async fn count_due(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.deliveries.list_due_queues(self.clock.now(), limit).await?.len())
    }

    /// Leases the queue that has waited longest, of the first `limit`; `None` if none of them is left.
    pub(super) async fn take(&self, limit: usize) -> Result<Option<LeasedQueue>, StoreError> {
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
            if self.deliveries.replace_delivery_queue_if(seen, &leased).await? {
                return Ok(Some(LeasedQueue::of(leased)));
            }
        }
        Ok(None)
    }

    /// Makes sure that the lease lasts for one more attempt. False if it is lost.
    pub(super) async fn extend(&self, queue: &mut LeasedQueue) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if later(now, LEAST_LEFT) <= queue.stored.leased_until {
            return Ok(true);
        }
        let until = later(now, LEASE);
        let extended = self.extend_to(queue, until).await?;
        if extended {
            queue.stored.leased_until = until;
        }
        Ok(extended)
    }

    /// Gives a queue back with what was learned of its endpoint. It is due again when its first delivery is, behind the queues that
    /// wait now. If `is_stopped`, it is due only if the endpoint was enabled meanwhile.
    pub(super) async fn give_back(&self, queue: &LeasedQueue, is_stopped: bool) -> Result<(), StoreError> {
        let webhook = queue.webhook();
        for _ in 0..MAX_TRIES {
            // The queue is read first: a delivery or a resumption that comes behind this changes its revision.
            let Some(mut stored) = self.held(queue).await? else { return Ok(()) };
            let sleeps = is_stopped && self.is_disabled(webhook).await?;
            let end = Timestamp::from_millis(i64::MAX as u64 / 1_000_000);
            let first = self.deliveries.list_due_deliveries(webhook, end, 1).await?;
            let (seen, now) = (stored.revision, self.clock.now());
            stored.revision += 1;
            stored.due_at = first.first().map(|delivery| delivery.due_at.max(now)).filter(|_| !sleeps);
            if !queue.was_woken(&stored) {
                (stored.rest_until, stored.failures) = (queue.rest_until, queue.failures);
            }
            (stored.leased_until, stored.lease) = (Timestamp::from_secs(0), 0);
            if self.deliveries.replace_delivery_queue_if(seen, &stored).await? {
                return Ok(());
            }
        }
        // The lease ends by itself.
        Ok(())
    }

    async fn is_disabled(&self, webhook: &WebhookId) -> Result<bool, StoreError> {
        let stored = self.webhooks.find_webhook(webhook).await?;
        Ok(stored.is_some_and(|webhook| webhook.state != WebhookState::Enabled))
    }

    /// False if this instance no longer holds the queue.
    async fn extend_to(&self, queue: &LeasedQueue, until: Timestamp) -> Result<bool, StoreError> {
        for _ in 0..MAX_TRIES {
            let Some(mut stored) = self.held(queue).await? else { return Ok(false) };
            let seen = stored.revision;
            (stored.revision, stored.leased_until) = (seen + 1, until);
            if self.deliveries.replace_delivery_queue_if(seen, &stored).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The stored queue, if this lease of it still counts.
    async fn held(&self, queue: &LeasedQueue) -> Result<Option<DeliveryQueue>, StoreError> {
        let stored = self.deliveries.find_delivery_queue(queue.webhook()).await?;
        Ok(stored
            .filter(|stored| stored.lease == queue.stored.lease && self.clock.now() < stored.leased_until))
    }
}
