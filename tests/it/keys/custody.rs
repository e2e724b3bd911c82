//! The contract of every custody, run on each: only a writer that has read the ring's document replaces it, and private
//! keys exist as long as the ring names them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jose::{Algorithm, SigningKey, VerifyingKey};
use jwt_generator::app::{self, IfMissing};
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{
    Home, KeyRecord, KeyState, Kid, Lifetime, NewKey, RingRecord, Rotation, Timestamp,
};
use jwt_generator::entropy::Entropy;
use jwt_generator::keys::custody::{
    Account, AwsKms, Custody, CustodyError, Directory, InRecord, KeyBackend, RecordFault, Replaced,
    RingLocation, RingStore, SecretRing,
};
use jwt_generator::keys::{KeyKind, KeySettings, Private, RingService};
use jwt_generator::server_secret::fingerprint_of;
use jwt_generator::workers::Workers;

use crate::support::vault::Vault;
use crate::support::{Moto, mongod, unique};

pub const SEALING_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

const ES256: KeyKind = KeyKind { algorithm: Algorithm::Es256, rsa_bits: 2048 };

/// The custody that these settings name.
pub fn custody(folder: &Path, settings: &[(&str, &str)]) -> Custody {
    let keys = folder.join("keys");
    let data = folder.join("data");
    let usual = [("KEYS_DIR", keys.to_str().unwrap()), ("DATA_DIR", data.to_str().unwrap())];
    let environment =
        usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::read(&Sources::read(environment, folder).unwrap()).unwrap();
    let stores = app::open_stores(&config, IfMissing::Create, &Entropy::System).unwrap();
    app::open_ring_service(&config, &stores, Clock::System).unwrap().custody().clone()
}

pub fn new_key(kid: &str, public: &VerifyingKey, home: Option<Home>) -> NewKey {
    let (alg, bits) = (public.algorithm().name().to_owned(), public.bits());
    NewKey { kid: Kid::parse(kid).unwrap(), alg, bits, public: public.to_spki_pem(), home }
}

