//! The stores of a service that records traces: a span for each verb that a request uses. The ring and the heartbeats are read
//! and written outside of requests, so they have none.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Database, LoginThrottles, StoreError, Stores, TableSize, Users};
use crate::domain::{
    Email, Event, PasswordHash, ThrottleRecord, ThrottledAccount, Timestamp, User, UserId, Username,
};
use crate::telemetry::traces::{Span, SpanKind};

/// A store whose verbs are spans.
struct Traced<S: ?Sized> {
    store: Arc<S>,
    place: DatabasePlace,
}

/// What spans say of a database.
#[derive(Clone, Debug)]
pub struct DatabasePlace {
    /// `db.system.name`, as OpenTelemetry names the product.
    pub system: &'static str,
    /// `server.address`, for a database that is elsewhere.
    pub address: Option<Arc<str>>,
}

impl Stores {
    /// The same stores with a span for each verb.
    #[must_use]
    pub fn traced(self, place: DatabasePlace) -> Self {
        Self {
            users: Arc::new(Traced { store: self.users, place: place.clone() }),
            login_throttles: Arc::new(Traced { store: self.login_throttles, place: place.clone() }),
            database: Arc::new(Traced { store: self.database, place }),
            ..self
        }
    }
}

impl<S: ?Sized> Traced<S> {
    /// Runs a verb of the store within a span, named as the semantic conventions for databases say.
    async fn run<T>(
        &self,
        verb: &'static str,
        collection: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut span = Span::begin(verb, SpanKind::Client);
        if span.is_recorded() {
            span.set("db.system.name", self.place.system);
            span.set("db.operation.name", verb);
            if !collection.is_empty() {
                span.name(verb, collection);
                span.set("db.collection.name", collection);
            }
            if let Some(address) = &self.place.address {
                span.set("server.address", Arc::clone(address));
            }
        }
        let note = |done: &Result<T, StoreError>, span: &mut Span| {
            if let Some(error) = done.as_ref().err().and_then(error_type) {
                span.fail(error);
            }
        };
        span.watch(work, note).await
    }
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
impl Users for Traced<dyn Users> {
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError> {
        self.run("create_user", "users", self.store.create_user(user, event)).await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.run("find_user_by_id", "users", self.store.find_user_by_id(id)).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.run("find_user_by_username", "users", self.store.find_user_by_username(username)).await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.run("find_user_by_email", "users", self.store.find_user_by_email(email)).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.run("list_users", "users", self.store.list_users(after, limit)).await
    }

    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run("replace_hash_if", "users", self.store.replace_hash_if(id, old, new, event)).await
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let work = self.store.replace_password_if(id, old, new, valid_from, event);
        self.run("replace_password_if", "users", work).await
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.run("end_sessions", "users", self.store.end_sessions(id, valid_from, event)).await
    }

    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError> {
        self.run("delete_user", "users", self.store.delete_user(id, event)).await
    }
}

#[async_trait]
impl LoginThrottles for Traced<dyn LoginThrottles> {
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError> {
        self.run("find_login_throttle", "login_throttles", self.store.find_login_throttle(account)).await
    }

    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let work = self.store.replace_login_throttle_if(seen, record, event);
        self.run("replace_login_throttle_if", "login_throttles", work).await
    }

    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.run("purge_login_throttles", "login_throttles", self.store.purge_login_throttles(now)).await
    }
}

#[async_trait]
impl Database for Traced<dyn Database> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.run("ping", "", self.store.ping()).await
    }

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        self.run("list_tables", "", self.store.list_tables()).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.run("prepare", "", self.store.prepare()).await
    }
}
