//! The use cases of an operator: commands call them, and `WEBHOOKS_FILE`.

use std::sync::Arc;

use super::answer::open_answers;
use super::attempt::open_secrets;
use super::endpoint_health::WebhookHealth;
use super::error::WebhookError;
use super::fan_out::list_all;
use super::message::{Message, SignedHeaders};
use super::order::SubjectOrder;
use super::secret::{WebhookSecret, WebhookSecretError};
use super::sender::{Reply, WebhookRules, WebhookSender};
use crate::clock::Clock;
use crate::domain::{
    Delivery, DeliveryQueue, DeliveryState, Event, EventId, EventKind, EventSubject, Initiator, Timestamp,
    Webhook, WebhookId, WebhookOrigin, WebhookScheme, WebhookSecretRecord, WebhookState, WebhookUrl,
};
use crate::entropy::Entropy;
use crate::server_secret::{CurrentServerSecret, Label, SubKeys};
use crate::store::{Deliveries, Events, StoreError, Stores, Webhooks};

/// How often a change is repeated if another change was written first.
pub(super) const MAX_TRIES: usize = 8;
pub(super) const MAX_DESCRIPTION_CHARS: usize = 200;

/// The endpoints, for changes.
#[derive(Clone)]
pub struct WebhookRegistry {
    pub(super) webhooks: Arc<dyn Webhooks>,
    pub(super) deliveries: Arc<dyn Deliveries>,
    pub(super) events: Arc<dyn Events>,
    pub(super) server_secret: CurrentServerSecret,
    pub(super) rules: WebhookRules,
    /// Whether `WEBHOOKS_FILE` is set, so that its endpoints change there.
    pub(super) file_in_use: bool,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
}

/// An endpoint to be added.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// Its id; without one, it gets a random id.
    pub id: Option<WebhookId>,
    /// The address to which events are sent.
    pub url: WebhookUrl,
    /// Which kinds are sent; all of them if there are none.
    pub kinds: Vec<String>,
    /// For people.
    pub description: String,
    /// How messages are signed.
    pub scheme: WebhookScheme,
}

/// What an operator changes of an endpoint; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct WebhookChange {
    /// The address to which events are sent.
    pub url: Option<WebhookUrl>,
    /// Which kinds are sent; all of them if the list is empty.
    pub kinds: Option<Vec<String>>,
    /// For people.
    pub description: Option<String>,
}

/// An endpoint after a change, and its new secret if it got one.
#[derive(Debug)]
pub struct ChangedWebhook {
    /// The endpoint.
    pub webhook: Webhook,
    /// The secret.
    pub secret: Option<WebhookSecret>,
}

/// A test of an endpoint.
#[derive(Debug)]
pub struct Sample {
    /// The signed headers that were sent.
    pub headers: SignedHeaders,
    /// The body that was sent.
    pub body: String,
    /// What came of it.
    pub reply: Reply,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

impl WebhookRegistry {
    /// The endpoints in `stores`, which must keep `rules`. With a file in use, those that it manages change only there.
    pub fn new(
        stores: &Stores,
        server_secret: CurrentServerSecret,
        rules: WebhookRules,
        file_in_use: bool,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let (webhooks, deliveries) = (Arc::clone(&stores.webhooks), Arc::clone(&stores.deliveries));
        let events = Arc::clone(&stores.events);
        Self { webhooks, deliveries, events, server_secret, rules, file_in_use, clock, entropy }
    }