pub fn record(new: NewKey, state: KeyState) -> KeyRecord {
    let at = Timestamp::from_secs(1_800_000_000);
    KeyRecord {
        kid: new.kid,
        aliases: vec![],
        alg: new.alg,
        bits: new.bits,
        state,
        public: new.public,
        home: new.home,
        published_at: at,
        activates_at: at,
        activated_at: Some(at),
        retired_at: None,
        removes_at: None,
        revoked_at: None,
        carries: 60,
        rest: serde_json::from_str(r#"{"colour":"green"}"#).unwrap(),
    }
}

pub fn ring(revision: u64, keys: Vec<KeyRecord>) -> RingRecord {
    let rest = serde_json::from_str(r#"{"region":{"name":"eu","replicas":3}}"#).unwrap();
    RingRecord { revision, lead: 99, keys, rest, ..RingRecord::empty() }
}

pub async fn made(custody: &Custody, state: KeyState) -> KeyRecord {
    record(custody.make(ES256).await.unwrap(), state)
}

async fn there_is_no_ring_at_first(custody: Custody) {
    assert_eq!(custody.ring_store().load().await.unwrap(), None);
}

async fn a_ring_comes_back_as_it_was_written_what_we_do_not_know_included(custody: Custody) {
    let states = [KeyState::Published, KeyState::Active, KeyState::Retired];
    let mut keys = Vec::new();
    for state in states {
        keys.push(made(&custody, state).await);
    }
    let written = ring(1, keys);
    assert!(custody.ring_store().replace_if(None, &written).await.unwrap().or_unwritable().unwrap());
    assert_eq!(custody.ring_store().load().await.unwrap(), Some(written));
}

async fn a_ring_is_replaced_only_by_who_has_seen_it(custody: Custody) {
    assert!(custody.ring_store().replace_if(None, &ring(1, vec![])).await.unwrap().or_unwritable().unwrap());
    assert!(
        !custody.ring_store().replace_if(None, &ring(1, vec![])).await.unwrap().or_unwritable().unwrap(),
        "there is one already"
    );
    assert!(
        !custody.ring_store().replace_if(Some(7), &ring(8, vec![])).await.unwrap().or_unwritable().unwrap(),
        "there is no revision 7"
    );
    assert!(
        custody.ring_store().replace_if(Some(1), &ring(2, vec![])).await.unwrap().or_unwritable().unwrap()
    );
    assert!(
        !custody.ring_store().replace_if(Some(1), &ring(2, vec![])).await.unwrap().or_unwritable().unwrap(),
        "it has been replaced"
    );
    assert_eq!(custody.ring_store().load().await.unwrap().unwrap().revision, 2);
}

async fn of_many_at_once_one_writes(custody: Custody) {
    let key = made(&custody, KeyState::Active).await;
    for seen in [None, Some(1), Some(2)] {
        let revision = seen.map_or(1, |seen| seen + 1);
        let tries = (0..12).map(|number| {
            let (custody, mut written) = (custody.clone(), ring(revision, vec![key.clone()]));
            written.lead = number;
            tokio::spawn(async move {
                custody
                    .ring_store()
                    .replace_if(seen, &written)
                    .await
                    .unwrap()
                    .or_unwritable()
                    .unwrap()
                    .then_some(number)
            })
        });
        let mut winners = Vec::new();
        for one in tries.collect::<Vec<_>>() {
            winners.extend(one.await.unwrap());
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(custody.ring_store().load().await.unwrap().unwrap().lead, winners[0]);
    }
}

async fn a_new_key_has_its_thumbprint_as_its_name_and_signs(custody: Custody) {
    let key = made(&custody, KeyState::Active).await;
    let public = jwt_generator::keys::custody::public_half(&key).unwrap();
    assert_eq!(key.kid.as_str(), public.thumbprint());
    // The key must open from the record that the ring store returns.
    assert!(
        custody.ring_store().replace_if(None, &ring(1, vec![key])).await.unwrap().or_unwritable().unwrap()
    );
    let ring = custody.ring_store().load().await.unwrap().unwrap();
    let signature = match custody.open(&ring.keys[0]).await.unwrap().unwrap() {
        Private::Local(key) => key.sign(b"message").unwrap(),
        Private::Remote(key) => key.sign(b"message").await.unwrap(),
    };
    assert!(public.verify(b"message", &signature));
}

async fn a_record_with_the_key_of_another_is_of_no_use(custody: Custody) {
    let (one, other) = (made(&custody, KeyState::Active).await, made(&custody, KeyState::Active).await);
    let mixed = KeyRecord { home: other.home, ..one };
    let public = jwt_generator::keys::custody::public_half(&mixed).unwrap();
    match custody.open(&mixed).await {
        Err(CustodyError::Record(RecordFault::Damaged { kid, .. })) => assert_eq!(kid, mixed.kid),
        // Opening sends no request to a remote custody. Its signature is checked, and is of another key.
        Ok(Some(Private::Remote(key))) => {
            assert!(!public.verify(b"message", &key.sign(b"message").await.unwrap()));
        }
        other => panic!("{other:?}"),
    }
}

async fn a_key_from_elsewhere_is_kept(custody: Custody) {
    let key = SigningKey::generate(Algorithm::EdDsa, 0).unwrap();
    let home = custody.keep(&key).await.unwrap();
    let record = record(new_key("from-elsewhere", key.verifying_key(), Some(home)), KeyState::Retired);
    assert!(matches!(custody.open(&record).await.unwrap(), Some(Private::Local(_))));
}

async fn what_is_discarded_is_gone_and_may_be_discarded_again(custody: Custody) {
    let key = made(&custody, KeyState::Removed).await;
    let home = key.home.clone().unwrap();
    custody.discard(&home).await.unwrap();
    custody.discard(&home).await.unwrap();
    assert!(
        custody
            .ring_store()
            .replace_if(None, &ring(1, vec![KeyRecord { home: None, ..key }]))
            .await
            .unwrap()
            .or_unwritable()
            .unwrap()
    );
    let ring = custody.ring_store().load().await.unwrap().unwrap();
    assert!(custody.open(&ring.keys[0]).await.unwrap().is_none());
}

fn settings() -> KeySettings {
    KeySettings {
        rotation: Rotation::Every(Lifetime::hours(48)),
        jwks_max_age: 60,
        verifier_cache: 0,
        clock_skew: 0,
        refresh: 1,
        longest_token: 60,
        kinds: vec![ES256],
        any_size: true,
        first_kid: Some(Kid::original()),
    }
}

async fn of_many_at_once_all_get_the_same_server_secret(custody: Custody) {
    let service = RingService::new(custody.clone(), Clock::System, settings());
    let none = service.keep_server_secret(&Entropy::System).await.unwrap();
    assert_eq!(none, None, "it is kept beside a ring, and there is none");
    let written = ring(1, vec![made(&custody, KeyState::Active).await]);
    assert!(custody.ring_store().replace_if(None, &written).await.unwrap().or_unwritable().unwrap());
    let tries = (0..8).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { service.keep_server_secret(&Entropy::System).await.unwrap().unwrap() })
    });
    let mut secrets = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        secrets.push(one.await.unwrap().expose().to_owned());
    }
    let found = custody.ring_store().load().await.unwrap().unwrap();
    let kept = found.server_secret.clone().unwrap();
    assert!(kept.expose().len() >= 32 && secrets.iter().all(|secret| secret == kept.expose()));
    let server_secret_fingerprint = Some(fingerprint_of(&kept).unwrap());
    let with_secret =
        RingRecord { revision: 2, server_secret: Some(kept), server_secret_fingerprint, ..written };
    assert_eq!(found, with_secret, "nothing else is changed");
}

