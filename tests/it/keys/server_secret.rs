//! The server secret: it is made once, is the same for all instances, is kept beside the private keys, and is never shown.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use jwt_generator::app::{self, IfMissing};
use jwt_generator::clock::Clock;
use jwt_generator::config::{Config, Sources};
use jwt_generator::domain::{Instance, RingRecord, ServerSecretRecord, Timestamp};
use jwt_generator::entropy::Entropy;
use jwt_generator::keys::RingService;
use jwt_generator::keys::custody::{CustodyError, RingStore, Sealer, SealingError, StoredRing};
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{Rings, Stores};
use serde_json::{Value, json};

use super::custody::{SEALING_KEY, ring};
use super::folder::as_unprivileged_user_with;
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, mongod, refused, run, set_mode};

const OTHER_KEY: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=";
const GIVEN: &str = "a server secret that an operator gave";
const IN_DATABASE: [(&str, &str); 2] = [("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
const QUICK: [(&str, &str); 3] = [("JWT_ALGORITHM", "ES256"), ("BCRYPT_ROUNDS", "4"), ("KEY_REFRESH", "1s")];

/// What a command prints with `--json`.
#[track_caller]
fn told(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Value {
    let mut command = jwt_generator(folder);
    command
        .envs(QUICK)
        .envs(settings.iter().copied())
        .env("LOG_LEVEL", "error")
        .args(arguments)
        .arg("--json");
    serde_json::from_str(&run(&mut command)).unwrap()
}

/// The lines of `keys list` about the server secret.
#[track_caller]
fn listed(folder: &Path, settings: &[(&str, &str)]) -> Value {
    told(folder, settings, &["keys", "list"])["server_secret"].clone()
}

#[track_caller]
fn fingerprints(folder: &Path, settings: &[(&str, &str)]) -> Vec<String> {
    serde_json::from_value(listed(folder, settings)["fingerprints"].clone()).unwrap()
}

fn start(folder: &Path, settings: &[(&str, &str)]) -> Program {
    Program::start(folder, &[&QUICK, settings].concat())
}

fn ring_service(folder: &Path, settings: &[(&str, &str)]) -> RingService {
    let (keys, data) = (folder.join("keys"), folder.join("data"));
    let usual = [("KEYS_DIR", keys.to_str().unwrap()), ("DATA_DIR", data.to_str().unwrap())];
    let environment = usual.iter().chain(&QUICK).chain(settings);
    let environment = environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::read(&Sources::read(environment, folder).unwrap()).unwrap();
    let stores = app::open_stores(&config, IfMissing::Create, &Entropy::System).unwrap();
    app::open_ring_service(&config, &stores, Clock::System).unwrap()
}

/// Returns when `program` has read the ring again: its key set has the name `alias` then.
fn read_anew(folder: &Path, program: &Program, alias: &str) {
    let path = folder.join("keys/ring.json");
    let mut ring: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    ring["revision"] = json!(ring["revision"].as_u64().unwrap() + 1);
    ring["keys"][0]["aliases"] = json!([alias]);
    let next = folder.join("next.json");
    fs::write(&next, ring.to_string()).unwrap();
    set_mode(&next, 0o644);
    fs::rename(next, path).unwrap();
    eventually("the ring is read again", || {
        program.client().get("/api/jwks").text().contains(alias).then_some(())
    });
}

/// Each instance opens the custody by itself, begins the ring and makes the secret.
#[test]
fn instances_that_start_at_the_same_moment_have_the_same_secret() {
    let uri = mongod::new_database();
    let in_mongodb = [("MONGODB_URI", uri.as_str()), ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
    for settings in [&[][..], &IN_DATABASE, &in_mongodb] {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let secrets = runtime.block_on(async {
            let instances: Vec<_> = (0..6).map(|_| ring_service(folder.path(), settings)).collect();
            let starts = instances.into_iter().map(|instance| {
                tokio::spawn(async move {
                    instance.begin().await.unwrap();
                    instance.keep_server_secret(&Entropy::System).await.unwrap().unwrap()
                })
            });
            join_all(starts).await
        });
        let secrets: Vec<_> = secrets.into_iter().map(|secret| secret.unwrap().expose().to_owned()).collect();
        assert!(secrets.iter().all(|secret| *secret == secrets[0]), "{settings:?}");
    }
}

#[test]
fn a_first_start_keeps_the_secret_in_a_file_for_its_owner_alone() {
    let folder = folder_with_keys();
    assert_eq!(listed(folder.path(), &[]), Value::Null, "a command that reads makes none");
    let (_, log) = start(folder.path(), &[]).stop();
    let file = folder.path().join("keys/server-secret");
    let secret = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = fingerprints(folder.path(), &[]);
    assert!(log.contains("server secret loaded") && log.contains(&first[0]), "{log}");
    let text = run(jwt_generator(folder.path()).envs(QUICK).args(["keys", "list"]));
    assert!(text.contains(&format!("(fingerprint {})", first[0])), "{text}");
    let ring = fs::read_to_string(folder.path().join("keys/ring.json")).unwrap();
    for shown in [log, text, ring] {
        assert!(!shown.contains(secret.trim()), "{shown}");
    }
    drop(start(folder.path(), &[]));
    assert_eq!(fingerprints(folder.path(), &[]), first, "it outlives a restart");
    assert_eq!(
        fingerprints(folder.path(), &[("SERVER_SECRET", secret.trim())]),
        first,
        "the file is the setting"
    );
}

#[test]
fn a_secret_that_is_lost_is_made_anew_and_the_log_says_so() {
    let folder = folder_with_keys();
    let program = start(folder.path(), &[]);
    let first = fingerprints(folder.path(), &[]);
    fs::remove_file(folder.path().join("keys/server-secret")).unwrap();
    eventually("another one is made", || {
        program.log().contains("the server secret has changed").then_some(())
    });
    assert_ne!(fingerprints(folder.path(), &[]), first);
    program.client().demo_token(&json!({}));
}

/// The warning of a start about another secret, with the fingerprints.
fn warning_of_another(log: &str) -> Option<&str> {
    log.lines().find(|line| line.contains("the server secret has changed"))
}

/// Seen: only a process that had used the former secret itself warned.
#[test]
fn a_secret_that_is_lost_or_changed_between_two_starts_brings_one_warning() {
    let folder = folder_with_keys();
    let file = folder.path().join("keys/server-secret");
    let (_, log) = start(folder.path(), &[]).stop();
    assert_eq!(warning_of_another(&log), None);
    let lost = || fs::remove_file(&file).unwrap();
    let changed = || fs::write(&file, GIVEN).unwrap();
    for change in [&lost as &dyn Fn(), &changed] {
        let before = fingerprints(folder.path(), &[]);
        change();
        let (_, log) = start(folder.path(), &[]).stop();
        let now = fingerprints(folder.path(), &[]);
        let warning = warning_of_another(&log).unwrap();
        assert!(warning.contains(&before[0]) && warning.contains(&now[0]), "{warning}");
        assert!(warning.contains("SERVER_SECRET=kept,FORMER"), "{warning}");
        assert_ne!(before, now);
        let (_, log) = start(folder.path(), &[]).stop();
        assert_eq!(warning_of_another(&log), None, "it is the usual one now");
    }
}

/// A ring of a program that wrote no fingerprint has it from the next start on.
#[test]
fn a_ring_without_a_fingerprint_gets_it_and_brings_no_warning() {
    let folder = folder_with_keys();
    drop(start(folder.path(), &[]));
    let path = folder.path().join("keys/ring.json");
    let read = || serde_json::from_str::<Value>(&fs::read_to_string(&path).unwrap()).unwrap();
    let mut ring = read();
    let fingerprint = ring.as_object_mut().unwrap().remove("server_secret_fingerprint").unwrap();
    assert_eq!(json!([fingerprint]), listed(folder.path(), &[])["fingerprints"]);
    fs::write(&path, ring.to_string()).unwrap();
    let (_, log) = start(folder.path(), &[]).stop();
    assert_eq!(warning_of_another(&log), None);
    assert_eq!(read()["server_secret_fingerprint"], fingerprint);
}

/// Seen: each of these refused the start and every `keys` command, even if SERVER_SECRET was set.
#[test]
fn a_file_that_holds_no_secret_takes_no_key_out_of_service() {
    let folder = folder_with_keys();
    let (file, given) = (folder.path().join("keys/server-secret"), [("SERVER_SECRET", GIVEN)]);
    let write = |bytes: &[u8]| fs::write(&file, bytes).unwrap();
    let (empty, short, binary) = (|| write(b""), || write(b"short\n"), || write(&[0xff; 40]));
    let (dangling, nested) = (|| symlink("/nonexistent", &file).unwrap(), || fs::create_dir(&file).unwrap());
    for (spoil, cause) in [
        (&empty as &dyn Fn(), "it has fewer than 32 bytes"),
        (&short, "it has fewer than 32 bytes"),
        (&binary, "it is not text"),
        (&dangling, "it is a dangling link"),
        (&nested, "it is not a regular file"),
    ] {
        let _ = fs::remove_file(&file);
        spoil();
        let program = start(folder.path(), &[]);
        program.client().demo_token(&json!({}));
        let reason = format!("keys/server-secret holds no server secret: {cause}; restore it from a backup");
        let (_, log) = program.stop();
        assert_eq!(log.matches(&reason).count(), 1, "{log}");
        assert!(listed(folder.path(), &[])["fault"].as_str().unwrap().contains(&reason));
        told(folder.path(), &[], &["keys", "rotate", "--now", "--yes"]);
        assert_eq!(listed(folder.path(), &given)["fault"], Value::Null);
        let (_, log) = start(folder.path(), &given).stop();
        assert!(!log.contains("holds no server secret"), "{log}");
        assert!(!fs::read(&file).is_ok_and(|text| text.len() > 40), "nothing is written over it");
    }
}

#[test]
fn a_secret_that_others_can_read_brings_a_warning() {
    let folder = folder_with_keys();
    drop(start(folder.path(), &[]));
    set_mode(&folder.path().join("keys/server-secret"), 0o644);
    let (_, log) = start(folder.path(), &[]).stop();
    assert_eq!(
        log.matches("server-secret can be read by others (mode 0644): chmod 600 it").count(),
        1,
        "{log}"
    );
}

/// If the folder is mounted read-only, the secret is made as soon as the folder can be written.
#[test]
fn a_folder_that_cannot_be_written_has_a_secret_later() {
    let folder = folder_with_keys();
    drop(start(folder.path(), &[]));
    let file = folder.path().join("keys/server-secret");
    fs::remove_file(&file).unwrap();
    set_mode(folder.path(), 0o755);
    for entry in fs::read_dir(folder.path().join("keys")).unwrap() {
        set_mode(&entry.unwrap().path(), 0o644);
    }
    set_mode(&folder.path().join("keys"), 0o555);
    let settings = [&QUICK[..], &[("SKIP_DATABASE", "true")]].concat();
    let program = Program::spawn(&mut as_unprivileged_user_with(folder.path(), &settings)).unwrap();
    program.client().demo_token(&json!({}));
    for alias in ["first-look", "second-look", "third-look"] {
        read_anew(folder.path(), &program, alias);
    }
    let log = program.log();
    assert_eq!(log.matches("there is no server secret yet").count(), 1, "{log}");
    assert!(!file.exists(), "{log}");
    set_mode(&folder.path().join("keys"), 0o777);
    eventually("it is made", || file.exists().then_some(()));
}

#[test]
fn a_database_holds_the_secret_sealed_and_reseal_seals_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path(), &IN_DATABASE));
    let first = fingerprints(folder.path(), &IN_DATABASE);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let secret = runtime.block_on(ring_service(folder.path(), &IN_DATABASE).load());
    let secret = secret.unwrap().unwrap().server_secret.unwrap();
    let store = Sqlite::open(&folder.path().join("data"), IfMissing::Refuse).unwrap();
    let stored = runtime.block_on(store.find_ring()).unwrap().unwrap().server_secret.unwrap();
    assert_eq!(stored.home.scheme(), "sealed");
    assert!(!stored.home.expose().contains(secret.expose()));

    let both = format!("{OTHER_KEY},{SEALING_KEY}");
    let both = [("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", both.as_str())];
    told(folder.path(), &both, &["keys", "reseal"]);
    let other = [("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", OTHER_KEY)];
    assert_eq!(fingerprints(folder.path(), &other), first);
}

#[test]
fn the_secret_moves_with_the_keys_and_is_in_a_backup() {
    let folder = folder_with_keys();
    drop(start(folder.path(), &[]));
    let first = fingerprints(folder.path(), &[]);
    let sealing = [("KEY_ENCRYPTION_KEY", SEALING_KEY)];
    told(folder.path(), &sealing, &["keys", "move", "--to", "database"]);
    assert_eq!(fingerprints(folder.path(), &IN_DATABASE), first);

    for (name, settings) in [("of-files", &[][..]), ("of-database", &IN_DATABASE)] {
        let copy = folder.path().join(name);
        told(folder.path(), settings, &["backup", copy.to_str().unwrap()]);
        let restored = tempfile::tempdir().unwrap();
        fs::create_dir(restored.path().join("data")).unwrap();
        fs::copy(copy.join("jwt-generator.db"), restored.path().join("data/jwt-generator.db")).unwrap();
        if copy.join("keys").exists() {
            fs::rename(copy.join("keys"), restored.path().join("keys")).unwrap();
        }
        assert_eq!(fingerprints(restored.path(), settings), first, "{name}");
    }
}

#[test]
fn what_is_set_counts_and_kept_names_the_one_beside_the_keys() {
    let folder = folder_with_keys();
    let given = [("SERVER_SECRET", GIVEN)];
    let (_, log) = start(folder.path(), &given).stop();
    let set = fingerprints(folder.path(), &given);
    assert!(log.contains(&set[0]) && !log.contains(GIVEN), "{log}");
    assert!(!folder.path().join("keys/server-secret").exists(), "none is made that is not used");
    drop(start(folder.path(), &[]));
    let kept = fingerprints(folder.path(), &[]);
    let both = format!("{GIVEN},kept");
    assert_eq!(fingerprints(folder.path(), &[("SERVER_SECRET", &both)]), [set.clone(), kept].concat());
    assert_eq!(fingerprints(folder.path(), &given), set);
    let mut short = jwt_generator(folder.path());
    let told = refused(short.env("SERVER_SECRET", "too-short-to-keep").args(["config", "check"]), 2);
    assert!(
        told.contains("SERVER_SECRET=(hidden) (from the environment): must be 32 bytes or more"),
        "{told}"
    );
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The ring of `stores`, as a process sees it that starts now with these sealing keys.
fn stored_ring(stores: &Stores, sealing_keys: &str) -> StoredRing {
    StoredRing::new(
        Arc::clone(&stores.rings),
        Arc::clone(&stores.instances),
        Arc::new(Sealer::parse(sealing_keys).unwrap()),
        Clock::manual(NOW),
        Entropy::System,
    )
}

/// A ring in SQLite that a program of the earlier version shares. That program seals each record, but not the document.
struct Shared {
    _folder: tempfile::TempDir,
    stores: Stores,
    stored: StoredRing,
}

impl Shared {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores::of(Sqlite::open(folder.path(), IfMissing::Create).unwrap());
        let now = NOW;
        let earlier =
            json!({ "id": "earlier", "custody": "database", "signs": "", "verifies": [], "at": now });
        let earlier: Instance = serde_json::from_value(earlier).unwrap();
        stores.instances.record_instance(&earlier).await.unwrap();
        let stored = stored_ring(&stores, SEALING_KEY);
        let secret = ServerSecretRecord::new(GIVEN, now);
        let key = super::protected_ring::key();
        let written = RingRecord { server_secret: Some(secret), ..ring(1, vec![key]) };
        assert!(stored.replace_if(None, &written).await.unwrap().or_unwritable().unwrap());
        Self { _folder: folder, stores, stored }
    }

    /// Writes the next revision of the stored document, with a change.
    async fn change(&self, change: impl FnOnce(&mut RingRecord)) {
        let mut found = self.stores.rings.find_ring().await.unwrap().unwrap();
        let seen = found.revision;
        found.revision += 1;
        change(&mut found);
        assert!(self.stores.rings.replace_ring_if(Some(seen), &found).await.unwrap());
    }
}

#[tokio::test]
async fn a_program_of_the_earlier_version_keeps_the_secret_of_a_ring_that_it_writes() {
    let shared = Shared::new().await;
    assert_eq!(shared.stores.rings.find_ring().await.unwrap().unwrap().version, RingRecord::VERSION);
    shared.change(|ring| ring.lead += 1).await;
    let found = shared.stored.load().await.unwrap().unwrap();
    assert_eq!(found.server_secret.unwrap().expose(), GIVEN);
}

/// A program of an earlier version seals the keys anew and leaves the secret as it is. Seen: no program started on that.
#[tokio::test]
async fn a_secret_that_another_sealing_key_sealed_takes_no_key_out_of_service_and_stays() {
    let shared = Shared::new().await;
    let stored = async || shared.stores.rings.find_ring().await.unwrap().unwrap();
    let sealed = stored().await.server_secret.unwrap();
    let both = format!("{OTHER_KEY},{SEALING_KEY}");
    assert!(stored_ring(&shared.stores, &both).reseal(&[]).await.unwrap().is_some());
    shared.change(|ring| ring.server_secret = Some(sealed.clone())).await;

    let other = stored_ring(&shared.stores, OTHER_KEY);
    let found = other.load().await.unwrap().unwrap();
    let fault = found.server_secret_fault.as_ref().unwrap().to_string();
    let told = "the server secret was sealed with another KEY_ENCRYPTION_KEY";
    assert!(fault.starts_with(told) && fault.ends_with("or set SERVER_SECRET"), "{fault}");
    assert_eq!((found.server_secret.as_ref(), found.keys.len()), (None, 1));
    let (seen, next) = (found.revision, RingRecord { revision: found.revision + 1, ..found });
    assert!(other.replace_if(Some(seen), &next).await.unwrap().or_unwritable().unwrap());
    assert_eq!(stored().await.server_secret, Some(sealed));
    let found = stored_ring(&shared.stores, &both).load().await.unwrap().unwrap();
    assert_eq!(found.server_secret.unwrap().expose(), GIVEN);
}

#[tokio::test]
async fn a_secret_that_was_altered_in_the_database_is_refused_with_all_of_the_ring() {
    let other = Shared::new().await.stores.rings.find_ring().await.unwrap().unwrap().server_secret.unwrap();
    for alter in [
        (|ring, other| ring.server_secret = Some(other)) as fn(&mut RingRecord, ServerSecretRecord),
        |ring, other| {
            let secret = ring.server_secret.as_mut().unwrap();
            *secret = ServerSecretRecord { made_at: other.made_at.plus_secs(1), ..secret.clone() };
        },
        |ring, _| ring.server_secret = Some(ServerSecretRecord::new(GIVEN, Timestamp::from_secs(0))),
    ] {
        let shared = Shared::new().await;
        shared.change(|ring| alter(ring, other.clone())).await;
        let loaded = shared.stored.load().await;
        assert!(matches!(loaded, Err(CustodyError::Sealing(SealingError::SecretAltered))), "{loaded:?}");
    }
}
