//! The verbs of [`Webhooks`] and [`Deliveries`], measured.

use async_trait::async_trait;

use super::{Observed, Verb};
use crate::domain::{Delivery, DeliveryQueue, DeliveryState, Event, EventId, Timestamp, Webhook, WebhookId};
use crate::store::{Deliveries, StoreError, Webhooks};

#[async_trait]
impl Webhooks for Observed<dyn Webhooks> {
    async fn create_webhook(&self, webhook: &Webhook, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::create_webhook, self.store.create_webhook(webhook, event)).await
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.run(Verb::find_webhook, self.store.find_webhook(id)).await
    }

    async fn list_webhooks(
        &self,
        after: Option<&WebhookId>,
        limit: usize,
    ) -> Result<Vec<Webhook>, StoreError> {
        self.run(Verb::list_webhooks, self.store.list_webhooks(after, limit)).await
    }

    async fn replace_webhook_if(
        &self,
        seen: u64,
        webhook: &Webhook,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run(Verb::replace_webhook_if, self.store.replace_webhook_if(seen, webhook, event)).await
    }

    async fn delete_webhook(&self, id: &WebhookId, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::delete_webhook, self.store.delete_webhook(id, event)).await
    }
}

#[async_trait]
impl Deliveries for Observed<dyn Deliveries> {
    async fn find_delivery_cursor(&self) -> Result<Option<u64>, StoreError> {
        self.run(Verb::find_delivery_cursor, self.store.find_delivery_cursor()).await
    }

    async fn create_deliveries_if(
        &self,
        seen: Option<u64>,
        cursor: u64,
        deliveries: &[Delivery],
    ) -> Result<bool, StoreError> {
        let call = self.store.create_deliveries_if(seen, cursor, deliveries);
        self.run(Verb::create_deliveries_if, call).await
    }

    async fn record_deliveries(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        self.run(Verb::record_deliveries, self.store.record_deliveries(deliveries)).await
    }

    async fn list_due_queues(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryQueue>, StoreError> {
        self.run(Verb::list_due_queues, self.store.list_due_queues(now, limit)).await
    }

    async fn find_delivery_queue(&self, webhook: &WebhookId) -> Result<Option<DeliveryQueue>, StoreError> {
        self.run(Verb::find_delivery_queue, self.store.find_delivery_queue(webhook)).await
    }

    async fn replace_delivery_queue_if(&self, seen: u64, queue: &DeliveryQueue) -> Result<bool, StoreError> {
        let call = self.store.replace_delivery_queue_if(seen, queue);
        self.run(Verb::replace_delivery_queue_if, call).await
    }

    async fn list_due_deliveries(
        &self,
        webhook: &WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.run(Verb::list_due_deliveries, self.store.list_due_deliveries(webhook, now, limit)).await
    }

    async fn list_first_deliveries(
        &self,
        webhook: &WebhookId,
        subjects: &[String],
    ) -> Result<Vec<Delivery>, StoreError> {
        self.run(Verb::list_first_deliveries, self.store.list_first_deliveries(webhook, subjects)).await
    }

    async fn replace_delivery_if(&self, seen: u64, delivery: &Delivery) -> Result<bool, StoreError> {
        self.run(Verb::replace_delivery_if, self.store.replace_delivery_if(seen, delivery)).await
    }

    async fn list_held_deliveries(
        &self,
        webhook: &WebhookId,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.run(Verb::list_held_deliveries, self.store.list_held_deliveries(webhook, limit)).await
    }

    async fn record_held_deliveries(
        &self,
        webhook: &WebhookId,
        events: &[EventId],
    ) -> Result<(), StoreError> {
        self.run(Verb::record_held_deliveries, self.store.record_held_deliveries(webhook, events)).await
    }

    async fn find_delivery(
        &self,
        webhook: &WebhookId,
        event: EventId,
    ) -> Result<Option<Delivery>, StoreError> {
        self.run(Verb::find_delivery, self.store.find_delivery(webhook, event)).await
    }

    async fn list_deliveries(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let call = self.store.list_deliveries(webhook, state, before, limit);
        self.run(Verb::list_deliveries, call).await
    }

    async fn delete_deliveries(&self, webhook: &WebhookId) -> Result<bool, StoreError> {
        self.run(Verb::delete_deliveries, self.store.delete_deliveries(webhook)).await
    }

    async fn purge_deliveries(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_deliveries, self.store.purge_deliveries(now)).await
    }
}
