//! Works on the queue of an endpoint: sends what is due, in the order of each subject, and writes down what came of it.

use std::sync::Arc;

use futures_util::future::join_all;

use super::attempt::{Attempts, Outcome};
use super::lease::Leases;
use super::retry::{GIVE_UP_AFTER_SECS, KEEP_DEAD_SECS, KEEP_DELIVERED_SECS, Verdict, later, pause, rest};
use super::{WebhookMetrics, WebhookSender};
use crate::clock::Clock;
use crate::domain::{
    Delivery, DeliveryQueue, DeliveryState, EventKind, EventSubject, Initiator, Timestamp, Webhook,
    WebhookState,
};
use crate::entropy::Entropy;
use crate::server_secret::CurrentServerSecret;
use crate::store::{Deliveries, StoreError, Stores, Webhooks};

/// Due deliveries that one query reads.
const PAGE: usize = 64;
/// The attempts at once to one endpoint that answers.
const AT_ONCE: usize = 4;
/// After so many rounds, a queue goes to the end of the line.
const MAX_ROUNDS: usize = 64;
/// The queues of which an instance tries to lease one: other instances try the same ones.
const TRIED_QUEUES: usize = 16;

/// Sends what is due. Clones share everything.
#[derive(Clone)]
pub struct Dispatcher {
    webhooks: Arc<dyn Webhooks>,
    deliveries: Arc<dyn Deliveries>,
    leases: Leases,
    attempts: Attempts,
    metrics: Arc<WebhookMetrics>,
    clock: Clock,
    entropy: Entropy,
}

/// What a dispatcher works with.
pub struct DispatcherParts {
    /// What sends the messages.
    pub sender: Arc<dyn WebhookSender>,
    /// For the secrets of endpoints.
    pub server_secret: CurrentServerSecret,
    /// Counts what is sent.
    pub metrics: Arc<WebhookMetrics>,
    /// For the times of attempts.
    pub clock: Clock,
    /// For pauses and leases.
    pub entropy: Entropy,
}

/// Why the work on a queue ends.
enum End {
    /// Nothing is due, or the endpoint rests.
    Rested,
    /// Nothing is sent until an operator changes the endpoint.
    Stopped,
    /// Another instance has the queue.
    Lost,
}

impl Dispatcher {
    /// For the deliveries in `stores`.
    pub fn new(stores: &Stores, parts: DispatcherParts) -> Self {
        let DispatcherParts { sender, server_secret, metrics, clock, entropy } = parts;
        let deliveries = Arc::clone(&stores.deliveries);
        Self {
            webhooks: Arc::clone(&stores.webhooks),
            leases: Leases::new(Arc::clone(&deliveries), clock.clone(), entropy.clone()),
            attempts: Attempts::new(Arc::clone(&stores.events), sender, server_secret, clock.clone()),
            deliveries,
            metrics,
            clock,
            entropy,
        }
    }

    /// How many endpoints have something to do, up to `limit`.
    ///
    /// # Errors
    /// As the store.
    pub async fn count_due(&self, limit: usize) -> Result<usize, StoreError> {
        self.leases.count_due(limit).await
    }

    /// Works on queues until none is due.
    ///
    /// # Errors
    /// As the store. What was in progress is tried again when its lease has ended.
    pub async fn work(&self) -> Result<(), StoreError> {
        while let Some(mut queue) = self.leases.take(TRIED_QUEUES).await? {
            let Some(webhook) = self.webhooks.find_webhook(&queue.webhook).await? else {
                while self.deliveries.delete_deliveries(&queue.webhook).await? {}
                continue;
            };
            match self.work_on(&webhook, &mut queue).await? {
                End::Rested => self.leases.give_back(&queue, false).await?,
                End::Stopped => self.leases.give_back(&queue, true).await?,
                End::Lost => {}
            }
        }
        Ok(())
    }

    async fn work_on(&self, webhook: &Webhook, queue: &mut DeliveryQueue) -> Result<End, StoreError> {
        for _ in 0..MAX_ROUNDS {
            if webhook.state != WebhookState::Enabled {
                return Ok(End::Stopped);
            }
            let Some(due) = self.next_due(webhook).await? else { return Ok(End::Rested) };
            let mut due = due.into_iter();
            while due.len() > 0 {
                if !self.leases.extend(queue).await? {
                    return Ok(End::Lost);
                }
                // An endpoint that fails gets one message at a time.
                let width = if queue.failures == 0 { AT_ONCE } else { 1 };
                let batch: Vec<_> = due.by_ref().take(width).collect();
                let outcomes = join_all(batch.into_iter().map(|one| self.attempts.make(webhook, one))).await;
                for outcome in outcomes {
                    if !self.settle(webhook, queue, outcome).await? {
                        return Ok(End::Stopped);
                    }
                }
                if self.clock.now() < queue.rest_until {
                    return Ok(End::Rested);
                }
            }
            // An operator may have paused it meanwhile.
            let current = self.webhooks.find_webhook(&webhook.id).await?;
            if current.as_ref().map(|current| current.revision) != Some(webhook.revision) {
                return Ok(End::Rested);
            }
        }
        Ok(End::Rested)
    }

