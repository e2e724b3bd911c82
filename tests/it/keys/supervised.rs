//! Seen before: a panic in the task that watches the ring ended the rotation for ever, without a message (issue 11, row
//! 1.17). The task runs here as in the service, with a custody that panics if the test wants it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jose::{Algorithm, SigningKey, Typ};
use jwt_generator::accounts::{Accounts, LoginGuard};
use jwt_generator::app::{self, IfMissing, NextTurn, Supervised};
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{
    DemoTokens, Kid, Lifetime, ProxyHeader, RingRecord, Rotation, Timestamp, TrustedProxies,
};
use jwt_generator::entropy::Entropy;
use jwt_generator::event_counter::EventCounter;
use jwt_generator::health::{InstanceHealth, Tasks};
use jwt_generator::http::{Api, HttpService, HttpSettings, Parts};
use jwt_generator::keys::custody::{
    Custody, CustodyError, Directory, KeyBackend, Replaced, RingLocation, RingStore,
};
use jwt_generator::keys::{
    KeyKind, KeySettings, Keys, NotReady, Private, RemoteKey, Ring, RingRefresher, RingService, SignError,
    Signer,
};
use jwt_generator::limits::{LiveInstances, RateLimits};
use jwt_generator::oauth::{
    ClientAuthentication, ClientDirectory, Generation, KeyFetcher, OAuth, OAuthSettings,
};
use jwt_generator::server_secret::CurrentServerSecret;
use jwt_generator::store::Health;
use jwt_generator::telemetry::AccessLog;
use jwt_generator::telemetry::traces::Tracer;
use jwt_generator::workers::Workers;
use serde_json::{Value, json};

const START: u64 = 1_800_000_000;
const PERIOD: u64 = 1_000;

/// A folder of keys. Reading its ring panics as often as the test says.
struct Panicking {
    folder: Directory,
    panics: Arc<AtomicUsize>,
}

#[async_trait]
impl RingStore for Panicking {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        let more = self.panics.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        assert!(more.is_err(), "as the test wants it");
        self.folder.load().await
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        self.folder.replace_if(seen, ring).await
    }

    fn location(&self) -> RingLocation {
        self.folder.location()
    }
}

struct World {
    clock: Clock,
    ring_service: RingService,
    keys: Arc<Keys>,
    ring_refresher: RingRefresher,
    panics: Arc<AtomicUsize>,
}

impl World {
    /// A ring after its first read.
    async fn begun(folder: &Path) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(START));
        let files = Directory::new(&folder.join("keys"), Workers::start("make-key", 1, 4, 0).unwrap());
        let panics = Arc::<AtomicUsize>::default();
        let ring = Panicking { folder: files.clone(), panics: Arc::clone(&panics) };
        let homes: Vec<Arc<dyn KeyBackend>> = vec![Arc::new(files.clone())];
        let settings = KeySettings {
            rotation: Rotation::Every(Lifetime::from_secs(PERIOD).unwrap()),
            jwks_max_age: 100,
            verifier_cache: 0,
            clock_skew: 0,
            refresh: 1,
            longest_token: 1,
            kinds: vec![KeyKind { algorithm: Algorithm::Es256, rsa_bits: 2048 }],
            any_size: true,
            first_kid: Some(Kid::original()),
        };
        let ring_service = RingService::new(
            Custody::new("elsewhere", Arc::new(ring), homes, files),
            clock.clone(),
            settings,
        );
        let keys = Arc::new(Keys::new(Signer::start(true, Entropy::System).unwrap(), clock.clone()));
        let mut ring_refresher =
            RingRefresher::new(ring_service.clone(), Arc::clone(&keys), clock.clone(), Entropy::seeded(1));
        ring_refresher.start().await.unwrap();
        assert!(keys.signs() && keys.publishes().is_ok());
        Self { clock, ring_service, keys, ring_refresher, panics }
    }
}