    /// Adds an endpoint. It gets the events that come from now on.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn create(&self, new: NewWebhook, by: &Initiator) -> Result<ChangedWebhook, WebhookError> {
        self.check(&new.url, &new.kinds, &new.description)?;
        let id = new.id.map_or_else(|| self.entropy.bytes().map(WebhookId::from_random), Ok)?;
        let secret = WebhookSecret::random(new.scheme, &self.entropy)?;
        let now = self.now();
        let webhook = Webhook {
            secrets: vec![self.sealed(&id, &secret, now)?],
            id,
            revision: 1,
            origin: WebhookOrigin::CommandLine,
            url: new.url,
            kinds: new.kinds,
            description: new.description,
            state: WebhookState::Enabled,
            begins_after: self.events.find_chain().await?.head.seq,
            created_at: now,
            updated_at: now,
        };
        let event = self.event(EventKind::WebhookCreated, &webhook.id, by)?;
        if self.webhooks.create_webhook(&webhook, &event).await? {
            Ok(ChangedWebhook { webhook, secret: Some(secret) })
        } else {
            Err(WebhookError::Taken(webhook.id))
        }
    }

    /// Gives an endpoint another secret of the same scheme. The one before also signs for `overlap` seconds more; older ones end.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn rotate_secret(
        &self,
        id: &WebhookId,
        overlap: u64,
        by: &Initiator,
    ) -> Result<ChangedWebhook, WebhookError> {
        let scheme = self.find(id).await?.secrets.first().map_or(WebhookScheme::V1, |secret| secret.scheme);
        let secret = WebhookSecret::random(scheme, &self.entropy)?;
        let rotate = |webhook: &mut Webhook, now: Timestamp| {
            let before = webhook.secrets.drain(..).next().filter(|_| overlap > 0);
            let expires_at = Some(now.plus_secs(overlap));
            webhook.secrets.push(self.sealed(id, &secret, now)?);
            webhook.secrets.extend(before.map(|before| WebhookSecretRecord { expires_at, ..before }));
            Ok(())
        };
        let webhook = self.replace(id, EventKind::WebhookSecretRotated, rotate, by).await?;
        Ok(ChangedWebhook { webhook, secret: Some(secret) })
    }

    /// Changes an endpoint. What waits is sent at once, and to the new address.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn update(
        &self,
        id: &WebhookId,
        change: WebhookChange,
        by: &Initiator,
    ) -> Result<Webhook, WebhookError> {
        let update = |webhook: &mut Webhook, _| {
            let WebhookChange { url, kinds, description } = change.clone();
            webhook.url = url.unwrap_or_else(|| webhook.url.clone());
            webhook.kinds = kinds.unwrap_or_else(|| std::mem::take(&mut webhook.kinds));
            webhook.description = description.unwrap_or_else(|| std::mem::take(&mut webhook.description));
            self.check(&webhook.url, &webhook.kinds, &webhook.description)
        };
        let webhook = self.replace(id, EventKind::WebhookChanged, update, by).await?;
        self.wake(id).await?;
        Ok(webhook)
    }

    /// Pauses an endpoint: events wait for it, for at most three days.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn pause(&self, id: &WebhookId, by: &Initiator) -> Result<Webhook, WebhookError> {
        self.set_state(id, WebhookState::Paused, by).await
    }

    /// Enables an endpoint that was paused, or that was gone. What waits is sent at once.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn resume(&self, id: &WebhookId, by: &Initiator) -> Result<Webhook, WebhookError> {
        let webhook = self.set_state(id, WebhookState::Enabled, by).await?;
        self.wake(id).await?;
        Ok(webhook)
    }

    /// Removes an endpoint with its deliveries, and returns it as it was.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn delete(&self, id: &WebhookId, by: &Initiator) -> Result<Webhook, WebhookError> {
        let webhook = self.changeable(id).await?;
        if self.remove(id, by).await? { Ok(webhook) } else { Err(WebhookError::Unknown(id.clone())) }
    }

    /// First the endpoint: deliveries that an instance makes in the same moment are removed by the one that finds them.
    pub(super) async fn remove(&self, id: &WebhookId, by: &Initiator) -> Result<bool, WebhookError> {
        let event = self.event(EventKind::WebhookDeleted, id, by)?;
        let is_removed = self.webhooks.delete_webhook(id, &event).await?;
        while self.deliveries.delete_deliveries(id).await? {}
        Ok(is_removed)
    }

    /// The endpoint with this id.
    ///
    /// # Errors
    /// [`WebhookError::Unknown`], or the error of the store.
    pub async fn find(&self, id: &WebhookId) -> Result<Webhook, WebhookError> {
        self.webhooks.find_webhook(id).await?.ok_or_else(|| WebhookError::Unknown(id.clone()))
    }

    /// How the deliveries to an endpoint go.
    ///
    /// # Errors
    /// As the store.
    pub async fn health(&self, id: &WebhookId) -> Result<WebhookHealth, StoreError> {
        let queue = self.deliveries.find_delivery_queue(id).await?;
        let queue = queue.unwrap_or_else(|| DeliveryQueue::new(id.clone()));
        Ok(WebhookHealth { failures: queue.failures, rest_until: queue.rest_until, now: self.clock.now() })
    }

    /// All endpoints in the order of their ids.
    ///
    /// # Errors
    /// As the store.
    pub async fn list(&self) -> Result<Vec<Webhook>, StoreError> {
        list_all(&*self.webhooks).await
    }

    /// What a receiver needs to verify, of each secret that signs now: the secret, or the public key.
    ///
    /// # Errors
    /// [`WebhookError::Secret`].
    pub fn public_keys(&self, webhook: &Webhook) -> Result<Vec<String>, WebhookError> {
        let secrets = open_secrets(webhook, &self.server_secret, self.clock.now())?;
        let asymmetric = secrets.iter().filter(|secret| secret.scheme() == WebhookScheme::V1a);
        let keys: Result<Vec<_>, _> =
            asymmetric.map(|secret| secret.verifier().map(|key| key.expose().clone())).collect();
        Ok(keys?)
    }

    /// The latest deliveries to an endpoint, the latest first. The answers of the endpoint are opened; one whose user was deleted is
    /// empty, and keeps its person.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn list_deliveries(
        &self,
        id: &WebhookId,
        state: Option<DeliveryState>,
        limit: usize,
    ) -> Result<Vec<Delivery>, WebhookError> {
        self.find(id).await?;
        let mut listed = self.deliveries.list_deliveries(id, state, None, limit).await?;
        open_answers(&*self.events, &mut listed).await?;
        Ok(listed)
    }

    /// The delivery of an event to an endpoint, with its answers as in a list.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn find_delivery(&self, id: &WebhookId, event: EventId) -> Result<Delivery, WebhookError> {
        self.find(id).await?;
        let found = self.deliveries.find_delivery(id, event).await?;
        let mut found = [found.ok_or(WebhookError::UnknownEvent(event))?];
        open_answers(&*self.events, &mut found).await?;
        let [delivery] = found;
        Ok(delivery)
    }

    /// Sends a signed message that tells of no event, and says what came of it.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn send_sample(
        &self,
        id: &WebhookId,
        sender: Arc<dyn WebhookSender>,
    ) -> Result<Sample, WebhookError> {
        let webhook = self.find(id).await?;
        let now = self.clock.now();
        let backend = |error: serde_json::Error| StoreError::Backend(error.into());
        let message = Message::sample(self.entropy.event_id(now)?.to_string(), now).map_err(backend)?;
        let headers = message.headers(now, &open_secrets(&webhook, &self.server_secret, now)?)?;
        let reply = sender.send(&webhook.url, headers.clone(), message.body().to_vec()).await;
        let took_ms = self.clock.now().as_millis().saturating_sub(now.as_millis());
        Ok(Sample { headers, body: String::from_utf8_lossy(message.body()).into_owned(), reply, took_ms })
    }

    /// What every endpoint must keep.
    pub(super) fn check(
        &self,
        url: &WebhookUrl,
        kinds: &[String],
        description: &str,
    ) -> Result<(), WebhookError> {
        if !url.is_https() && !self.rules.allow_http {
            return Err(WebhookError::PlainHttp);
        }
        let is_unknown = |kind: &str| EventKind::from_name(kind).is_none_or(EventKind::is_only_counted);
        if let Some(unknown) = kinds.iter().find(|kind| is_unknown(kind)) {
            return Err(WebhookError::UnknownKind(unknown.clone()));
        }
        if description.chars().count() > MAX_DESCRIPTION_CHARS {
            return Err(WebhookError::LongDescription);
        }
        Ok(())
    }

    async fn set_state(
        &self,
        id: &WebhookId,
        state: WebhookState,
        by: &Initiator,
    ) -> Result<Webhook, WebhookError> {
        let set = |webhook: &mut Webhook, _| {
            webhook.state = state;
            Ok(())
        };
        self.replace(id, EventKind::WebhookChanged, set, by).await
    }

    /// Makes what waits for an endpoint due, and then its queue, so that an instance looks at it.
    pub(super) async fn wake(&self, id: &WebhookId) -> Result<(), WebhookError> {
        SubjectOrder::new(Arc::clone(&self.deliveries)).resume(id, self.clock.now()).await?;
        for _ in 0..MAX_TRIES {
            let Some(mut queue) = self.deliveries.find_delivery_queue(id).await? else { return Ok(()) };
            let (seen, now) = (queue.revision, self.clock.now());
            (queue.revision, queue.due_at, queue.rest_until, queue.failures) = (seen + 1, Some(now), now, 0);
            if self.deliveries.replace_delivery_queue_if(seen, &queue).await? {
                return Ok(());
            }
        }
        Err(WebhookError::Contended)
    }

    /// The endpoint with this id, if commands may change it.
    async fn changeable(&self, id: &WebhookId) -> Result<Webhook, WebhookError> {
        let webhook = self.find(id).await?;
        if self.file_in_use && webhook.origin == WebhookOrigin::File {
            return Err(WebhookError::ManagedByFile(id.clone()));
        }
        Ok(webhook)
    }

    /// Replaces an endpoint by what `change` makes of it.
    async fn replace(
        &self,
        id: &WebhookId,
        kind: EventKind,
        change: impl Fn(&mut Webhook, Timestamp) -> Result<(), WebhookError>,
        by: &Initiator,
    ) -> Result<Webhook, WebhookError> {
        for _ in 0..MAX_TRIES {
            let mut webhook = self.changeable(id).await?;
            let (seen, now) = (webhook.revision, self.now());
            change(&mut webhook, now)?;
            (webhook.revision, webhook.updated_at) = (seen + 1, now);
            webhook.origin = WebhookOrigin::CommandLine;
            let event = self.event(kind, id, by)?;
            if self.webhooks.replace_webhook_if(seen, &webhook, &event).await? {
                return Ok(webhook);
            }
        }
        Err(WebhookError::Contended)
    }

    /// The stored form of a secret.
    pub(super) fn sealed(
        &self,
        id: &WebhookId,
        secret: &WebhookSecret,
        now: Timestamp,
    ) -> Result<WebhookSecretRecord, WebhookSecretError> {
        let sealed = secret.seal(id, &self.sealing_keys()?, &self.entropy)?;
        Ok(WebhookSecretRecord { scheme: secret.scheme(), sealed, created_at: now, expires_at: None })
    }

    pub(super) fn sealing_keys(&self) -> Result<SubKeys, WebhookSecretError> {
        let keys =
            self.server_secret.subkeys(Label::WebhookSecret).map_err(|_| WebhookSecretError::Refused)?;
        keys.ok_or(WebhookSecretError::NoServerSecret)
    }

    /// Records have whole seconds.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().whole_secs()
    }

    pub(super) fn event(
        &self,
        kind: EventKind,
        id: &WebhookId,
        by: &Initiator,
    ) -> Result<Event, WebhookError> {
        let at = self.clock.now();
        let subject = EventSubject::Webhook(id.clone());
        Ok(self.entropy.event(at, kind, by.clone(), subject)?)
    }
}
