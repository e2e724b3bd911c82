//! Works on the queue of an endpoint: sends what is due, in the order of each subject, and writes down what came of it.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::attempt::{Attempts, Outcome};
use super::lease::{LeasedQueue, Leases};
use super::order::SubjectOrder;
use super::retry::{GIVE_UP_AFTER_SECS, KEEP_DEAD_SECS, KEEP_DELIVERED_SECS, Verdict, later, pause, rest};
use super::stop::Stop;
use super::{WebhookMetrics, WebhookSender};
use crate::clock::Clock;
use crate::domain::{
    Delivery, DeliveryState, EventKind, EventSubject, Initiator, Timestamp, Webhook, WebhookState,
};
use crate::entropy::Entropy;
use crate::server_secret::CurrentServerSecret;
use crate::store::{Deliveries, StoreError, Stores, Webhooks};

/// The attempts at once to one endpoint that answers.
const AT_ONCE: usize = 4;
/// After so much time, a queue goes to the end of the line.
const MAX_WORK_SECS: u64 = 10;
/// The queues of which an instance tries to lease one: other instances try the same ones.
const TRIED_QUEUES: usize = 16;

/// Sends what is due. Clones share everything.
#[derive(Clone)]
pub struct Dispatcher {
    webhooks: Arc<dyn Webhooks>,
    deliveries: Arc<dyn Deliveries>,
    leases: Leases,
    order: SubjectOrder,
    attempts: Attempts,
    metrics: Arc<WebhookMetrics>,
    clock: Clock,
    entropy: Entropy,
    stop: Stop,
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
    /// Nothing is due, the endpoint rests, or it is the turn of another queue.
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
        let (webhooks, deliveries) = (Arc::clone(&stores.webhooks), Arc::clone(&stores.deliveries));
        Self {
            leases: Leases::new(
                Arc::clone(&webhooks),
                Arc::clone(&deliveries),
                clock.clone(),
                entropy.clone(),
            ),
            order: SubjectOrder::new(Arc::clone(&deliveries)),
            webhooks,
            attempts: Attempts::new(
                Arc::clone(&stores.events),
                sender,
                server_secret,
                clock.clone(),
                entropy.clone(),
            ),
            deliveries,
            metrics,
            clock,
            entropy,
            stop: Stop::new(),
        }
    }

    /// Lets the work on queues end: it begins no attempt any more, waits for answers until this instant, writes what came of
    /// them, and gives the queues back.
    pub fn stop(&self, until: Instant) {
        self.stop.request(until);
    }

    /// How many endpoints have something to do, up to `limit`.
    ///
    /// # Errors
    /// As the store.
    pub async fn count_due(&self, limit: usize) -> Result<usize, StoreError> {
        self.leases.count_due(limit).await
    }

    /// Works on queues until none is due, or until a stop.
    ///
    /// # Errors
    /// As the store. What was in progress is tried again when its lease has ended.
    pub async fn work(&self) -> Result<(), StoreError> {
        while !self.stop.is_requested() {
            let Some(mut queue) = self.leases.take(TRIED_QUEUES).await? else { return Ok(()) };
            let Some(webhook) = self.webhooks.find_webhook(queue.webhook()).await? else {
                while self.deliveries.delete_deliveries(queue.webhook()).await? {}
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

    async fn work_on(&self, webhook: &Webhook, queue: &mut LeasedQueue) -> Result<End, StoreError> {
        let until = self.clock.now().plus_secs(MAX_WORK_SECS);
        loop {
            if webhook.state != WebhookState::Enabled {
                return Ok(End::Stopped);
            }
            let due = self.order.next_due(&webhook.id, self.clock.now(), AT_ONCE).await?;
            let Some(due) = due else { return Ok(End::Rested) };
            let mut due = due.into_iter();
            while due.len() > 0 {
                if self.stop.is_requested() || self.clock.now() >= until {
                    return Ok(End::Rested);
                }
                if !self.leases.extend(queue).await? {
                    return Ok(End::Lost);
                }
                // An endpoint that fails gets one message at a time.
                let width = if queue.failures == 0 { AT_ONCE } else { 1 };
                let batch: Vec<_> = due.by_ref().take(width).collect();
                let outcomes = join_all(batch.into_iter().map(|one| self.attempt(webhook, one))).await;
                let mut is_gone = false;
                for outcome in outcomes {
                    is_gone |= self.settle(queue, outcome).await?;
                }
                if is_gone {
                    self.disable(webhook, self.clock.now()).await?;
                    return Ok(End::Stopped);
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
    }

    async fn attempt(&self, webhook: &Webhook, before: Delivery) -> Outcome {
        let untried = before.clone();
        tokio::select! {
            biased;
            outcome = self.attempts.make(webhook, before) => outcome,
            () = self.stop.time_is_over() => Outcome::Untried(untried),
        }
    }

    /// Writes down what came of a delivery. True if the endpoint is gone.
    async fn settle(&self, queue: &mut LeasedQueue, outcome: Outcome) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut is_gone = false;
        let (seen, after) = match outcome {
            Outcome::Expired(before) => (before.revision, self.given_up(before, now)),
            // Other work comes first.
            Outcome::Untried(before) => {
                (before.revision, Delivery { due_at: later(now, pause(1, self.random())), ..before })
            }
            Outcome::Tried { before, attempt, verdict } => {
                is_gone = verdict == Verdict::Gone;
                (before.revision, self.judged(queue, before.after(attempt), verdict, now))
            }
        };
        self.deliveries.replace_delivery_if(seen, &Delivery { revision: seen + 1, ..after }).await?;
        Ok(is_gone)
    }

    /// A delivery after an attempt with this verdict.
    fn judged(
        &self,
        queue: &mut LeasedQueue,
        mut after: Delivery,
        verdict: Verdict,
        now: Timestamp,
    ) -> Delivery {
        match verdict {
            Verdict::Delivered => {
                (queue.failures, after.state) = (0, DeliveryState::Delivered);
                after.expires_at = now.plus_secs(KEEP_DELIVERED_SECS);
                self.metrics.count_delivered();
                after
            }
            Verdict::Gone => self.given_up(after, now),
            Verdict::Failed { not_before, all } => {
                self.metrics.count_failed();
                queue.failures = queue.failures.saturating_add(1);
                let wanted = not_before.map_or(now, |secs| now.plus_secs(secs));
                after.due_at = later(now, pause(after.tries, self.random())).max(wanted);
                let rested = rest(queue.failures, self.random()).map_or(now, |rest| later(now, rest));
                let asked = if all { after.due_at } else { now };
                queue.rest_until = queue.rest_until.max(rested).max(asked);
                let is_over = after.due_at.secs_since(after.created_at) >= GIVE_UP_AFTER_SECS;
                if is_over { self.given_up(after, now) } else { after }
            }
        }
    }

    fn given_up(&self, delivery: Delivery, now: Timestamp) -> Delivery {
        self.metrics.count_dead();
        let (webhook, event) = (delivery.webhook.to_string(), delivery.event.to_string());
        tracing::warn!(webhook, event, "an event was not delivered; `webhooks replay` sends it again");
        let expires_at = now.plus_secs(KEEP_DEAD_SECS);
        Delivery { state: DeliveryState::Dead, due_at: now, expires_at, ..delivery }
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
