//! A store whose verbs are counted and measured.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Database, Instances, LoginThrottles, Rings, StoreError, TableSize, Users};
use crate::domain::{
    Email, Event, Instance, PasswordHash, RingRecord, ThrottleRecord, ThrottledAccount, Timestamp, User,
    UserId, Username,
};
use crate::telemetry::metrics::{Descriptor, Durations, Kind, Snapshot, Source};

const CALLS: Descriptor = Descriptor {
    name: "jwt_store_call_duration_seconds",
    kind: Kind::Histogram,
    labels: &["verb", "outcome"],
    help: "Calls to the database, by how long they took. `conflict` means that something is taken.",
};

/// How a call ends, in the order of the numbers of [`outcome`].
const OUTCOMES: &[&str] = &["ok", "conflict", "unavailable", "failed"];

/// The verbs of all traits. The number of each is its place here.
macro_rules! verbs {
    ($($name:ident),+ $(,)?) => {
        const VERBS: &[&str] = &[$(stringify!($name)),+];

        #[expect(non_camel_case_types, reason = "each is the name of a verb")]
        #[derive(Clone, Copy)]
        enum Verb {
            $($name),+
        }
    };
}

verbs! {
    create_user,
    find_user_by_id,
    find_user_by_username,
    find_user_by_email,
    list_users,
    replace_hash_if,
    replace_password_if,
    end_sessions,
    delete_user,
    find_ring,
    replace_ring_if,
    record_instance,
    list_instances,
    purge_instances,
    find_login_throttle,
    replace_login_throttle_if,
    purge_login_throttles,
    ping,
    prepare,
    list_tables,
}

/// The instruments.
#[derive(Debug)]
pub struct StoreMetrics(Durations);

impl Default for StoreMetrics {
    fn default() -> Self {
        Self(Durations::new(VERBS, OUTCOMES))
    }
}

impl StoreMetrics {
    async fn measure<T>(
        &self,
        verb: Verb,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let answer = call.await;
        // A store that is not there is not asked.
        if let Some(outcome) = outcome(answer.as_ref().err()) {
            self.0.observe(verb as usize, outcome, began.elapsed());
        }
        answer
    }
}

fn outcome(error: Option<&StoreError>) -> Option<usize> {
    match error {
        None => Some(0),
        Some(StoreError::Conflict(_)) => Some(1),
        Some(StoreError::Unavailable(_)) => Some(2),
        Some(StoreError::Newer { .. } | StoreError::Corrupt(_) | StoreError::Backend(_)) => Some(3),
        Some(StoreError::Absent) => None,
    }
}

impl Source for StoreMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        self.0.add_to(snapshot.family(&CALLS));
    }
}

/// One aggregate of a store, measured.
pub(super) struct Metered<S: ?Sized> {
    pub(super) store: Arc<S>,
    pub(super) metrics: Arc<StoreMetrics>,
}

#[async_trait]
impl Users for Metered<dyn Users> {
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError> {
        self.metrics.measure(Verb::create_user, self.store.create_user(user, event)).await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.metrics.measure(Verb::find_user_by_id, self.store.find_user_by_id(id)).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.metrics.measure(Verb::find_user_by_username, self.store.find_user_by_username(username)).await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.metrics.measure(Verb::find_user_by_email, self.store.find_user_by_email(email)).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.metrics.measure(Verb::list_users, self.store.list_users(after, limit)).await
    }

    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.metrics.measure(Verb::replace_hash_if, self.store.replace_hash_if(id, old, new, event)).await
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
        self.metrics.measure(Verb::replace_password_if, call).await
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.metrics.measure(Verb::end_sessions, self.store.end_sessions(id, valid_from, event)).await
    }

    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError> {
        self.metrics.measure(Verb::delete_user, self.store.delete_user(id, event)).await
    }
}

#[async_trait]
impl Rings for Metered<dyn Rings> {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        self.metrics.measure(Verb::find_ring, self.store.find_ring()).await
    }

    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError> {
        self.metrics.measure(Verb::replace_ring_if, self.store.replace_ring_if(seen, ring)).await
    }
}

#[async_trait]
impl Instances for Metered<dyn Instances> {
    async fn record_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        self.metrics.measure(Verb::record_instance, self.store.record_instance(instance)).await
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        self.metrics.measure(Verb::list_instances, self.store.list_instances()).await
    }

    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError> {
        self.metrics.measure(Verb::purge_instances, self.store.purge_instances(before)).await
    }
}

#[async_trait]
impl LoginThrottles for Metered<dyn LoginThrottles> {
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError> {
        self.metrics.measure(Verb::find_login_throttle, self.store.find_login_throttle(account)).await
    }

    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let call = self.store.replace_login_throttle_if(seen, record, event);
        self.metrics.measure(Verb::replace_login_throttle_if, call).await
    }

    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.metrics.measure(Verb::purge_login_throttles, self.store.purge_login_throttles(now)).await
    }
}

#[async_trait]
impl Database for Metered<dyn Database> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.metrics.measure(Verb::ping, self.store.ping()).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.metrics.measure(Verb::prepare, self.store.prepare()).await
    }

    async fn list_tables(&self) -> Result<Vec<TableSize>, StoreError> {
        self.metrics.measure(Verb::list_tables, self.store.list_tables()).await
    }
}
