//! Several algorithms at once: one set, an active key of each, and algorithms that come and go.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jwt_generator::app;
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{Instance, KeyState, RingRecord, Timestamp};
use jwt_generator::entropy::Entropy;
use jwt_generator::keys::RingService;
use jwt_generator::store::Stores;
use serde_json::{Value, json};

use super::custody::SEALING_KEY;
use super::rotation::{QUICK, kid_of, now, token};
use crate::support::{Client, Program, Strict, eventually, jwt_generator, original_keys, refused, run};

const THREE: &str = "RS256,ES256,EdDSA";

fn settings(algorithms: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut settings: Vec<_> = QUICK.into_iter().filter(|(name, _)| *name != "JWT_ALGORITHM").collect();
    settings.extend([("JWT_ALGORITHM", algorithms), ("SKIP_DATABASE", "true"), ("KEY_ROTATION", "off")]);
    settings
}

fn command(folder: &Path, algorithms: &'static str, arguments: &[&str]) -> Command {
    let mut command = jwt_generator(folder);
    command.envs(settings(algorithms)).env("LOG_LEVEL", "error").args(arguments);
    command
}

fn told(folder: &Path, algorithms: &'static str, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(command(folder, algorithms, arguments).arg("--json"))).unwrap()
}

/// A token by this algorithm, if a key signs by it.
fn minted(folder: &Path, algorithms: &'static str, algorithm: &str) -> Option<String> {
    let mut mint = command(folder, algorithms, &["token", "mint", "--algorithm", algorithm]);
    let output = mint.output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn alg_of(token: &str) -> String {
    let (header, _) = jose::decode_unverified(token).unwrap();
    serde_json::from_str::<Value>(&header).unwrap()["alg"].as_str().unwrap().to_owned()
}

/// Algorithms and states of all keys, sorted.
fn states(client: &Client) -> Vec<(String, String)> {
    let info = client.get("/api/key-info").ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = info["data"]["keys"].as_array().unwrap();
    let mut states: Vec<_> = keys.iter().map(|key| (text(&key["alg"]), text(&key["status"]))).collect();
    states.sort();
    states
}

fn are(states: &[(String, String)], expected: &[(&str, &str)]) -> bool {
    states.iter().map(|(alg, state)| (alg.as_str(), state.as_str())).eq(expected.iter().copied())
}

fn passes(client: &Client, token: &str) -> bool {
    client.post("/api/token/validate", &json!({ "token": token })).status == 200
}

#[test]
fn a_new_service_signs_by_each_algorithm_and_the_first_one_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &settings(THREE));
    let client = program.client();
    let mut strict = Strict::new(client.base(), Duration::ZERO);
    let set = client.get("/api/jwks").ok();
    let algorithms: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["alg"].clone()).collect();
    assert_eq!(algorithms, ["RS256", "ES256", "EdDSA"], "the default one is the first");
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let token = minted(folder.path(), THREE, algorithm).unwrap();
        assert_eq!(alg_of(&token), algorithm);
        assert!(passes(&client, &token), "{algorithm}");
        strict.check(&token, now()).unwrap();
    }
    let by_default = token(&client).unwrap();
    assert_eq!((alg_of(&by_default).as_str(), kid_of(&by_default).as_str()), ("RS256", "default-key-id"));
    let info = client.get("/api/key-info").ok();
    assert_eq!((&info["data"]["alg"], &info["data"]["kid"]), (&json!("RS256"), &json!("default-key-id")));
    let shown = told(folder.path(), THREE, &["keys", "show"]);
    assert_eq!(
        (&shown["alg"], client.get("/api/public-key").text()),
        (&json!("RS256"), shown["public_key"].as_str().unwrap())
    );
    let private = std::fs::read_to_string(folder.path().join("keys/public-key.pem")).unwrap();
    assert_eq!(private, shown["public_key"].as_str().unwrap(), "the original finds the pair for RS256");
}

