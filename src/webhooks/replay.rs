//! Replays: events are sent to an endpoint once more, under the same ids.

use super::error::WebhookError;
use super::fan_out::{new_delivery, read_record};
use super::registry::WebhookRegistry;
use crate::domain::{Delivery, DeliveryState, EventId, Timestamp, Webhook, WebhookId};
use crate::store::EventFilter;

/// Records that one query reads and one write makes.
const PAGE: usize = 200;

/// Which events are sent again.
#[derive(Clone, Copy, Debug)]
pub enum Replay {
    /// This one.
    Event(EventId),
    /// Those that were given up.
    Dead,
    /// Those since an instant that the endpoint wants, whatever became of them.
    Since(Timestamp),
}

impl WebhookRegistry {
    /// Sends events again, and returns how many. Those that wait already are not counted.
    ///
    /// # Errors
    /// [`WebhookError`]. Some events may have been put in line.
    pub async fn replay(&self, id: &WebhookId, which: Replay) -> Result<usize, WebhookError> {
        let webhook = self.find(id).await?;
        match which {
            Replay::Event(event) => {
                let stored = self.deliveries.find_delivery(id, event).await?;
                let stored = stored.ok_or(WebhookError::UnknownEvent(event))?;
                self.send_again(Some(stored).filter(has_ended).into_iter().collect()).await
            }
            Replay::Dead => self.replay_dead(id).await,
            Replay::Since(since) => self.replay_since(&webhook, since).await,
        }
    }

    async fn replay_dead(&self, id: &WebhookId) -> Result<usize, WebhookError> {
        let (mut count, mut before) = (0, None);
        loop {
            let dead = self.deliveries.list_deliveries(id, Some(DeliveryState::Dead), before, PAGE).await?;
            let Some(last) = dead.last() else { return Ok(count) };
            before = Some(last.seq);
            count += self.send_again(dead).await?;
        }
    }

    async fn replay_since(&self, webhook: &Webhook, since: Timestamp) -> Result<usize, WebhookError> {
        let filter = EventFilter { since: Some(since), ..EventFilter::default() };
        let (mut count, mut after) = (0, 0);
        // Events from before the endpoint count, too.
        let all = Webhook { begins_after: 0, ..webhook.clone() };
        loop {
            let events = self.events.list_events(&filter, after, PAGE).await?;
            let Some(last) = events.last() else { return Ok(count) };
            after = last.seq;
            let mut deliveries = Vec::new();
            for event in events.iter().filter(|event| all.wants(event.seq, &event.kind)) {
                let Some(text) = &event.record else { continue };
                let Some(record) = read_record(event, text) else { continue };
                let stored = self.deliveries.find_delivery(&webhook.id, event.id).await?;
                match stored {
                    Some(stored) => deliveries.extend(Some(stored).filter(has_ended)),
                    None => deliveries.push(new_delivery(webhook, event, &record, self.clock.now())),
                }
            }
            count += self.send_again(deliveries).await?;
        }
    }

    /// Makes deliveries anew; their attempts are kept.
    async fn send_again(&self, deliveries: Vec<Delivery>) -> Result<usize, WebhookError> {
        let now = self.clock.now();
        let anew = |delivery: Delivery| Delivery {
            revision: delivery.revision + 1,
            state: DeliveryState::Waiting,
            due_at: now,
            created_at: now,
            expires_at: super::fan_out::expiry(now),
            tries: 0,
            ..delivery
        };
        let again: Vec<_> = deliveries.into_iter().map(anew).collect();
        self.deliveries.record_deliveries(&again).await?;
        Ok(again.len())
    }
}

/// Whether a replay may send it: one that waits is sent anyway.
fn has_ended(delivery: &Delivery) -> bool {
    delivery.state != DeliveryState::Waiting
}