async fn a_record_with_an_unknown_custody_is_refused(custody: Custody) {
    let key = KeyRecord { home: Some(Home::new("moon", "crater")), ..made(&custody, KeyState::Active).await };
    assert!(matches!(custody.open(&key).await, Err(CustodyError::Homeless(scheme)) if scheme == "moon"));
}

/// The servers and folders that a custody needs during the test.
type Guard = Box<dyn std::any::Any>;

fn with_settings(folder: &Path, settings: &[(&str, &str)]) -> (Custody, Guard) {
    (custody(folder, settings), Box::new(()))
}

fn directory(folder: &Path) -> (Custody, Guard) {
    with_settings(folder, &[])
}

fn database_on_sqlite(folder: &Path) -> (Custody, Guard) {
    with_settings(folder, &[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)])
}

fn database_on_mongodb(folder: &Path) -> (Custody, Guard) {
    with_settings(folder, &[("MONGODB_URI", &mongod::new_database()), ("KEY_ENCRYPTION_KEY", SEALING_KEY)])
}

fn vault(folder: &Path) -> (Custody, Guard) {
    let vault = Vault::start();
    let (url, token) = (vault.url(), vault.token(0, false));
    let settings = [
        ("KEY_CUSTODY", "vault"),
        ("VAULT_ADDR", url.as_str()),
        ("VAULT_TOKEN", token.as_str()),
        ("KEY_ENCRYPTION_KEY", SEALING_KEY),
    ];
    (custody(folder, &settings), Box::new(vault))
}

fn account(moto: &Moto) -> Arc<Account> {
    use aws_config::{BehaviorVersion, Region};
    let credentials = aws_sdk_kms::config::Credentials::new("id", "secret", None, None, "test");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(moto.endpoint())
        .region(Region::new("eu-central-1"))
        .credentials_provider(credentials);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Arc::new(Account::with(runtime.block_on(config.load())))
}

