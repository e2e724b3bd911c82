//! Endpoints and instances on one store, with a clock that the test moves and receivers that do as the test says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jwt_generator::clock::Clock;
use jwt_generator::domain::{
    Actor, ClientId, Event, EventId, EventKind, EventSubject, Initiator, Timestamp, UserId, Webhook,
    WebhookId, WebhookScheme, WebhookUrl,
};
use jwt_generator::entropy::Entropy;
use jwt_generator::server_secret::{CurrentServerSecret, ServerSecretSettings};
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{EventRecorder, Events, IfMissing, Stores};
use jwt_generator::webhooks::{
    Dispatcher, DispatcherParts, FanOut, NewWebhook, Reply, SignedHeaders, WebhookMetrics, WebhookRegistry,
    WebhookRules, WebhookSender,
};
use serde_json::Value;

use crate::support::mongod;

pub const START: Timestamp = Timestamp::from_secs(1_900_000_000);
pub const BY: Initiator = Initiator::OPERATOR;

/// What a receiver does with a message; `None` never answers.
pub type Answer = Box<dyn Fn(&Received) -> Option<Reply> + Send + Sync>;

/// A message as a receiver got it.
#[derive(Clone, Debug)]
pub struct Received {
    pub url: String,
    pub id: String,
    pub body: Value,
    /// Whether the receiver accepted it.
    pub accepted: bool,
}

impl Received {
    pub fn number(&self) -> u64 {
        self.body["data"]["number"].as_u64().unwrap()
    }

    pub fn subject(&self) -> &str {
        self.body["data"]["subject"].as_str().unwrap()
    }
}

/// All receivers.
pub struct Receivers {
    pub answer: Mutex<Answer>,
    pub received: Mutex<Vec<Received>>,
}

impl Receivers {
    pub fn answer_with(&self, answer: impl Fn(&Received) -> Option<Reply> + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// The numbers of the events in the order of their arrival since the last call.
    pub fn numbers(&self) -> Vec<u64> {
        self.take().iter().map(Received::number).collect()
    }
}

#[async_trait]
impl WebhookSender for Receivers {
    async fn send(&self, url: &WebhookUrl, headers: SignedHeaders, body: Vec<u8>) -> Reply {
        let [(_, id), ..] = headers;
        let body = serde_json::from_slice(&body).unwrap();
        let mut received = Received { url: url.to_string(), id, body, accepted: false };
        let reply = (self.answer.lock().unwrap())(&received);
        received.accepted = matches!(reply, Some(Reply::Answered { status: 200..=299, .. }));
        self.received.lock().unwrap().push(received);
        match reply {
            Some(reply) => reply,
            None => std::future::pending().await,
        }
    }
}

pub fn status(status: u16) -> Reply {
    Reply::Answered { status, retry_after: None, body: String::new() }
}

pub struct World {
    pub stores: Stores,
    pub clock: Clock,
    pub receivers: Arc<Receivers>,
    pub registry: WebhookRegistry,
    pub metrics: Arc<WebhookMetrics>,
    secret: CurrentServerSecret,
    entropy: Entropy,
}

/// One instance of the service, as far as it concerns webhooks.
#[derive(Clone)]
pub struct Instance {
    events: Arc<dyn Events>,
    fan_out: FanOut,
    pub dispatcher: Dispatcher,
    clock: Clock,
}

impl Instance {
    pub async fn make_deliveries(&self) {
        // On SQLite there is nothing to collect and to seal.
        while self.events.relay_events(self.clock.now()).await.unwrap() {}
        while self.events.seal_events().await.unwrap() {}
        while self.fan_out.take_portion(self.clock.now()).await.unwrap() {}
    }

    pub async fn turn(&self) {
        self.make_deliveries().await;
        self.dispatcher.work().await.unwrap();
    }
}

impl World {
    /// On SQLite in memory; each receiver accepts everything.
    pub fn new() -> Self {
        Self::on_sqlite(Path::new(":memory:"))
    }

    /// On SQLite in a file in `folder`.
    pub fn on_sqlite(folder: &Path) -> Self {
        let entropy = Entropy::seeded(3);
        let events = Arc::new(EventRecorder::new(entropy.clone()));
        let store = Sqlite::with_events(folder, IfMissing::Create, events).unwrap();
        Self::on(Stores::of(store), entropy)
    }

