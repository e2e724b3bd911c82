//! The event that each use case gives to the store: what happened, the user, and the actor.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use jwt_generator::accounts::{AccountError, Accounts, Hasher, LoginGuard, Registration, Registry};
use jwt_generator::app;
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{
    Actor, Caller, Event, EventKind, EventSubject, Initiator, LoginName, Password, PasswordPolicy, RequestId,
    Timestamp, UserId,
};
use jwt_generator::entropy::Entropy;
use jwt_generator::event_counter::EventCounter;
use jwt_generator::keys::{Keys, RingRefresher, Signer};
use jwt_generator::server_secret::CurrentServerSecret;
use jwt_generator::store::sqlite::{EventWriter, Sqlite};
use jwt_generator::store::{IfMissing, Stores};
use tempfile::TempDir;

use crate::store::event_store::RecordedEvents;

pub(super) const START: u64 = 1_800_000_000;

/// The use cases on a store in memory that keeps the events.
pub(super) struct World {
    clock: Clock,
    config: Config,
    pub(super) stores: Stores,
    keys: Arc<Keys>,
    events: Arc<RecordedEvents>,
    _folder: TempDir,
}

impl World {
    pub(super) async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys_dir = folder.path().join("keys").to_str().unwrap().to_owned();
        let settings = [("KEYS_DIR", keys_dir), ("JWT_ALGORITHM", "ES256".to_owned())];
        let settings = settings.map(|(name, value)| (name.to_owned(), value));
        let config = Config::read(&Sources::read(settings, folder.path()).unwrap()).unwrap();
        let clock = Clock::manual(Timestamp::from_secs(START));
        let events = Arc::<RecordedEvents>::default();
        let sink = Arc::clone(&events) as Arc<dyn EventWriter>;
        let store = Sqlite::with_events(Path::new(":memory:"), IfMissing::Create, sink).unwrap();
        let stores = Stores::of(store);
        let keys = Arc::new(Keys::new(Signer::start(true, Entropy::System).unwrap(), clock.clone()));
        let ring_service = app::open_ring_service(&config, &stores, clock.clone()).unwrap();
        let (its_keys, entropy) = (Arc::clone(&keys), Entropy::seeded(1));
        RingRefresher::new(ring_service, its_keys, clock.clone(), entropy).start().await.unwrap();
        Self { clock, config, stores, keys, events, _folder: folder }
    }

    /// The users, with hashes of this cost.
    pub(super) fn registry(&self, cost: u32) -> Registry {
        let hasher = Hasher::start(cost, Entropy::seeded(2)).unwrap();
        Registry::new(&self.stores, hasher, self.clock.clone(), Entropy::seeded(u64::from(cost)))
    }

    pub(super) fn accounts(&self, cost: u32) -> Accounts {
        let (clock, keys) = (self.clock.clone(), Arc::clone(&self.keys));
        let tokens = app::tokens(&self.config, 0, keys, clock.clone(), Entropy::seeded(3));
        let (secret, counter) = (CurrentServerSecret::default(), EventCounter::default());
        let guard =
            LoginGuard::new(&self.stores, counter, secret, clock.clone(), Entropy::seeded(4)).unwrap();
        Accounts::new(self.registry(cost), guard, tokens, clock, self.config.session_max_age)
    }

    /// The events since the last call. Then the clock advances by a second.
    fn happened(&self, user: UserId) -> Vec<(EventKind, Initiator)> {
        let now = self.clock.now();
        self.clock.set(now.plus_secs(1));
        let events = self.events.take_all().into_iter();
        events
            .map(|event| {
                assert_eq!((event.at, event.subject), (now, EventSubject::User(user)));
                (event.kind, event.initiator)
            })
            .collect()
    }

    /// The subjects of the events since the last call.
    fn subjects(&self) -> Vec<(EventKind, EventSubject)> {
        self.events.take_all().into_iter().map(|event| (event.kind, event.subject)).collect()
    }
}

/// Some request of some client.
pub(super) fn caller() -> Caller {
    let (address, request_id) = (Ipv4Addr::LOCALHOST.into(), RequestId::numbered(0, 0));
    Caller { address, peer: None, request_id, operation: "-", trace: None }
}

/// This actor, in the request of [`caller`].
fn in_request(actor: Actor) -> Initiator {
    let Caller { address, request_id, .. } = caller();
    Initiator { actor, address: Some(address), request_id: Some(request_id) }
}

pub(super) fn ada() -> Registration {
    Registration::parse("ada", "ada@example.com", "secret-ada", PasswordPolicy::ORIGINAL).unwrap()
}

pub(super) fn password(text: &str) -> Password {
    Password::parse(text, PasswordPolicy::ORIGINAL).unwrap()
}