#[test]
fn another_order_changes_the_default_at_once_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let first = Program::start(folder.path(), &settings("ES256,RS256"));
    let before = first.client().get("/api/key-info").ok()["data"]["keys"].clone();
    assert_eq!(alg_of(&token(&first.client()).unwrap()), "ES256");
    first.stop();
    let second = Program::start(folder.path(), &settings("RS256,ES256"));
    assert_eq!(alg_of(&token(&second.client()).unwrap()), "RS256");
    assert_eq!(second.client().get("/api/key-info").ok()["data"]["keys"], before);
    let private = std::fs::read_to_string(folder.path().join("keys/ring.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&private).unwrap()["version"], 3, "earlier programs refuse it");
}

#[test]
fn an_added_algorithm_signs_when_every_verifier_knows_it_and_a_dropped_one_leaves_after_its_last_token() {
    let folder = tempfile::tempdir().unwrap();
    let one = Program::start(folder.path(), &settings("ES256"));
    assert_eq!(minted(folder.path(), "ES256", "EdDSA"), None);
    one.stop();
    let ring = std::fs::read_to_string(folder.path().join("keys/ring.json")).unwrap();
    let ring: Value = serde_json::from_str(&ring).unwrap();
    assert!(ring["version"] == 1 && ring.get("dropped").is_none(), "as earlier programs write it: {ring}");

    let two = Program::start(folder.path(), &settings("ES256,EdDSA"));
    let client = two.client();
    let mut strict = Strict::new(client.base(), Duration::ZERO);
    let mut check = |client: &Client, token: &str| {
        strict.check(token, now()).unwrap();
        assert!(passes(client, token));
    };
    eventually("it is published", || {
        are(&states(&client), &[("ES256", "active"), ("EdDSA", "published")]).then_some(())
    });
    let added = eventually("it signs", || {
        check(&client, &token(&client).unwrap());
        minted(folder.path(), "ES256,EdDSA", "EdDSA")
    });
    check(&client, &added);
    two.stop();

    let three = Program::start(folder.path(), &settings("ES256"));
    let client = three.client();
    let list = told(folder.path(), "ES256", &["keys", "plan"]);
    assert!(list["steps"].to_string().contains("the key for EdDSA stops signing"), "{list}");
    let last = std::cell::RefCell::new(None);
    eventually("its key retires", || {
        if let Some(token) = minted(folder.path(), "ES256", "EdDSA") {
            strict.check(&token, now()).unwrap();
            last.replace(Some(token));
        }
        are(&states(&client), &[("ES256", "active"), ("EdDSA", "retired")]).then_some(())
    });
    assert!(last.borrow().is_some(), "it signed until then");
    assert_eq!(alg_of(&token(&client).unwrap()), "ES256");
    eventually("its key leaves", || {
        are(&states(&client), &[("ES256", "active"), ("EdDSA", "removed")]).then_some(())
    });
}

#[test]
fn commands_mean_the_default_algorithm_unless_they_name_another() {
    let folder = tempfile::tempdir().unwrap();
    let keys = |arguments: &[&str]| told(folder.path(), THREE, &[&["keys"], arguments].concat());
    keys(&["generate"]);
    let rotated = keys(&["rotate", "--algorithm", "ES256"]);
    let by = |alg: &str, state: &str| -> Vec<String> {
        let list = keys(&["list"]);
        let keys =
            list["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == alg && key["state"] == state);
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rotated["published"], by("ES256", "published")[0].as_str());
    assert_eq!(by("RS256", "published"), Vec::<String>::new());
    assert_eq!(keys(&["rotate"])["active"], "default-key-id");
    assert_eq!(by("RS256", "published").len(), 1);
    assert_eq!(keys(&["show", "--algorithm", "EdDSA"])["kid"], by("EdDSA", "active")[0].as_str());
    // A key of a third algorithm is followed by one of its own.
    let eddsa = by("EdDSA", "active").remove(0);
    let revoked = keys(&["revoke", &eddsa, "--yes"]);
    assert_eq!(revoked["active"], by("EdDSA", "active")[0].as_str());
    assert_eq!(
        (by("EdDSA", "removed"), by("RS256", "active")),
        (vec![eddsa], vec!["default-key-id".to_owned()])
    );
    let told = refused(&mut command(folder.path(), THREE, &["keys", "rotate", "--algorithm", "PS256"]), 1);
    assert_eq!(told.trim_end(), "error: no key signs with PS256: JWT_ALGORITHM does not list it");
    let told = refused(&mut command(folder.path(), THREE, &["token", "mint", "--algorithm", "PS256"]), 1);
    assert_eq!(told.trim_end(), "error: no key signs with PS256: JWT_ALGORITHM does not list it");
    let told = refused(&mut command(folder.path(), THREE, &["keys", "show", "--algorithm", "RS999"]), 2);
    assert!(told.contains("the algorithm must be one of RS256"), "{told}");
    // The same RSA key cannot be for two algorithms, and one for an algorithm that is not listed would never sign.
    let pem = original_keys().join("private-key.pem").display().to_string();
    let told = refused(&mut command(folder.path(), "ES256", &["keys", "import", &pem]), 1);
    assert!(
        told.contains("which JWT_ALGORITHM does not list: add it there, or import the key as retired"),
        "{told}"
    );
}

#[test]
fn a_list_that_cannot_be_used_names_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    for (list, says) in [
        (
            "RS256,HS256",
            "must be RS256, PS256, ES256, EdDSA, ML-DSA-44, ML-DSA-65 or ML-DSA-87, or several of these separated by commas, the default one first",
        ),
        (
            "RS256,",
            "must be RS256, PS256, ES256, EdDSA, ML-DSA-44, ML-DSA-65 or ML-DSA-87, or several of these separated by commas, the default one first",
        ),
        ("RS256, ES256,RS256", "names RS256 twice: list each algorithm only once"),
        (
            "ML-DSA-65,RS256",
            "must not begin with ML-DSA-65: the first algorithm is the default one, which every verifier must know",
        ),
    ] {
        let told = refused(&mut command(folder.path(), list, &["config", "check"]), 2);
        assert!(told.contains(&format!("JWT_ALGORITHM={list:?} (from the environment): {says}")), "{told}");
    }
}

#[test]
fn post_quantum_keys_are_in_no_set_that_other_verifiers_read_and_sign_nothing_by_default() {
    let folder = tempfile::tempdir().unwrap();
    let list = "ES256,ML-DSA-44";
    let program = Program::start(folder.path(), &settings(list));
    let client = program.client();
    assert_eq!(alg_of(&token(&client).unwrap()), "ES256");
    let set = client.get("/api/jwks").ok();
    assert_eq!(set["keys"].as_array().unwrap().len(), 1, "{set}");
    let token = minted(folder.path(), list, "ML-DSA-44").unwrap();
    assert_eq!(alg_of(&token), "ML-DSA-44");
    assert!(passes(&client, &token));
}

fn kid_by(folder: &Path, algorithms: &'static str, alg: &str) -> String {
    let list = told(folder, algorithms, &["keys", "list"]);
    let mut keys = list["keys"].as_array().unwrap().iter();
    keys.find(|key| key["alg"] == alg).unwrap()["kid"].as_str().unwrap().to_owned()
}

#[test]
fn the_published_key_becomes_the_default_when_the_old_one_is_revoked_though_a_post_quantum_key_signs() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &settings("RS256,ML-DSA-44")).stop();
    let list = "ES256,ML-DSA-44";
    // Its turn comes an hour later.
    let settings = [&settings(list)[..], &[("JWKS_MAX_AGE", "1h")]].concat();
    let program = Program::start(folder.path(), &settings);
    let client = program.client();
    let published = [("ES256", "published"), ("ML-DSA-44", "active"), ("RS256", "active")];
    eventually("it is published", || are(&states(&client), &published).then_some(()));
    assert_eq!(alg_of(&token(&client).unwrap()), "RS256");
    told(folder.path(), list, &["keys", "revoke", &kid_by(folder.path(), list, "RS256"), "--yes"]);
    let revoked = [("ES256", "active"), ("ML-DSA-44", "active"), ("RS256", "removed")];
    eventually("the server follows", || are(&states(&client), &revoked).then_some(()));
    assert_eq!(alg_of(&token(&client).unwrap()), "ES256");
}