    /// The deliveries that may be sent now, of different subjects, each the first of its subject. `None` if nothing is due.
    async fn next_due(&self, webhook: &Webhook) -> Result<Option<Vec<Delivery>>, StoreError> {
        let now = self.clock.now();
        let due = self.deliveries.list_due_deliveries(&webhook.id, now, PAGE).await?;
        if due.is_empty() {
            return Ok(None);
        }
        let mut subjects: Vec<String> = Vec::new();
        for delivery in due {
            if !subjects.contains(&delivery.subject) {
                subjects.push(delivery.subject);
            }
        }
        let mut sendable = Vec::new();
        for first in self.deliveries.list_first_deliveries(&webhook.id, &subjects).await? {
            if first.due_at <= now {
                sendable.push(first);
            } else {
                // The others of the subject wait for the first one.
                self.deliveries.record_subject_due(&webhook.id, &first.subject, first.due_at).await?;
            }
        }
        Ok(Some(sendable))
    }

    /// Writes down what came of an attempt. False if nothing more is to be sent to the endpoint.
    async fn settle(
        &self,
        webhook: &Webhook,
        queue: &mut DeliveryQueue,
        outcome: Outcome,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let Outcome { before, attempted, verdict } = outcome;
        let seen = before.revision;
        let mut after = Delivery { revision: seen + 1, ..before };
        if let Some(attempt) = attempted {
            after = after.after(attempt);
        }
        match verdict {
            None if now.secs_since(after.created_at) >= GIVE_UP_AFTER_SECS => self.give_up(&mut after, now),
            // Nothing was sent; other work comes first.
            None => after.due_at = later(now, pause(1, self.random())),
            Some(Verdict::Delivered) => {
                (queue.failures, after.state) = (0, DeliveryState::Delivered);
                after.expires_at = now.plus_secs(KEEP_DELIVERED_SECS);
                self.metrics.count_delivered();
            }
            Some(Verdict::Gone) => self.give_up(&mut after, now),
            Some(Verdict::Failed { not_before, all }) => {
                self.metrics.count_failed();
                queue.failures = queue.failures.saturating_add(1);
                let wanted = not_before.map_or(now, |secs| now.plus_secs(secs));
                after.due_at = later(now, pause(after.tries, self.random())).max(wanted);
                let rested = rest(queue.failures, self.random()).map_or(now, |rest| later(now, rest));
                let asked = if all { after.due_at } else { now };
                queue.rest_until = queue.rest_until.max(rested).max(asked);
                if after.due_at.secs_since(after.created_at) >= GIVE_UP_AFTER_SECS {
                    self.give_up(&mut after, now);
                }
            }
        }
        self.write(seen, &after, now).await?;
        if verdict == Some(Verdict::Gone) {
            self.disable(webhook, now).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Writes a delivery, and when the others of its subject are due.
    async fn write(&self, seen: u64, after: &Delivery, now: Timestamp) -> Result<(), StoreError> {
        let is_written = self.deliveries.replace_delivery_if(seen, after).await?;
        let waits = after.state == DeliveryState::Waiting;
        // After the first attempt that succeeds, the others of the subject have not waited for this one.
        if is_written && (waits || after.tries != 1) {
            let due_at = if waits { after.due_at } else { now };
            self.deliveries.record_subject_due(&after.webhook, &after.subject, due_at).await?;
        }
        Ok(())
    }

    fn give_up(&self, delivery: &mut Delivery, now: Timestamp) {
        delivery.state = DeliveryState::Dead;
        delivery.expires_at = now.plus_secs(KEEP_DEAD_SECS);
        self.metrics.count_dead();
        let (webhook, event) = (delivery.webhook.to_string(), delivery.event.to_string());
        tracing::warn!(webhook, event, "an event was not delivered; `webhooks replay` sends it again");
    }

    /// Notes that the endpoint is gone. If an operator changes it at the same time, its next answer decides.
    async fn disable(&self, webhook: &Webhook, now: Timestamp) -> Result<(), StoreError> {
        let gone = Webhook {
            state: WebhookState::Gone,
            revision: webhook.revision + 1,
            updated_at: now.whole_secs(),
            ..webhook.clone()
        };
        let subject = EventSubject::Webhook(webhook.id.clone());
        let event = self.entropy.event(now, EventKind::WebhookGone, Initiator::SYSTEM, subject);
        let event = event.map_err(|error| StoreError::Backend(error.into()))?;
        if self.webhooks.replace_webhook_if(webhook.revision, &gone, &event).await? {
            let webhook = webhook.id.to_string();
            tracing::warn!(webhook, "the endpoint answered 410 (Gone); `webhooks resume` enables it again");
        }
        Ok(())
    }

    /// Without random numbers, pauses have their full length.
    fn random(&self) -> u64 {
        self.entropy.bytes().map_or(u64::MAX, u64::from_be_bytes)
    }
}