fn aws_kms(folder: &Path) -> (Custody, Guard) {
    let files = Directory::new(&folder.join("keys"), Workers::start("make-key", 1, 4, 0).unwrap());
    let homes: Vec<Arc<dyn KeyBackend>> =
        vec![Arc::new(AwsKms::new(account(Moto::shared()))), Arc::new(files.clone())];
    (Custody::new(AwsKms::NAME, Arc::new(files.clone()), homes, files), Box::new(()))
}

fn in_a_secret(folder: &Path, moto: &Moto, id: &str) -> (Custody, Guard) {
    let maker = Workers::start("make-key", 1, 4, 0).unwrap();
    let files = Directory::new(&folder.join("keys"), maker.clone());
    let homes: Vec<Arc<dyn KeyBackend>> = vec![Arc::new(InRecord::new(maker))];
    let ring = Arc::new(SecretRing::new(account(moto), id));
    (Custody::new(SecretRing::NAME, ring, homes, files), Box::new(()))
}

fn aws_secrets_manager(folder: &Path) -> (Custody, Guard) {
    in_a_secret(folder, Moto::shared(), &unique("none-yet/"))
}

/// A secret without a value, as a template makes it.
fn an_empty_secret_of_aws(folder: &Path) -> (Custody, Guard) {
    let name = unique("empty/");
    Moto::shared().secrets("eu-central-1", "CreateSecret", &serde_json::json!({ "Name": name })).ok();
    in_a_secret(folder, Moto::shared(), &name)
}

macro_rules! suite {
    ($($place:ident)*) => { $(mod $place { suite!(@tests $place); })* };
    (@tests $place:ident) => {
        suite!(@each $place
            there_is_no_ring_at_first
            a_ring_comes_back_as_it_was_written_what_we_do_not_know_included
            a_ring_is_replaced_only_by_who_has_seen_it
            of_many_at_once_one_writes
            a_new_key_has_its_thumbprint_as_its_name_and_signs
            a_record_with_the_key_of_another_is_of_no_use
            a_key_from_elsewhere_is_kept
            what_is_discarded_is_gone_and_may_be_discarded_again
            a_record_with_an_unknown_custody_is_refused
            of_many_at_once_all_get_the_same_server_secret
        );
    };
    (@each $place:ident $($test:ident)*) => {
        $(#[test] fn $test() { super::on(super::$place, super::$test); })*
    };
}

fn on(place: fn(&Path) -> (Custody, Guard), test: impl AsyncFnOnce(Custody)) {
    let folder = tempfile::tempdir().unwrap();
    let (custody, guard) = place(folder.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { test(custody).await });
    drop(guard);
}

suite!(directory database_on_sqlite database_on_mongodb aws_kms aws_secrets_manager an_empty_secret_of_aws vault);

type Place = fn(&Path) -> (Custody, Guard);

const ML_DSA: [Algorithm; 3] = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];

#[test]
fn post_quantum_keys_are_kept_in_files_databases_and_secrets() {
    let places: [Place; 4] = [directory, database_on_sqlite, database_on_mongodb, aws_secrets_manager];
    for place in places {
        on(place, async |custody: Custody| {
            let mut keys = Vec::new();
            for algorithm in ML_DSA {
                let new = custody.make(KeyKind { algorithm, rsa_bits: 2048 }).await.unwrap();
                keys.push(KeyRecord { alg: algorithm.to_string(), ..record(new, KeyState::Published) });
            }
            assert!(
                custody.ring_store().replace_if(None, &ring(1, keys)).await.unwrap().or_unwritable().unwrap()
            );
            for key in &custody.ring_store().load().await.unwrap().unwrap().keys {
                let Some(Private::Local(private)) = custody.open(key).await.unwrap() else {
                    panic!("{}: {key:?}", custody.ring_store().place())
                };
                let public = jwt_generator::keys::custody::public_half(key).unwrap();
                assert!(public.verify(b"message", &private.sign(b"message").unwrap()), "{}", key.alg);
            }
        });
    }
}