#[tokio::test]
async fn a_user_registers_themself_and_the_service_strengthens_the_hash() {
    let world = World::begin().await;
    let id = world.accounts(4).register(&caller(), ada()).await.unwrap().user.id;
    assert_eq!(world.happened(id), [(EventKind::UserRegistered, in_request(Actor::User(id)))]);
    assert!(world.accounts(4).register(&caller(), ada()).await.is_err());
    assert_eq!(world.happened(id), [], "the name is taken");

    let name = LoginName::from_text("ada");
    assert!(world.accounts(5).log_in(&caller(), &name, password("secret-eve")).await.is_err());
    assert_eq!(world.happened(id), [(EventKind::LoginFailed, in_request(Actor::System))]);
    for strengthened in [vec![(EventKind::HashStrengthened, in_request(Actor::System))], vec![]] {
        let token = world.accounts(5).log_in(&caller(), &name, password("secret-ada")).await.unwrap().token;
        let logged_in = (EventKind::UserLoggedIn, in_request(Actor::User(id)));
        assert_eq!(world.happened(id), [vec![logged_in], strengthened].concat());
        world.accounts(5).profile(&caller(), token.token.expose()).await.unwrap();
        world.accounts(5).refresh(&caller(), token.token.expose()).await.unwrap();
        assert_eq!(world.happened(id), [], "reading changes nothing");
    }
}

#[tokio::test]
async fn what_an_operator_does_to_a_user_is_the_operators() {
    let (world, name) = (World::begin().await, LoginName::from_text("ada"));
    let (registry, by) = (world.registry(4), &Initiator::OPERATOR);
    let id = registry.create_user(ada(), by).await.unwrap().id;
    assert_eq!(world.happened(id), [(EventKind::UserRegistered, by.clone())]);
    registry.set_password(&name, password("another-secret"), by).await.unwrap();
    assert_eq!(world.happened(id), [(EventKind::PasswordChanged, by.clone())]);
    registry.log_out(&name, by).await.unwrap();
    assert_eq!(world.happened(id), [(EventKind::SessionsEnded, by.clone())]);
    assert!(registry.delete_user(id, by).await.unwrap());
    assert_eq!(world.happened(id), [(EventKind::UserDeleted, by.clone())]);
    assert!(!registry.delete_user(id, by).await.unwrap());
    assert!(registry.log_out(&name, by).await.is_err());
    assert!(registry.set_password(&name, password("another-secret"), by).await.is_err());
    assert_eq!(world.happened(id), [], "there is no such user any more");
}

/// Guesses for a user or a name that no user has, each as soon as it is admitted, until `times` were answered.
async fn guess(world: &World, name: &str, times: usize) {
    let (accounts, name) = (world.accounts(4), LoginName::from_text(name));
    let mut answered = 0;
    while answered < times {
        match accounts.log_in(&caller(), &name, password("secret-eve")).await {
            Err(AccountError::Credentials) => answered += 1,
            Err(AccountError::Throttled(secs)) => world.clock.set(world.clock.now().plus_secs(secs.into())),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn failed_log_ins_cause_an_event_when_the_wait_begins_when_the_account_is_limited_and_when_it_is_unlocked()
 {
    let (world, name) = (World::begin().await, LoginName::from_text("ada"));
    let (registry, by) = (world.registry(4), &Initiator::OPERATOR);
    let id = registry.create_user(ada(), by).await.unwrap().id;
    world.happened(id);
    let by_the_service = in_request(Actor::System);
    for _ in 0..4 {
        guess(&world, "ada", 1).await;
        assert_eq!(world.happened(id), [(EventKind::LoginFailed, by_the_service.clone())]);
    }
    guess(&world, "ADA@example.com", 1).await;
    assert_eq!(world.happened(id), [(EventKind::LoginThrottled, by_the_service.clone())]);
    guess(&world, "ada", 94).await;
    let failures = world.events.take_all();
    assert!(failures.iter().all(|event| event.kind == EventKind::LoginFailed), "one begin is one event");
    for failure in &failures {
        let within_an_hour =
            |other: &&Event| other.at.secs_since(failure.at) < 3600 && other.at >= failure.at;
        assert!(failures.iter().filter(within_an_hour).count() <= 5);
    }
    guess(&world, "ada", 1).await;
    assert_eq!(world.happened(id), [(EventKind::LoginLimited, by_the_service)]);
    registry.unlock_user(&name, by).await.unwrap();
    assert_eq!(world.happened(id), [(EventKind::LoginUnlocked, by.clone())]);
    registry.unlock_user(&name, by).await.unwrap();
    assert_eq!(world.happened(id), [], "there is nothing to unlock");
    guess(&world, "nobody", 5).await;
    guess(&world, "nothing", 1).await;
    let unknown = world.subjects();
    assert!(unknown.iter().all(|(kind, _)| *kind == EventKind::LoginFailed), "{unknown:?}");
    let [first, .., other] = &unknown[..] else { panic!("{unknown:?}") };
    assert!(matches!(first.1, EventSubject::UnknownName(_)) && unknown.len() == 6, "{unknown:?}");
    assert_eq!(first, &unknown[1]);
    assert_ne!(first, other, "the same name has the same hash, and another name another one");
    assert!(!format!("{unknown:?}").contains("nothing"), "people type passwords there");
}

#[tokio::test]
async fn events_have_ids_of_their_own_in_the_order_of_time() {
    let (world, name) = (World::begin().await, LoginName::from_text("ada"));
    let registry = world.registry(4);
    registry.create_user(ada(), &Initiator::OPERATOR).await.unwrap();
    for seconds in 1..20 {
        world.clock.set(Timestamp::from_secs(START + seconds));
        registry.log_out(&name, &Initiator::OPERATOR).await.unwrap();
    }
    let ids: Vec<_> = world.events.take_all().into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 20);
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}
