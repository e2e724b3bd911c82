//! Two instances change the same data in MongoDB at the same time. One of them has a slow connection.

use std::sync::Arc;
use std::time::Duration;

use jwt_generator::domain::{EventKind, Timestamp, User, Username};
use jwt_generator::store::mongo::{EventDocuments, Mongo};
use jwt_generator::store::{NoEvents, StoreError, Users};
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Database};

use super::contract::{changed, hash, registered, user};
use crate::support::mongod::ReplicaSet;
use crate::support::{Fault, Proxy};

pub(super) const SLOW: Fault = Fault::Delay(Duration::from_millis(1200));

/// A server, a store that reaches it through a proxy, a store that reaches it directly, and the collections.
pub(super) struct Race {
    _set: ReplicaSet,
    pub(super) proxy: Proxy,
    pub(super) far: Arc<Mongo>,
    pub(super) near: Mongo,
    database: Database,
    pub(super) users: Collection<Document>,
    pub(super) states: Collection<Document>,
}

impl Race {
    /// Both stores have made their connections and registered a user: `user(1)` and `user(2)`.
    async fn begin() -> Self {
        Self::begin_with(Arc::new(NoEvents)).await
    }

    /// The same, if the store behind the proxy keeps events.
    pub(super) async fn begin_with(events: Arc<dyn EventDocuments>) -> Self {
        let set = tokio::task::spawn_blocking(|| ReplicaSet::start(1)).await.unwrap();
        let uri = |address| format!("mongodb://{address}/app?directConnection=true");
        let proxy = Proxy::before(set.address(0));
        let far = Arc::new(Mongo::with_events(&uri(proxy.address()), events).unwrap());
        let near = Mongo::new(&uri(set.address(0))).unwrap();
        far.create_user(&user(1), &registered(1)).await.unwrap();
        near.create_user(&user(2), &registered(2)).await.unwrap();
        let options = ClientOptions::parse(uri(set.address(0))).await.unwrap();
        let database = Client::with_options(options).unwrap().database("app");
        let (users, states) = (database.collection("users"), database.collection("user_states"));
        Self { _set: set, proxy, far, near, database, users, states }
    }

    /// Waits until there is such a document.
    pub(super) async fn until(&self, collection: &str, filter: Document) {
        let collection = self.database.collection::<Document>(collection);
        while collection.find_one(filter.clone()).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn named(n: u8, name: &str, created_at: Timestamp) -> User {
    User { username: Username::from_store(name.to_owned()), created_at, ..user(n) }
}

/// Seen before: an instance was cut off after its reservation for longer than a reservation is valid. Another instance gave
/// the name to another user. Then the first instance wrote its user, too: `copa` and `Copa` both existed.
#[tokio::test]
async fn a_user_who_arrives_after_another_took_the_name_is_not_added() {
    let race = Race::begin().await;
    race.database.run_command(doc! { "profile": 2 }).await.unwrap();
    race.proxy.set(SLOW);
    let late = named(3, "copa", user(1).created_at);
    let far = Arc::clone(&race.far);
    let registration = tokio::spawn(async move { far.create_user(&late, &registered(3)).await });
    // It has asked for users with the same name, waits for the answer, and writes the user next.
    let looked = doc! { "ns": "app.user_states", "op": "query", "command.filter.$or.username_key": "copa" };
    race.until("system.profile", looked).await;
    let other = named(4, "Copa", user(1).created_at.plus_secs(31));
    race.near.create_user(&other, &registered(4)).await.unwrap();
    race.proxy.set(Fault::None);
    let refused = registration.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let mut names = Vec::new();
    for found in race.near.list_users(None, 10).await.unwrap() {
        names.push(found.username.as_str().to_owned());
    }
    assert_eq!(names, ["user 1", "user 2", "Copa"]);
    assert_eq!(race.near.find_user_by_username(&other.username).await.unwrap().unwrap().id, other.id);
}

/// Seen before: the second change removed the intent of the first one, which had not ended yet. After a crash of the first
/// one, the password was the new one, but the old sessions continued.
#[tokio::test]
async fn a_change_of_password_that_comes_second_takes_nothing_back_of_the_first_one() {
    let race = Race::begin().await;
    race.proxy.set(SLOW);
    let from = Timestamp::from_secs(1_900_000_001);
    let change = changed(EventKind::PasswordChanged, 1);
    let far = Arc::clone(&race.far);
    let second =
        tokio::spawn(
            async move { far.replace_password_if(user(1).id, &hash(1), &hash(3), from, &change).await },
        );
    race.until("user_states", doc! { "sessions_ending": { "$exists": true } }).await;
    // The first change: it has recorded that sessions end, has replaced the password, and crashes here.
    let ending = DateTime::from_millis(1_900_000_001_000);
    race.states
        .update_one(doc! { "email_key": "user1@example.com" }, doc! { "$max": { "sessions_ending": ending } })
        .await
        .unwrap();
    let replaced = doc! { "$set": { "password": hash(2).expose() } };
    race.users.update_one(doc! { "email": "user1@example.com" }, replaced).await.unwrap();
    race.proxy.set(Fault::None);
    assert!(!second.await.unwrap().unwrap());
    let found = race.near.find_user_by_id(user(1).id).await.unwrap().unwrap();
    assert_eq!(found.password_hash, hash(2));
    assert!(!found.sessions.accept(from.as_secs() - 1), "the sessions of the password before");
}

/// The same, but the second change is the one that succeeds.
#[tokio::test]
async fn a_change_of_password_that_ends_takes_back_nothing_of_a_later_one() {
    let race = Race::begin().await;
    race.proxy.set(SLOW);
    let from = Timestamp::from_secs(1_900_000_001);
    let change = changed(EventKind::PasswordChanged, 1);
    let far = Arc::clone(&race.far);
    let first =
        tokio::spawn(
            async move { far.replace_password_if(user(1).id, &hash(1), &hash(3), from, &change).await },
        );
    race.until("user_states", doc! { "sessions_ending": { "$exists": true } }).await;
    let ending = DateTime::from_millis(1_900_000_002_000);
    race.states
        .update_one(doc! { "email_key": "user1@example.com" }, doc! { "$max": { "sessions_ending": ending } })
        .await
        .unwrap();
    race.proxy.set(Fault::None);
    assert!(first.await.unwrap().unwrap());
    let found = race.near.find_user_by_id(user(1).id).await.unwrap().unwrap();
    assert_eq!((found.password_hash, found.sessions.valid_from), (hash(3), from));
    assert!(!found.sessions.accept(from.as_secs()), "another password may be in place a moment later");
}