    /// The same on MongoDB.
    pub async fn on_mongodb() -> Self {
        let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
        let entropy = Entropy::seeded(3);
        let events = Arc::new(EventRecorder::new(entropy.clone()));
        Self::on(Stores::of(Mongo::with_events(&uri, events).unwrap()), entropy)
    }

    /// The same endpoints and events for what happens in the middle of something else.
    pub fn on_the_stores_of(other: &Self) -> Self {
        let (registry, secret) = (other.registry.clone(), other.secret.clone());
        let (stores, clock) = (other.stores.clone(), other.clock.clone());
        Self {
            stores,
            clock,
            registry,
            secret,
            receivers: Arc::clone(&other.receivers),
            metrics: Arc::clone(&other.metrics),
            entropy: other.entropy.clone(),
        }
    }

    fn on(stores: Stores, entropy: Entropy) -> Self {
        let clock = Clock::manual(START);
        let receivers = Arc::new(Receivers {
            answer: Mutex::new(Box::new(|_| Some(status(204)))),
            received: Mutex::default(),
        });
        let secret = CurrentServerSecret::default();
        let settings = ServerSecretSettings::parse("a server secret of more than 32 bytes").unwrap();
        secret.set(settings.with(None).unwrap());
        let rules = WebhookRules::default();
        let registry =
            WebhookRegistry::new(&stores, secret.clone(), rules, false, clock.clone(), entropy.clone());
        Self { stores, clock, receivers, registry, metrics: Arc::default(), secret, entropy }
    }

    pub fn instance(&self) -> Instance {
        let parts = DispatcherParts {
            sender: Arc::clone(&self.receivers) as Arc<dyn WebhookSender>,
            server_secret: self.secret.clone(),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        };
        Instance {
            events: Arc::clone(&self.stores.events),
            fan_out: FanOut::new(&self.stores, Arc::clone(&self.metrics)),
            dispatcher: Dispatcher::new(&self.stores, parts),
            clock: self.clock.clone(),
        }
    }

    pub async fn endpoint(&self, name: &str, kinds: &[EventKind]) -> Webhook {
        let new = NewWebhook {
            id: Some(WebhookId::parse(name).unwrap()),
            url: WebhookUrl::parse(&format!("https://{name}.example/")).unwrap(),
            kinds: kinds.iter().map(ToString::to_string).collect(),
            description: String::new(),
            scheme: WebhookScheme::V1,
        };
        self.registry.create(new, &BY).await.unwrap().webhook
    }

    /// Something happens that concerns a client.
    pub async fn happens(&self, subject: &str) -> EventId {
        let subject = EventSubject::Client(ClientId::parse(subject).unwrap());
        self.record(EventKind::ClientChanged, subject).await
    }

    pub async fn happens_to_user(&self, user: UserId) -> EventId {
        self.record(EventKind::SessionsEnded, EventSubject::User(user)).await
    }

    async fn record(&self, kind: EventKind, subject: EventSubject) -> EventId {
        let at = self.clock.now();
        let id = self.entropy.event_id(at).unwrap();
        let by = Initiator { actor: Actor::System, address: Some([192, 0, 2, 1].into()), request_id: None };
        assert!(self.stores.events.append_event(&Event::new(id, at, kind, by, subject)).await.unwrap());
        id
    }

    /// Moves the clock.
    pub fn pass(&self, seconds: u64) {
        self.clock.set(self.clock.now().plus_secs(seconds));
    }
}

/// That each subject's accepted messages came in their order, if later copies of a message do not count.
#[track_caller]
pub fn in_order(received: &[Received]) {
    let mut last = BTreeMap::<(String, String), u64>::new();
    for message in received.iter().filter(|message| message.accepted) {
        let key = (message.url.clone(), message.subject().to_owned());
        let before = last.entry(key).or_default();
        let again = received
            .iter()
            .take_while(|one| !std::ptr::eq(*one, message))
            .any(|one| one.accepted && one.id == message.id && one.url == message.url);
        assert!(again || *before < message.number(), "{} came after {before}", message.number());
        *before = message.number().max(*before);
    }
}