#[test]
fn aws_kms_and_vault_refuse_to_make_a_post_quantum_key() {
    for (place, service) in [(aws_kms as Place, "AWS KMS"), (vault, "Vault")] {
        on(place, async |custody: Custody| {
            for algorithm in ML_DSA {
                let refused = custody.make(KeyKind { algorithm, rsa_bits: 2048 }).await.unwrap_err();
                let sentence = format!(
                    "the keys' custody refused: ML-DSA keys in {service} are not supported: keep them in files, in the \
                     database or in Secrets Manager"
                );
                assert_eq!(refused.to_string(), sentence);
            }
        });
    }
}

/// Twelve writers at the same time add one version. A version whose writer ended before it was valid is skipped.
#[test]
fn of_many_that_change_a_secret_one_adds_a_version() {
    let (moto, folder) = (Moto::start(), tempfile::tempdir().unwrap());
    let (custody, _guard) = in_a_secret(folder.path(), &moto, "keys");
    let versions = || {
        let all = serde_json::json!({ "SecretId": "keys", "IncludeDeprecated": true });
        let listed = moto.secrets("eu-central-1", "ListSecretVersionIds", &all).ok();
        listed["Versions"].as_array().unwrap().len()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(of_many_at_once_one_writes(custody.clone()));
    // One for each revision. There are more only if the machine is so slow that a writer seems to have ended.
    assert!((3..12).contains(&versions()), "{}", versions());
    runtime.block_on(async {
        // As if a process was killed between its two calls.
        moto.refuse(&[("UpdateSecretVersionStage", "AccessDeniedException")]);
        assert!(custody.ring_store().replace_if(Some(3), &ring(4, vec![])).await.is_err());
        moto.refuse(&[]);
        assert_eq!(custody.ring_store().load().await.unwrap().unwrap().revision, 3);
        let other = RingRecord { lead: 7, ..ring(4, vec![]) };
        assert!(custody.ring_store().replace_if(Some(3), &other).await.unwrap().or_unwritable().unwrap());
        assert_eq!(custody.ring_store().load().await.unwrap().unwrap().lead, 7);
    });
}

/// A ring store that does not answer the first write.
struct Sulking {
    ring: Directory,
    sulks: AtomicBool,
}

#[async_trait]
impl RingStore for Sulking {
    async fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.ring.load().await
    }

    async fn replace_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<Replaced, CustodyError> {
        if self.sulks.swap(false, Ordering::Relaxed) {
            return Err(CustodyError::Unavailable("as the test wants it".into()));
        }
        self.ring.replace_if(seen, ring).await
    }

    fn location(&self) -> RingLocation {
        self.ring.location()
    }
}

#[test]
fn a_key_that_was_to_be_the_first_and_is_offered_again_has_a_name_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let files = Directory::new(&folder.path().join("keys"), Workers::start("make-key", 1, 4, 0).unwrap());
    let ring = Sulking { ring: files.clone(), sulks: AtomicBool::new(true) };
    let homes: Vec<Arc<dyn KeyBackend>> = vec![Arc::new(files.clone())];
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    // Under another name than the folder's, so that what was made is kept in mind and not looked up in files.
    let ring_service = |ring: Arc<dyn RingStore>| {
        let custody = Custody::new("elsewhere", ring, homes.clone(), files.clone());
        RingService::new(custody, clock.clone(), settings())
    };
    let (one, other) = (ring_service(Arc::new(ring)), ring_service(Arc::new(files.clone())));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        assert!(one.begin().await.unwrap_err().is_passing());
        let ring = other.begin().await.unwrap().ring;
        assert_eq!(ring.keys[0].kid, Kid::original());
        clock.set(Timestamp::from_secs(1_800_000_000 + 48 * 3_600));
        let (ring, failed) = one.take_due_steps(ring, &[]).await;
        assert!(failed.is_none(), "{failed:?}");
        let next = ring.next("ES256").unwrap();
        let public = jwt_generator::keys::custody::public_half(next).unwrap();
        assert_eq!(next.kid.as_str(), public.thumbprint());
    });
}
