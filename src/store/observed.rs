//! The stores of a service: each verb is counted and measured, and a verb that a request uses is a span of its trace.

mod checkpoints;
mod events;
mod grants;
mod status_lists;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::store_metrics::Verb;
use super::{
    Clients, Database, Denials, Instances, LoginThrottles, Rings, StoreError, StoreMetrics, Stores,
    TableSize, Users,
};
use crate::domain::{
    Client, ClientId, Denial, Email, Event, Instance, PasswordHash, RingRecord, ThrottleRecord,
    ThrottledAccount, Timestamp, User, UserClaims, UserId, Username,
};
use crate::telemetry::traces::{Span, SpanKind};

/// What spans say of a database.
#[derive(Clone, Debug)]
pub struct DatabasePlace {
    /// `db.system.name`, as OpenTelemetry names the product.
    pub system: &'static str,
    /// `server.address`, for a database that is elsewhere.
    pub address: Option<Arc<str>>,
}

/// One aggregate whose verbs are measured.
struct Observed<S: ?Sized> {
    store: Arc<S>,
    metrics: Arc<StoreMetrics>,
    /// `None` if the verbs are no spans.
    place: Option<DatabasePlace>,
}

impl Stores {
    /// The same aggregates; their calls are counted in `metrics`. With a `place`, the verbs that requests use are spans. The
    /// service reads and writes the ring, the heartbeats, the clients, the checkpoints and what concerns webhooks outside of requests, so
    /// these have no spans.
    #[must_use]
    pub fn observed(self, metrics: &Arc<StoreMetrics>, place: Option<&DatabasePlace>) -> Self {
        Self {
            users: Arc::new(Observed::new(self.users, metrics, place)),
            rings: Arc::new(Observed::new(self.rings, metrics, None)),
            instances: Arc::new(Observed::new(self.instances, metrics, None)),
            login_throttles: Arc::new(Observed::new(self.login_throttles, metrics, place)),
            clients: Arc::new(Observed::new(self.clients, metrics, None)),
            denials: Arc::new(Observed::new(self.denials, metrics, place)),
            assertions: Arc::new(Observed::new(self.assertions, metrics, place)),
            grants: Arc::new(Observed::new(self.grants, metrics, place)),
            browser_sessions: Arc::new(Observed::new(self.browser_sessions, metrics, place)),
            consents: Arc::new(Observed::new(self.consents, metrics, place)),
            status_lists: Arc::new(Observed::new(self.status_lists, metrics, place)),
            events: Arc::new(Observed::new(self.events, metrics, place)),
            checkpoints: Arc::new(Observed::new(self.checkpoints, metrics, None)),
            webhooks: Arc::new(Observed::new(self.webhooks, metrics, None)),
            deliveries: Arc::new(Observed::new(self.deliveries, metrics, None)),
            database: Arc::new(Observed::new(self.database, metrics, place)),
        }
    }
}

impl<S: ?Sized> Observed<S> {
    fn new(store: Arc<S>, metrics: &Arc<StoreMetrics>, place: Option<&DatabasePlace>) -> Self {
        Self { store, metrics: Arc::clone(metrics), place: place.cloned() }
    }

    /// Runs a verb of the store.
    async fn run<T>(
        &self,
        verb: Verb,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = match &self.place {
            Some(place) => in_span(place, verb, call).await,
            None => call.await,
        };
        self.metrics.count(verb, answer.as_ref().err(), began.elapsed());
        answer
    }
}

/// Runs a verb within a span, named as the semantic conventions for databases say.
async fn in_span<T>(
    place: &DatabasePlace,
    verb: Verb,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut span = Span::begin(verb.name(), SpanKind::Client);
    if span.is_recorded() {
        span.set("db.system.name", place.system);
        span.set("db.operation.name", verb.name());
        if !verb.collection().is_empty() {
            span.name(verb.name(), verb.collection());
            span.set("db.collection.name", verb.collection());
        }
        if let Some(address) = &place.address {
            span.set("server.address", Arc::clone(address));
        }
    }
    let note = |done: &Result<T, StoreError>, span: &mut Span| {
        if let Some(error) = done.as_ref().err().and_then(error_type) {
            span.fail(error);
        }
    };
    span.watch(call, note).await
}