#[tokio::test]
async fn rotation_goes_on_though_the_task_that_watches_the_ring_panics() {
    let folder = tempfile::tempdir().unwrap();
    let World { clock, ring_service, ring_refresher, panics, .. } = World::begun(folder.path()).await;
    let mut task = Supervised::new(ring_refresher, &Tasks::new(clock.clone()));
    clock.set(Timestamp::from_secs(START + PERIOD));
    panics.store(3, Ordering::Relaxed);
    for seconds in [1, 2, 4] {
        let next = task.turn(clock.now()).await;
        assert_eq!(
            next,
            NextTurn::After(Duration::from_secs(seconds)),
            "it is tried again, more and more rarely"
        );
    }
    task.turn(clock.now()).await;
    assert_eq!(ring_service.load().await.unwrap().unwrap().keys.len(), 2, "the next key is published");
}

/// The service's endpoints over these keys, without a database.
fn endpoints(folder: &Path, clock: &Clock, keys: &Arc<Keys>, tasks: &Tasks) -> HttpService {
    let environment = [("SKIP_DATABASE", "true")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::read(&Sources::read(environment, folder).unwrap()).unwrap();
    let (clock, entropy) = (clock.clone(), Entropy::seeded(2));
    let tokens = app::tokens(&config, 0, Arc::clone(keys), clock.clone(), entropy.clone());
    let stores = app::open_stores(&config, IfMissing::Create, &Entropy::System).unwrap();
    let registry = app::open_registry(&config, &stores, clock.clone(), entropy.clone()).unwrap();
    let (secret, counter) = (CurrentServerSecret::default(), EventCounter::default());
    let guard = LoginGuard::new(&stores, counter, secret, clock.clone(), entropy).unwrap();
    let clients = ClientDirectory::new(Arc::clone(&stores.clients));
    let fetcher = KeyFetcher::new(clock.clone());
    let authentication = ClientAuthentication::new(clients.clone(), None, 0, fetcher, clock.clone());
    let oauth = OAuth::new(
        OAuthSettings {
            issuer: None,
            algorithms: config.algorithms.clone(),
            status_list_ttl: config.status_list_ttl,
            session_lifetimes: config.browser_session_lifetimes,
            grant_lifetimes: config.grant_lifetimes,
        },
        &stores,
        tokens.clone(),
        authentication.clone(),
        CurrentServerSecret::default(),
        clock.clone(),
        Entropy::seeded(3),
    );
    let places = oauth.status_places().clone();
    let api = Api::new(Parts {
        accounts: Accounts::new(registry, guard, tokens.clone(), clock.clone(), config.session_max_age),
        tokens: tokens.clone(),
        generation: Generation::new(tokens, clients.clone(), authentication, places),
        oauth,
        clients,
        keys: Arc::clone(keys),
        health: Arc::new(InstanceHealth::new(
            Arc::clone(keys),
            Health::default(),
            false,
            tasks.clone(),
            clock.clone(),
        )),
        limits: RateLimits::new(config.rate_limits.clone(), clock.clone(), LiveInstances::default()),
        clock,
        settings: HttpSettings {
            demo_tokens: DemoTokens::On,
            password_policy: config.password_policy,
            allowed_origins: None,
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            trusted_proxy_header: ProxyHeader::default(),
            body_memory: 1 << 20,
            access_log: AccessLog::Off,
            brand: config.brand.clone(),
        },
    });
    HttpService::new(api, 1, Tracer::default())
}

async fn ask(endpoints: &HttpService, path: &str) -> (u16, Value) {
    let request = http::Request::get(path).header("host", "x").body(Bytes::new()).unwrap();
    let answer = endpoints.answer_whole(Ok(request), Ipv4Addr::LOCALHOST.into()).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

#[tokio::test]
async fn a_task_that_panics_shows_in_signing_and_in_readiness_and_takes_no_key_set_away() {
    let folder = tempfile::tempdir().unwrap();
    let World { clock, keys, ring_refresher, panics, .. } = World::begun(folder.path()).await;
    let tasks = Tasks::new(clock.clone());
    let endpoints = endpoints(folder.path(), &clock, &keys, &tasks);
    let mut task = Supervised::new(ring_refresher, &tasks);
    for (times, signing, report) in [
        (0, true, json!({ "status": "ready" })),
        (1, false, json!({ "status": "ready", "failing": ["ring"] })),
        (0, true, json!({ "status": "ready" })),
    ] {
        panics.store(times, Ordering::Relaxed);
        task.turn(clock.now()).await;
        assert_eq!(ask(&endpoints, "/health").await.1["signing"], signing);
        assert_eq!(keys.is_refreshed(), signing);
        assert_eq!(ask(&endpoints, "/readyz").await, (200, report));
        assert_eq!(ask(&endpoints, "/startupz").await, (200, json!({ "status": "started" })));
        assert_eq!(ask(&endpoints, "/api/jwks").await.0, 200);
    }
}

/// A key that looks like a key in another service.
struct Far {
    key: Arc<SigningKey>,
    asked: AtomicUsize,
    fails: AtomicBool,
    refuses: AtomicBool,
}

#[async_trait]
impl RemoteKey for Far {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err(SignError::Unavailable);
        }
        if self.refuses.load(Ordering::Relaxed) {
            return Err(SignError::Failed);
        }
        self.key.sign(message).map_err(|_| SignError::Failed)
    }
}

