//! Makes deliveries of events. Any number of instances may do this at once: the cursor moves by comparison, and making a delivery
//! twice changes nothing.

use std::sync::Arc;

use super::WebhookMetrics;
use super::retry::{GIVE_UP_AFTER_SECS, KEEP_DEAD_SECS};
use crate::domain::{Delivery, DeliveryState, Timestamp, Webhook};
use crate::event_record::EventRecord;
use crate::store::{Deliveries, EventFilter, Events, StoreError, StoredEvent, Stores, Webhooks};

/// The most events that one portion reads.
const MAX_EVENTS: usize = 200;
/// The deliveries that one write adds: some milliseconds, so that other writes do not wait.
const MAX_DELIVERIES: usize = 250;
/// Endpoints that one query reads.
const PAGE: usize = 500;

/// Makes deliveries.
#[derive(Clone)]
pub struct FanOut {
    webhooks: Arc<dyn Webhooks>,
    deliveries: Arc<dyn Deliveries>,
    events: Arc<dyn Events>,
    metrics: Arc<WebhookMetrics>,
}

impl FanOut {
    /// Of the events in `stores`. `metrics` counts the events whose records cannot be read.
    pub fn new(stores: &Stores, metrics: Arc<WebhookMetrics>) -> Self {
        Self {
            webhooks: Arc::clone(&stores.webhooks),
            deliveries: Arc::clone(&stores.deliveries),
            events: Arc::clone(&stores.events),
            metrics,
        }
    }

    /// Makes the deliveries of a portion of events. True if there may be more.
    ///
    /// # Errors
    /// As the store; then the next call repeats the portion.
    pub async fn take_portion(&self, now: Timestamp) -> Result<bool, StoreError> {
        if self.webhooks.list_webhooks(None, 1).await?.is_empty() {
            return Ok(false);
        }
        let seen = self.deliveries.find_delivery_cursor().await?;
        let after = seen.unwrap_or(0);
        let mut events = self.events.list_events(&EventFilter::default(), after, MAX_EVENTS).await?;
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(false) };
        // The events come first: an endpoint that was stored before an event is in this list.
        let webhooks = list_all(&*self.webhooks).await?;
        let Some(first) = webhooks.iter().map(|webhook| webhook.begins_after).min() else { return Ok(false) };
        if last <= first {
            // Events from before the first endpoint are for no endpoint.
            self.deliveries.create_deliveries_if(seen, first, &[]).await?;
            return Ok(true);
        }
        events.truncate((4 * MAX_DELIVERIES / webhooks.len()).clamp(1, MAX_EVENTS));
        let Some(last) = events.last() else { return Ok(false) };
        let mut deliveries = Vec::new();
        for event in &events {
            deliveries.extend(self.deliveries_of(event, &webhooks, now));
        }
        self.create(seen, after, last.seq, &deliveries).await?;
        Ok(true)
    }

    /// The deliveries of an event; none if it has expired. A record that cannot be read holds up no other event.
    fn deliveries_of(&self, event: &StoredEvent, webhooks: &[Webhook], now: Timestamp) -> Vec<Delivery> {
        let Some(text) = &event.record else { return Vec::new() };
        let Some(record) = read_record(event, text) else {
            self.metrics.count_unreadable();
            return Vec::new();
        };
        let wanting = webhooks.iter().filter(|webhook| webhook.wants(event.seq, &event.kind));
        wanting.map(|webhook| new_delivery(webhook, event, &record, now)).collect()
    }

    /// Adds deliveries in small writes; the last one moves the cursor to the end.
    async fn create(
        &self,
        seen: Option<u64>,
        after: u64,
        end: u64,
        deliveries: &[Delivery],
    ) -> Result<(), StoreError> {
        let mut seen = seen;
        let mut rest = deliveries;
        loop {
            let (now, later) = rest.split_at(rest.len().min(MAX_DELIVERIES));
            let to = if later.is_empty() { end } else { after };
            let was_first = self.deliveries.create_deliveries_if(seen, to, now).await?;
            // If another instance was first, it makes the rest.
            if later.is_empty() || !was_first {
                return Ok(());
            }
            (seen, rest) = (Some(to), later);
        }
    }
}

/// All endpoints in the order of their ids.
pub(super) async fn list_all(store: &dyn Webhooks) -> Result<Vec<Webhook>, StoreError> {
    let mut all: Vec<Webhook> = Vec::new();
    loop {
        let page = store.list_webhooks(all.last().map(|webhook| &webhook.id), PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The record of an event; logs an error if it cannot be read.
pub(super) fn read_record(event: &StoredEvent, text: &str) -> Option<EventRecord> {
    match EventRecord::parse(text) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::error!(
                number = event.seq,
                event = %event.id,
                %error,
                "the record of an event cannot be read, so no endpoint gets it; run `jwt-generator audit verify`"
            );
            None
        }
    }
}

/// A delivery that is due at `now`.
pub(super) fn new_delivery(
    webhook: &Webhook,
    event: &StoredEvent,
    record: &EventRecord,
    now: Timestamp,
) -> Delivery {
    Delivery {
        webhook: webhook.id.clone(),
        event: event.id,
        revision: 1,
        seq: event.seq,
        kind: event.kind.clone(),
        subject: record.subject.clone(),
        state: DeliveryState::Waiting,
        due_at: now,
        created_at: now,
        expires_at: expiry(now),
        tries: 0,
        attempts: Vec::new(),
    }
}

/// When the record of a delivery that is made at `now` is removed, if nothing ends it before.
pub(super) fn expiry(now: Timestamp) -> Timestamp {
    now.plus_secs(GIVE_UP_AFTER_SECS + KEEP_DEAD_SECS)
}