/// A word for what went wrong. That a name is taken is an answer, not a failure.
fn error_type(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Conflict(_) => None,
        StoreError::Absent => Some("absent"),
        StoreError::Unavailable(_) => Some("unavailable"),
        StoreError::Newer { .. } => Some("newer"),
        StoreError::Corrupt(_) => Some("corrupt"),
        StoreError::Backend(_) => Some("refused"),
    }
}

#[async_trait]
impl Users for Observed<dyn Users> {
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError> {
        self.run(Verb::create_user, self.store.create_user(user, event)).await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run(Verb::find_user_by_id, self.store.find_user_by_id(id)).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.run(Verb::find_user_by_username, self.store.find_user_by_username(username)).await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.run(Verb::find_user_by_email, self.store.find_user_by_email(email)).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.run(Verb::list_users, self.store.list_users(after, limit)).await
    }

    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run(Verb::replace_hash_if, self.store.replace_hash_if(id, old, new, event)).await
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let call = self.store.replace_password_if(id, old, new, valid_from, event);
        self.run(Verb::replace_password_if, call).await
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run(Verb::end_sessions, self.store.end_sessions(id, valid_from, event)).await
    }

    async fn find_user_claims(&self, id: UserId) -> Result<Option<UserClaims>, StoreError> {
        self.run(Verb::find_user_claims, self.store.find_user_claims(id)).await
    }

    async fn record_user_claims(
        &self,
        id: UserId,
        claims: &UserClaims,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run(Verb::record_user_claims, self.store.record_user_claims(id, claims, event)).await
    }

    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::delete_user, self.store.delete_user(id, event)).await
    }
}

#[async_trait]
impl Rings for Observed<dyn Rings> {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        self.run(Verb::find_ring, self.store.find_ring()).await
    }

    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError> {
        self.run(Verb::replace_ring_if, self.store.replace_ring_if(seen, ring)).await
    }
}

#[async_trait]
impl Instances for Observed<dyn Instances> {
    async fn record_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        self.run(Verb::record_instance, self.store.record_instance(instance)).await
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        self.run(Verb::list_instances, self.store.list_instances()).await
    }

    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError> {
        self.run(Verb::purge_instances, self.store.purge_instances(before)).await
    }
}

#[async_trait]
impl LoginThrottles for Observed<dyn LoginThrottles> {
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError> {
        self.run(Verb::find_login_throttle, self.store.find_login_throttle(account)).await
    }

    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let call = self.store.replace_login_throttle_if(seen, record, event);
        self.run(Verb::replace_login_throttle_if, call).await
    }

    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_login_throttles, self.store.purge_login_throttles(now)).await
    }
}

#[async_trait]
impl Clients for Observed<dyn Clients> {
    async fn create_client(&self, client: &Client, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::create_client, self.store.create_client(client, event)).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.run(Verb::find_client, self.store.find_client(id)).await
    }

    async fn list_clients(&self, after: Option<&ClientId>, limit: usize) -> Result<Vec<Client>, StoreError> {
        self.run(Verb::list_clients, self.store.list_clients(after, limit)).await
    }

    async fn replace_client_if(&self, seen: u64, client: &Client, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::replace_client_if, self.store.replace_client_if(seen, client, event)).await
    }

    async fn delete_client(&self, id: &ClientId, event: &Event) -> Result<bool, StoreError> {
        self.run(Verb::delete_client, self.store.delete_client(id, event)).await
    }
}

#[async_trait]
impl Denials for Observed<dyn Denials> {
    async fn record_denial(&self, denial: &Denial, event: Option<&Event>) -> Result<(), StoreError> {
        self.run(Verb::record_denial, self.store.record_denial(denial, event)).await
    }

    async fn list_denials(
        &self,
        since: Timestamp,
        after: Option<&Denial>,
        limit: usize,
    ) -> Result<Vec<Denial>, StoreError> {
        self.run(Verb::list_denials, self.store.list_denials(since, after, limit)).await
    }

    async fn purge_denials(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run(Verb::purge_denials, self.store.purge_denials(now)).await
    }
}

#[async_trait]
impl Database for Observed<dyn Database> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.run(Verb::ping, self.store.ping()).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.run(Verb::prepare, self.store.prepare()).await
    }

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        self.run(Verb::list_tables, self.store.list_tables()).await
    }
}
