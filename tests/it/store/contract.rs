//! How the contract suites run: each promise of each trait, on SQLite in a file, on SQLite in memory, and on MongoDB.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jwt_generator::domain::{
    Email, Event, EventId, EventKind, EventSubject, Initiator, PasswordHash, Sessions, Timestamp, User,
    UserId, Username,
};
use jwt_generator::store::mongo::{EventDocuments, Mongo};
use jwt_generator::store::sqlite::{EventWriter, Sqlite};
use jwt_generator::store::{
    Assertions, BrowserSessions, Checkpoints, Clients, Consents, Database, Deliveries, Denials, Grants,
    IfMissing, Instances, LoginThrottles, Rings, StatusLists, Stores, Users, Webhooks,
};
use mongodb::Client;

use super::event_store::{RecordedEvents, StoredEvents};
use crate::support::mongod;

/// A new database, and the events of its changes.
pub(super) struct Opened {
    pub(super) stores: Stores,
    pub(super) events: StoredEvents,
}

/// The results of many calls, of which some run at the same time: on MongoDB, each write waits for a majority.
pub(super) async fn side_by_side<T>(calls: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    stream::iter(calls).buffered(16).collect().await
}

pub fn user(n: u8) -> User {
    User {
        id: UserId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, n]),
        username: Username::parse(&format!("user {n}")).unwrap(),
        email: Email::parse(&format!("user{n}@example.com")).unwrap(),
        password_hash: hash(n),
        created_at: Timestamp::from_millis(1_795_476_255_975),
        updated_at: Timestamp::from_millis(1_795_476_255_976),
        sessions: Sessions::ALL,
    }
}

pub(super) fn hash(n: u8) -> PasswordHash {
    PasswordHash::from_text(format!("$2b$04$hash-{n}"))
}

/// An event of `user(n)`. Two of the same kind, user and instant have the same id.
pub(super) fn event(kind: EventKind, n: u8, at: Timestamp) -> Event {
    let mut random = [kind as u8; 10];
    random[9] = n;
    let (id, subject) = (EventId::new(at, random), EventSubject::User(user(n).id));
    Event::new(id, at, kind, Initiator::OPERATOR, subject)
}

/// The event of the registration of `user(n)`. The other fields of the user do not matter.
pub fn registered(n: u8) -> Event {
    event(EventKind::UserRegistered, n, user(n).created_at)
}

/// The event of any other change of `user(n)`.
pub fn changed(kind: EventKind, n: u8) -> Event {
    event(kind, n, Timestamp::from_secs(1_900_000_000))
}

pub(super) async fn in_a_file(folder: &Path) -> Opened {
    let recorded = Arc::<RecordedEvents>::default();
    let writer = Arc::clone(&recorded) as Arc<dyn EventWriter>;
    let store = Sqlite::with_events(folder, IfMissing::Create, writer);
    Opened { stores: Stores::of(store.unwrap()), events: StoredEvents { recorded, database: None } }
}

pub(super) async fn in_memory(_: &Path) -> Opened {
    in_a_file(Path::new(":memory:")).await
}

pub(super) async fn on_mongodb(_: &Path) -> Opened {
    let uri = tokio::task::spawn_blocking(mongod::new_database).await.unwrap();
    let recorded = Arc::<RecordedEvents>::default();
    let store = Mongo::with_events(&uri, Arc::clone(&recorded) as Arc<dyn EventDocuments>);
    let database = Client::with_uri_str(&uri).await.unwrap().default_database();
    Opened { stores: Stores::of(store.unwrap()), events: StoredEvents { recorded, database } }
}

/// The parts of an opened store that a promise uses: one aggregate, or all of them.
impl Opened {
    pub(super) fn users(self) -> Arc<dyn Users> {
        self.stores.users
    }

    pub(super) fn rings(self) -> Arc<dyn Rings> {
        self.stores.rings
    }

    pub(super) fn instances(self) -> Arc<dyn Instances> {
        self.stores.instances
    }

    pub(super) fn login_throttles(self) -> Arc<dyn LoginThrottles> {
        self.stores.login_throttles
    }

    pub(super) fn clients(self) -> Arc<dyn Clients> {
        self.stores.clients
    }

    pub(super) fn denials(self) -> Arc<dyn Denials> {
        self.stores.denials
    }

    pub(super) fn assertions(self) -> Arc<dyn Assertions> {
        self.stores.assertions
    }

    pub(super) fn grants(self) -> Arc<dyn Grants> {
        self.stores.grants
    }

    pub(super) fn browser_sessions(self) -> Arc<dyn BrowserSessions> {
        self.stores.browser_sessions
    }

    pub(super) fn consents(self) -> Arc<dyn Consents> {
        self.stores.consents
    }

    pub(super) fn status_lists(self) -> Arc<dyn StatusLists> {
        self.stores.status_lists
    }

    pub(super) fn checkpoints(self) -> Arc<dyn Checkpoints> {
        self.stores.checkpoints
    }

    pub(super) fn webhooks(self) -> Arc<dyn Webhooks> {
        self.stores.webhooks
    }

    pub(super) fn deliveries(self) -> Arc<dyn Deliveries> {
        self.stores.deliveries
    }

    pub(super) fn database(self) -> Arc<dyn Database> {
        self.stores.database
    }

    /// With events that are stored as the service stores them.
    pub(super) fn storing(self) -> Self {
        self.events.recorded.store();
        self
    }

    /// With the events kept, which is so for no other promise.
    pub(super) fn all(self) -> Self {
        self.events.recorded.keep();
        self
    }
}

/// A test for each promise and each store. `of` names the part of [`Opened`] that the promises get.
macro_rules! contract {
    (of $aggregate:ident: $($promise:ident),* $(,)?) => {
        contract! { @on sqlite_in_a_file, in_a_file, $aggregate: $($promise),* }
        contract! { @on sqlite_in_memory, in_memory, $aggregate: $($promise),* }
        contract! { @on mongodb, on_mongodb, $aggregate: $($promise),* }
    };
    (@on $module:ident, $open:ident, $aggregate:ident: $($promise:ident),*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let folder = tempfile::tempdir().unwrap();
                    let opened = crate::store::contract::$open(folder.path()).await;
                    super::$promise(opened.$aggregate()).await;
                }
            )*
        }
    };
}

pub(super) use contract;