/// Keys, of which the active one looks like a key in another service.
async fn far_away(folder: &Path) -> (Arc<Far>, Keys, Clock) {
    let World { clock, ring_service, .. } = World::begun(folder).await;
    let record = ring_service.load().await.unwrap().unwrap();
    let active = record.signing().next().unwrap();
    let Private::Local(key) = ring_service.open(active).await.unwrap() else { panic!("it is here") };
    let (asked, fails, refuses) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
    let far = Arc::new(Far { key, asked, fails, refuses });
    let private = Private::Remote(Arc::clone(&far) as Arc<dyn RemoteKey>);
    let schedule = ring_service.schedule();
    let privates = HashMap::from([(active.kid.clone(), private)]);
    let ring = Ring::new(record.clone(), privates, schedule, None).unwrap();
    let keys = Keys::new(Signer::start(true, Entropy::System).unwrap(), clock.clone());
    keys.install(Arc::new(ring), clock.uptime(), |_| 3_600);
    (far, keys, clock)
}

/// Seen in a review: while AWS KMS was away, a restarted instance never became ready, though it could publish the key set.
/// So the platform killed it again and again.
#[tokio::test]
async fn an_instance_that_is_alone_starts_while_its_signer_is_silent_and_not_while_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let (far, keys, _) = far_away(folder.path()).await;
    let period = Duration::from_secs(3_600);
    far.refuses.store(true, Ordering::Relaxed);
    keys.note_alone(true);
    keys.try_signer(period).await.unwrap_err();
    assert_eq!(keys.has_started(), Err(NotReady::CannotSign), "it refuses: the release is broken");
    far.fails.store(true, Ordering::Relaxed);
    keys.note_alone(false);
    keys.try_signer(period).await.unwrap_err();
    assert_eq!(keys.has_started(), Err(NotReady::CannotSign), "others go on: the release waits");
    keys.note_alone(true);
    assert_eq!(keys.has_started(), Ok(()), "nothing else publishes the key set");
    assert!(!keys.signs());
}

#[tokio::test]
async fn a_key_elsewhere_signs_a_trial_if_it_has_not_signed_for_a_period_or_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let (far, keys, clock) = far_away(folder.path()).await;
    let asked = || far.asked.load(Ordering::Relaxed);
    let (period, life) = (Duration::from_secs(3_600), Lifetime::from_secs(1).unwrap());

    assert_eq!(keys.has_started(), Err(NotReady::CannotSign));
    for _ in 0..3 {
        keys.try_signer(period).await.unwrap();
        assert_eq!((asked(), keys.has_started(), keys.signs()), (1, Ok(()), true), "one trial a period");
    }
    far.fails.store(true, Ordering::Relaxed);
    // If two questions are sent in one millisecond, the one with a successful answer counts.
    for _ in 0..1_000_000 {
        keys.sign(None, Typ::Jwt, b"{}", life, clock.now()).await.unwrap_err();
        if !keys.signs() {
            break;
        }
    }
    let before = asked();
    keys.try_signer(period).await.unwrap_err();
    assert_eq!((asked(), keys.has_started(), keys.signs()), (before + 1, Ok(()), false), "it has failed");
    far.fails.store(false, Ordering::Relaxed);
    keys.try_signer(period).await.unwrap();
    assert!(keys.signs());
}
