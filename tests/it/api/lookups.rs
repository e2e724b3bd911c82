//! Which look-ups the service sends to the store, and when: a store that records each call and passes it to another store.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jwt_generator::accounts::{Hasher, Registration, Registry};
use jwt_generator::clock::Clock;
use jwt_generator::domain::{
    Email, Event, Initiator, LoginName, Password, PasswordHash, PasswordPolicy, Timestamp, User, UserClaims,
    UserId, Username,
};
use jwt_generator::entropy::Entropy;
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{IfMissing, StoreError, Stores, Users};

use crate::support::mongod;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Passes each call on. Records each look-up, and how many run at the same time. A change takes two seconds of the clock.
struct Watched {
    inner: Arc<dyn Users>,
    clock: Clock,
    asked: Mutex<Vec<&'static str>>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Watched {
    async fn look_up<T>(&self, what: &'static str, answer: impl Future<Output = T>) -> T {
        self.asked.lock().unwrap().push(what);
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        // Lets look-ups of the same moment begin before this one continues.
        tokio::task::yield_now().await;
        let answer = answer.await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

#[async_trait]
impl Users for Watched {
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError> {
        self.inner.create_user(user, event).await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.look_up("id", self.inner.find_user_by_id(id)).await
    }

    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError> {
        self.look_up("username", self.inner.find_user_by_username(username)).await
    }

    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.look_up("email", self.inner.find_user_by_email(email)).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.inner.list_users(after, limit).await
    }

    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.inner.replace_hash_if(id, old, new, event).await
    }

    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.clock.set(self.clock.now().plus_secs(2));
        self.inner.replace_password_if(id, old, new, valid_from, event).await
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.inner.end_sessions(id, valid_from, event).await
    }

    async fn find_user_claims(&self, id: UserId) -> Result<Option<UserClaims>, StoreError> {
        self.inner.find_user_claims(id).await
    }

    async fn record_user_claims(
        &self,
        id: UserId,
        claims: &UserClaims,
        event: &Event,
    ) -> Result<bool, StoreError> {
        self.inner.record_user_claims(id, claims, event).await
    }

    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError> {
        self.inner.delete_user(id, event).await
    }
}

async fn each_store() -> [Stores; 2] {
    let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
    [
        Stores::of(Sqlite::open(std::path::Path::new(":memory:"), IfMissing::Create).unwrap()),
        Stores::of(Mongo::new(&uri).unwrap()),
    ]
}

/// Users of a watched store that knows `ada`.
async fn watched(stores: Stores) -> (Arc<Watched>, Registry) {
    let clock = Clock::manual(NOW);
    let watched = Arc::new(Watched {
        inner: Arc::clone(&stores.users),
        clock: clock.clone(),
        asked: Mutex::default(),
        under_way: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let hasher = Hasher::start(4, Entropy::seeded(1)).unwrap();
    let stores = Stores { users: Arc::clone(&watched) as Arc<dyn Users>, ..stores };
    let registry = Registry::new(&stores, hasher, clock, Entropy::seeded(2));
    let ada = Registration::parse("ada", "ada@example.com", "secret-ada", PasswordPolicy::ORIGINAL).unwrap();
    registry.create_user(ada, &Initiator::OPERATOR).await.unwrap();
    (watched, registry)
}

/// Seen before (issue 11, row 7): an unknown address needed a second look-up, so the time of the answer revealed it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_costs_the_same_look_ups_as_a_known_one_and_all_run_at_once() {
    for store in each_store().await {
        let (watched, registry) = watched(store).await;
        let mut asked = Vec::new();
        for (typed, is_there) in [("ada@example.com", true), ("eve@example.com", false)] {
            let found = registry.find_user(&LoginName::from_text(typed)).await.unwrap();
            assert_eq!(found.is_some(), is_there, "{typed}");
            let mut look_ups = std::mem::take(&mut *watched.asked.lock().unwrap());
            look_ups.sort_unstable();
            asked.push((look_ups, watched.most.swap(0, Ordering::SeqCst)));
        }
        assert_eq!(asked, [(vec!["email", "username"], 2), (vec!["email", "username"], 2)]);
    }
}

/// If a log-in uses the old password while a change is being written, the change ends its session.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_ends_the_sessions_that_began_while_it_was_written() {
    for store in each_store().await {
        let (_watched, registry) = watched(store).await;
        let ada = LoginName::from_text("ada");
        registry
            .set_password(
                &ada,
                Password::parse("second-secret", PasswordPolicy::ORIGINAL).unwrap(),
                &Initiator::OPERATOR,
            )
            .await
            .unwrap();
        let sessions = registry.find_user(&ada).await.unwrap().unwrap().sessions;
        assert!(!sessions.accept(NOW.as_secs() + 2), "{sessions:?}");
        assert!(sessions.accept(NOW.as_secs() + 3), "{sessions:?}");
    }
}