#[test]
fn the_old_default_key_signs_while_the_new_one_is_damaged_though_a_post_quantum_key_signs() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &settings("RS256,ML-DSA-44")).stop();
    let list = "ES256,ML-DSA-44";
    let program = Program::start(folder.path(), &settings(list));
    let client = program.client();
    let published = [("ES256", "published"), ("ML-DSA-44", "active"), ("RS256", "active")];
    eventually("it is published", || are(&states(&client), &published).then_some(()));
    let file = format!("keys/key-{}.pem", kid_by(folder.path(), list, "ES256"));
    let file = folder.path().join(file);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, "damaged").unwrap();
    let signs = || alg_of(&token(&client).unwrap_or_else(|| panic!("no token:\n{}", program.log())));
    eventually("its turn comes", || {
        assert_eq!(signs(), "RS256");
        program.log().contains("a step of the key schedule failed").then_some(())
    });
    assert!(are(&states(&client), &published), "{:?}", states(&client));
    std::fs::write(&file, whole).unwrap();
    eventually("it is whole again", || (signs() == "ES256").then_some(()));
}

#[test]
fn an_end_from_before_a_key_signed_is_not_shown_and_a_server_that_lists_its_algorithm_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), "ES256", &["keys", "generate"]);
    let path = folder.path().join("keys/ring.json");
    let ring = || serde_json::from_str::<Value>(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let announced = |at: u64| {
        let mut ring = ring();
        ring["dropped"] = json!({ "ES256": at });
        std::fs::write(&path, ring.to_string()).unwrap();
        told(folder.path(), "ES256", &["keys", "list"])["keys"][0]["stops_at"].clone()
    };
    let began = ring()["keys"][0]["activated_at"].as_u64().unwrap();
    assert!(announced(began + 9).is_string());
    assert_eq!(announced(began - 9), Value::Null);
    let _program = Program::start(folder.path(), &settings("ES256"));
    eventually("it is removed", || ring().get("dropped").is_none().then_some(()));
}

