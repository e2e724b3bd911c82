//! One attempt: reads the event, opens its personal details, signs the message and sends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::answer::Concerned;
use super::message::Message;
use super::retry::{GIVE_UP_AFTER_SECS, Verdict, verdict};
use super::secret::{WebhookSecret, WebhookSecretError};
use super::sender::{Reply, WebhookSender};
use crate::clock::Clock;
use crate::domain::{Delivery, DeliveryAttempt, EventValue, Timestamp, UserId, Webhook};
use crate::entropy::Entropy;
use crate::event_record::{EventRecord, RecordError};
use crate::server_secret::{CurrentServerSecret, Label};
use crate::store::{EventFilter, Events, StoreError};

/// Makes attempts.
#[derive(Clone)]
pub(super) struct Attempts {
    events: Arc<dyn Events>,
    sender: Arc<dyn WebhookSender>,
    server_secret: CurrentServerSecret,
    clock: Clock,
    entropy: Entropy,
}

/// What came of a delivery.
pub(super) enum Outcome {
    /// Its time was over; nothing was sent.
    Expired(Delivery),
    /// Nothing was sent, or the instance stopped before the answer came.
    Untried(Delivery),
    /// There was an attempt.
    Tried {
        /// The delivery before it.
        before: Delivery,
        /// What is kept of it.
        attempt: DeliveryAttempt,
        /// What it means.
        verdict: Verdict,
    },
}

/// Why no message was made.
enum NoMessage {
    /// Not now: the store does not answer, or there is no server secret yet.
    Later,
    /// This is a failure of the delivery.
    Failed(String),
}

impl Attempts {
    pub(super) fn new(
        events: Arc<dyn Events>,
        sender: Arc<dyn WebhookSender>,
        server_secret: CurrentServerSecret,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        Self { events, sender, server_secret, clock, entropy }
    }

    pub(super) async fn make(&self, webhook: &Webhook, before: Delivery) -> Outcome {
        let at = self.clock.now();
        if at.secs_since(before.created_at) >= GIVE_UP_AFTER_SECS {
            return Outcome::Expired(before);
        }
        let (reply, concerned) = match self.send(webhook, &before).await {
            Ok(sent) => sent,
            Err(NoMessage::Later) => return Outcome::Untried(before),
            Err(NoMessage::Failed(reason)) => (Reply::Failed(reason), Concerned::NoUser),
        };
        let now = self.clock.now();
        let verdict = verdict(&reply, now);
        let (status, error, answer) = match reply {
            Reply::Answered { status, body, .. } => (Some(status), None, body),
            Reply::Failed(reason) => (None, Some(reason), String::new()),
            Reply::Busy => return Outcome::Untried(before),
        };
        let took_ms = now.as_millis().saturating_sub(at.as_millis());
        // An answer that cannot be sealed is not stored.
        let (answer, person) = concerned.stored(before.event, answer, &self.entropy).unwrap_or_default();
        let attempt = DeliveryAttempt { at: at.whole_secs(), took_ms, status, error, answer, person };
        Outcome::Tried { before, attempt, verdict }
    }

    /// Signs and sends the message of a delivery.
    async fn send(&self, webhook: &Webhook, delivery: &Delivery) -> Result<(Reply, Concerned), NoMessage> {
        let (message, concerned) = self.message(delivery).await?;
        let now = self.clock.now();
        let headers = open_secrets(webhook, &self.server_secret, now)
            .and_then(|secrets| message.headers(now, &secrets))
            .map_err(|error| match error {
                WebhookSecretError::NoServerSecret => NoMessage::Later,
                error => NoMessage::Failed(error.to_string()),
            })?;
        Ok((self.sender.send(&webhook.url, headers, message.body().to_vec()).await, concerned))
    }

    async fn message(&self, delivery: &Delivery) -> Result<(Message, Concerned), NoMessage> {
        let later = |_: StoreError| NoMessage::Later;
        let failed = |reason: &dyn std::fmt::Display| NoMessage::Failed(reason.to_string());
        let before = delivery.seq.saturating_sub(1);
        let found = self.events.list_events(&EventFilter::default(), before, 1).await.map_err(later)?;
        let event = found.into_iter().next().filter(|event| event.id == delivery.event);
        let text = event.and_then(|event| event.record);
        let text = text.ok_or_else(|| failed(&"the event has expired (EVENT_RETENTION)"))?;
        let record = EventRecord::parse(&text).map_err(|error| failed(&error))?;
        let concerned = self.concerned(&record).await?;
        let opened = opened(&record, &concerned).map_err(|error| failed(&error))?;
        let message = Message::of_event(&record, delivery.seq, opened.as_ref());
        Ok((message.map_err(|error| failed(&error))?, concerned))
    }

    async fn concerned(&self, record: &EventRecord) -> Result<Concerned, NoMessage> {
        let Some(person) = record.person.as_deref().and_then(UserId::parse) else {
            return Ok(Concerned::NoUser);
        };
        let keys = self.events.list_person_keys(&[person]).await.map_err(|_| NoMessage::Later)?;
        Ok(keys.into_iter().next().map_or(Concerned::DeletedUser, |(user, key)| Concerned::User(user, key)))
    }
}

/// The personal details of an event; `None` if they are gone with their user.
fn opened(
    record: &EventRecord,
    concerned: &Concerned,
) -> Result<Option<BTreeMap<String, EventValue>>, RecordError> {
    match concerned {
        _ if record.sealed.is_none() => Ok(Some(BTreeMap::new())),
        Concerned::User(_, key) => record.open(key).map(Some),
        Concerned::DeletedUser => Ok(None),
        // We make no such record: its seal has no person.
        Concerned::NoUser => Ok(Some(BTreeMap::new())),
    }
}

/// The secrets of an endpoint that sign at `now`, the newest first.
pub(super) fn open_secrets(
    webhook: &Webhook,
    server_secret: &CurrentServerSecret,
    now: Timestamp,
) -> Result<Vec<WebhookSecret>, WebhookSecretError> {
    let keys = server_secret.subkeys(Label::WebhookSecret).map_err(|_| WebhookSecretError::Refused)?;
    let keys = keys.ok_or(WebhookSecretError::NoServerSecret)?;
    let valid = webhook.secrets.iter().filter(|secret| secret.is_valid(now));
    valid.map(|secret| WebhookSecret::open(&webhook.id, secret.scheme, &secret.sealed, &keys)).collect()
}
