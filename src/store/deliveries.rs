//! The deliveries of events to endpoints: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Delivery, DeliveryQueue, DeliveryState, EventId, Timestamp, WebhookId};

/// The deliveries, the queue of each endpoint, and the number of the last event for which deliveries were made (the cursor).
/// What holds for the verbs of [`super::Users`] holds for these. They cause no events.
///
/// **Once.** The endpoint and the event identify a delivery: making it twice changes nothing.
///
/// **Queues.** A queue changes only by comparison with its revision, and each new delivery raises the revision. So an instance
/// that has looked for work, and found none, cannot put a queue to sleep in which a delivery has arrived meanwhile.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// The cursor; `None` before the first delivery.
    async fn find_delivery_cursor(&self) -> Result<Option<u64>, StoreError>;

    /// Adds deliveries that are not there yet, makes their queues due at the delivery's `due_at`, and moves the cursor from
    /// `seen` to `cursor`. False if another instance has moved it; then some of the deliveries may have been added.
    async fn create_deliveries_if(
        &self,
        seen: Option<u64>,
        cursor: u64,
        deliveries: &[Delivery],
    ) -> Result<bool, StoreError>;

    /// Adds deliveries, or puts them in the place of those that are there, and makes their queues due.
    async fn record_deliveries(&self, deliveries: &[Delivery]) -> Result<(), StoreError>;

    /// At most `limit` queues that are due at `now`, do not rest and are not leased, the one that has waited longest first.
    async fn list_due_queues(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryQueue>, StoreError>;

    /// The queue of an endpoint.
    async fn find_delivery_queue(&self, webhook: &WebhookId) -> Result<Option<DeliveryQueue>, StoreError>;

    /// Puts `queue` in the place of its revision `seen`. False if the stored queue is another one: of many changes at once, one
    /// is made.
    async fn replace_delivery_queue_if(&self, seen: u64, queue: &DeliveryQueue) -> Result<bool, StoreError>;

    /// At most `limit` waiting deliveries of an endpoint that are due at `now`, in the order of `due_at` and of their numbers.
    async fn list_due_deliveries(
        &self,
        webhook: &WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Of each of these subjects, the waiting delivery with the lowest number.
    async fn list_first_deliveries(
        &self,
        webhook: &WebhookId,
        subjects: &[String],
    ) -> Result<Vec<Delivery>, StoreError>;

    /// At most `limit` waiting deliveries of an endpoint that are held ([`Delivery::is_held`]), in the order of their numbers.
    async fn list_held_deliveries(
        &self,
        webhook: &WebhookId,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Puts `delivery` in the place of its revision `seen`. False if the stored delivery is another one or does not exist. If
    /// `delivery` does not wait any more, and the next waiting delivery of its subject is held, then that one becomes due at
    /// the `due_at` of `delivery`. A crash between the two can make it due too early, and never leaves it held.
    async fn replace_delivery_if(&self, seen: u64, delivery: &Delivery) -> Result<bool, StoreError>;

    /// Holds those of these deliveries that wait ([`Delivery::HELD`]).
    async fn record_held_deliveries(&self, webhook: &WebhookId, events: &[EventId])
    -> Result<(), StoreError>;

    /// The delivery of an event to an endpoint.
    async fn find_delivery(
        &self,
        webhook: &WebhookId,
        event: EventId,
    ) -> Result<Option<Delivery>, StoreError>;

    /// At most `limit` deliveries of an endpoint, in the reverse order of their numbers: the latest ones, or those in front of
    /// the number `before`. With a `state`, only those.
    async fn list_deliveries(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Removes a portion of the deliveries of an endpoint, and at last its queue. True if there may be more.
    async fn delete_deliveries(&self, webhook: &WebhookId) -> Result<bool, StoreError>;

    /// Removes a portion of the deliveries that have expired before `now`. True if there may be more of them.
    async fn purge_deliveries(&self, now: Timestamp) -> Result<bool, StoreError>;
}

#[async_trait]
impl Deliveries for Absent {
    async fn find_delivery_cursor(&self) -> Result<Option<u64>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn create_deliveries_if(&self, _: Option<u64>, _: u64, _: &[Delivery]) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn record_deliveries(&self, _: &[Delivery]) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_due_queues(&self, _: Timestamp, _: usize) -> Result<Vec<DeliveryQueue>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_delivery_queue(&self, _: &WebhookId) -> Result<Option<DeliveryQueue>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_delivery_queue_if(&self, _: u64, _: &DeliveryQueue) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_due_deliveries(
        &self,
        _: &WebhookId,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_first_deliveries(&self, _: &WebhookId, _: &[String]) -> Result<Vec<Delivery>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_delivery_if(&self, _: u64, _: &Delivery) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_held_deliveries(&self, _: &WebhookId, _: usize) -> Result<Vec<Delivery>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn record_held_deliveries(&self, _: &WebhookId, _: &[EventId]) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_delivery(&self, _: &WebhookId, _: EventId) -> Result<Option<Delivery>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_deliveries(
        &self,
        _: &WebhookId,
        _: Option<DeliveryState>,
        _: Option<u64>,
        _: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn delete_deliveries(&self, _: &WebhookId) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_deliveries(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