/// A store in `folder`, and ring services of this program on it with each list of algorithms.
struct Database {
    folder: tempfile::TempDir,
    stores: Stores,
    clock: Clock,
}

impl Database {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), "ES256");
        let stores = app::open_stores(&config, app::IfMissing::Create, &Entropy::System).unwrap();
        Self { folder, stores, clock: Clock::manual(Timestamp::from_secs(1_800_000_000)) }
    }

    fn ring_service(&self, algorithms: &str) -> RingService {
        let config = config(self.folder.path(), algorithms);
        app::open_ring_service(&config, &self.stores, self.clock.clone()).unwrap()
    }

    fn pass(&self, secs: u64) {
        self.clock.set(self.clock.now().plus_secs(secs));
    }

    async fn stored(&self) -> RingRecord {
        self.stores.rings.find_ring().await.unwrap().unwrap()
    }
}

fn config(folder: &Path, algorithms: &str) -> Config {
    let (keys, data) = (folder.join("keys"), folder.join("data"));
    let settings = [
        ("KEYS_DIR", keys.to_str().unwrap()),
        ("DATA_DIR", data.to_str().unwrap()),
        ("KEY_CUSTODY", "database"),
        ("KEY_ENCRYPTION_KEY", SEALING_KEY),
        ("KEY_ROTATION", "off"),
        ("JWT_ALGORITHM", algorithms),
    ];
    let environment = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Config::read(&Sources::read(environment, folder).unwrap()).unwrap()
}

/// The heartbeat of a program that knows one algorithm.
async fn earlier_program_runs(database: &Database) {
    let instance = Instance {
        id: "earlier".to_owned(),
        custody: "database".to_owned(),
        shares_ring: true,
        signs: "t".to_owned(),
        verifies: vec!["t".to_owned()],
        ring_version: RingRecord::AUTHENTICATED_VERSION,
        at: database.clock.now(),
    };
    database.stores.instances.record_instance(&instance).await.unwrap();
}

#[test]
fn an_algorithm_is_added_once_no_program_runs_that_could_not_read_the_ring() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = Database::new();
        let one = database.ring_service("ES256");
        let ring = one.begin().await.unwrap().ring;
        assert_eq!(database.stored().await.version, 2);
        earlier_program_runs(&database).await;
        let two = database.ring_service("ES256,EdDSA");
        let (ring, waits) = two.take_due_steps(ring, &[]).await;
        let waits = waits.unwrap();
        assert!(
            waits.is_passing() && waits.to_string().contains("an earlier version of the program"),
            "{waits}"
        );
        assert_eq!((ring.keys.len(), database.stored().await.version), (1, 2), "nothing has changed");
        database.pass(Instance::SILENCE_SECS + 1);
        let (ring, failed) = two.take_due_steps(ring, &[]).await;
        assert!(failed.is_none(), "{failed:?}");
        assert_eq!((ring.version, database.stored().await.version), (3, 4));
        assert_eq!(two.load().await.unwrap().unwrap(), ring);
        // If one algorithm replaces another, the form of the document stays, so earlier programs can continue.
        let other = database.ring_service("EdDSA");
        database.pass(2 * two.schedule().lead());
        let ring = two.take_due_steps(ring, &[]).await.0;
        let (ring, _) = other.take_due_steps(ring, &[]).await;
        database.pass(2 * two.schedule().lead());
        let (ring, _) = other.take_due_steps(ring, &[]).await;
        assert_eq!(ring.signing().map(|key| key.alg.as_str()).collect::<Vec<_>>(), ["EdDSA"]);
        assert_eq!(
            database.stored().await.version,
            2,
            "and a ring with one algorithm has the form of before"
        );
    });
}

#[test]
fn one_instance_with_another_list_ends_nothing_for_the_others() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = Database::new();
        let (both, one) = (database.ring_service("ES256,EdDSA"), database.ring_service("ES256"));
        let mut ring = both.begin().await.unwrap().ring;
        let begun = ring.revision;
        let hours = 24 * 30;
        for _ in 0..hours {
            database.pass(3_600);
            for service in [&one, &both] {
                let (after, failed) = service.take_due_steps(ring, &[]).await;
                assert!(failed.is_none(), "{failed:?}");
                ring = after;
            }
            assert_eq!(ring.signing().count(), 2);
            assert!(ring.keys.iter().all(|key| key.state == KeyState::Active));
        }
        let half_leads = hours * 3_600 / (one.schedule().lead() / 2);
        assert!(ring.revision - begun <= 2 * (half_leads + 1), "{} writes", ring.revision - begun);
    });
}
