//! The protection of a ring in a database: from an attacker who can write there, and beside a program of an earlier version.

use std::path::Path;
use std::sync::Arc;

use jose::{Algorithm, SigningKey};
use jwt_generator::clock::Clock;
use jwt_generator::domain::{Instance, KeyRecord, KeyState, RingRecord, Timestamp};
use jwt_generator::entropy::Entropy;
use jwt_generator::keys::custody::{
    Custody, CustodyError, RingFault, RingStore, Sealer, SealingError, StoredRing,
};
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{IfMissing, Stores};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::custody::{SEALING_KEY, custody, made, new_key, record, ring};
use super::rotation::token;
use crate::support::vault::Vault;
use crate::support::{Program, eventually, jwt_generator, refused, run};

const SETTINGS: [(&str, &str); 2] = [("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A ring in SQLite, and an attacker who writes to its table.
struct Stored {
    folder: TempDir,
    custody: Custody,
    runtime: Runtime,
}

impl Stored {
    /// Two keys: one signs, one verifies.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (custody, runtime) = (custody(folder.path(), &SETTINGS), Runtime::new().unwrap());
        let stored = Self { folder, custody, runtime };
        stored.runtime.block_on(async {
            let keys = vec![
                made(&stored.custody, KeyState::Active).await,
                made(&stored.custody, KeyState::Retired).await,
            ];
            let ring = RingRecord { lag: 3, ..ring(1, keys) };
            assert!(
                stored.custody.ring_store().replace_if(None, &ring).await.unwrap().or_unwritable().unwrap()
            );
        });
        stored
    }

    fn load(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.runtime.block_on(self.custody.ring_store().load())
    }

    /// The ring as a process reads it that starts now.
    fn load_anew(&self) -> Result<Option<RingRecord>, CustodyError> {
        self.runtime.block_on(custody(self.folder.path(), &SETTINGS).ring_store().load())
    }

    fn document(&self) -> Value {
        document(self.folder.path())
    }

    fn put(&self, document: &Value) {
        put(self.folder.path(), document);
    }
}

fn database(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("data/jwt-generator.db")).unwrap()
}

fn document(folder: &Path) -> Value {
    let text: String = database(folder).query_row("SELECT record FROM rings", [], |row| row.get(0)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn put(folder: &Path, document: &Value) {
    let revision = document["revision"].as_i64().unwrap_or(1);
    let changed = database(folder)
        .execute("UPDATE rings SET record = ?1, revision = ?2", (document.to_string(), revision))
        .unwrap();
    assert_eq!(changed, 1);
}

/// The changes that an attacker can make to a member: another value of its type, removal, or the value of another record.
fn alterations(value: &Value) -> Vec<Value> {
    let mut others = match value {
        Value::String(text) => vec![json!(format!("{text}x")), json!("")],
        Value::Number(number) => vec![json!(number.as_u64().unwrap() + 1), json!(0)],
        Value::Bool(is) => vec![json!(!is)],
        Value::Array(items) => {
            let reversed: Vec<_> = items.iter().rev().cloned().collect();
            let repeated: Vec<_> = items.iter().chain(items).cloned().collect();
            vec![json!([]), json!(reversed), json!(repeated), json!(["more"])]
        }
        Value::Object(_) => vec![json!({}), json!({ "name": "us" })],
        Value::Null => vec![json!(1)],
    };
    others.retain(|other| other != value);
    others
}

/// Every member of the ring and of a record, those that this program does not know among them, replaced, taken away and
/// added: a document that is not what was written is not used. (Issue 11, rows 1.2 and 1.3: seals covered some members only.)
#[test]
fn a_ring_that_was_altered_in_any_member_is_refused() {
    let stored = Stored::new();
    let sound = stored.document();
    assert!(!sound.to_string().contains("PRIVATE"), "what is stored is sealed");
    let mut altered = Vec::new();
    for place in ["", "/keys/0", "/keys/1"] {
        let members = sound.pointer(place).unwrap().as_object().unwrap().clone();
        for (member, value) in &members {
            for other in alterations(value) {
                let mut document = sound.clone();
                document.pointer_mut(place).unwrap()[member] = other.clone();
                altered.push((format!("{place}/{member} is {other}"), document));
            }
            let mut document = sound.clone();
            document.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(member);
            altered.push((format!("{place}/{member} is not there"), document));
        }
        for added in ["revoked_at", "retired_at", "removes_at", "moved", "adopted", "unknown"] {
            if members.contains_key(added) {
                continue;
            }
            let mut document = sound.clone();
            document.pointer_mut(place).unwrap()[added] = match added {
                "moved" => json!({ "to": "directory", "until": 1 }),
                "adopted" => json!(true),
                _ => json!(1),
            };
            altered.push((format!("{place}/{added} is added"), document));
        }
    }
    assert!(altered.len() > 80, "{}", altered.len());
    for (what, document) in altered {
        stored.put(&document);
        let loaded = stored.load_anew();
        let refused = matches!(loaded, Err(CustodyError::Sealing(_) | CustodyError::Ring(_)));
        assert!(refused, "{what}: {loaded:?}");
    }
    stored.put(&sound);
    assert_eq!(stored.load_anew().unwrap().unwrap().keys.len(), 2);
}

/// Databases and drivers may change the order of members. The ring is still valid then.
#[test]
fn the_order_of_members_alters_nothing() {
    let stored = Stored::new();
    let Value::Object(sound) = stored.document() else { panic!("no object") };
    let turned: Vec<_> = sound.iter().rev().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    let text = format!("{{{}}}", turned.join(","));
    database(stored.folder.path()).execute("UPDATE rings SET record = ?1", [text]).unwrap();
    assert_eq!(stored.load_anew().unwrap().unwrap().keys.len(), 2);
}

/// Issue 11, row 1.3: one old sealed record, spliced into the ring of today, revived a key that was revoked.
#[test]
fn an_old_record_in_the_ring_of_today_revives_no_key() {
    let stored = Stored::new();
    let before = stored.document();
    stored.runtime.block_on(async {
        let mut ring = stored.custody.ring_store().load().await.unwrap().unwrap();
        let revoked = &mut ring.keys[1];
        (revoked.state, revoked.home, revoked.revoked_at) = (KeyState::Removed, None, Some(NOW));
        ring.revision = 2;
        assert!(
            stored.custody.ring_store().replace_if(Some(1), &ring).await.unwrap().or_unwritable().unwrap()
        );
    });
    let mut spliced = stored.document();
    spliced["keys"][1] = before["keys"][1].clone();
    stored.put(&spliced);
    for loaded in [stored.load(), stored.load_anew()] {
        assert!(matches!(loaded, Err(CustodyError::Sealing(SealingError::RingAltered))), "{loaded:?}");
    }
}

/// A process that has read a newer ring does not accept an older one, even if the older one was valid.
#[test]
fn a_ring_of_a_lower_revision_than_was_seen_is_refused() {
    let stored = Stored::new();
    let before = stored.document();
    stored.runtime.block_on(async {
        let ring = stored.custody.ring_store().load().await.unwrap().unwrap();
        let newer = RingRecord { revision: 2, ..ring };
        assert!(
            stored.custody.ring_store().replace_if(Some(1), &newer).await.unwrap().or_unwritable().unwrap()
        );
    });
    stored.put(&before);
    let told = stored.load().unwrap_err();
    assert!(matches!(told, CustodyError::Ring(RingFault::Older { revision: 1, seen: 2, .. })), "{told}");
    // What SECURITY.md says: a process that starts later cannot know.
    assert_eq!(stored.load_anew().unwrap().unwrap().revision, 1);
}

/// A running server logs it, and continues with the ring that it knows.
#[test]
fn a_server_under_which_an_older_ring_is_put_back_says_so_and_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [&SETTINGS[..], &[("KEY_REFRESH", "1s"), ("JWT_ALGORITHM", "ES256")]].concat();
    let program = Program::start(folder.path(), &settings);
    let client = program.client();
    let before = document(folder.path());
    run(jwt_generator(folder.path()).envs(settings.iter().copied()).args(["keys", "rotate"]));
    let keys = |count: usize| {
        (client.get("/api/jwks").ok()["keys"].as_array().unwrap().len() == count).then_some(())
    };
    eventually("the server has seen the next key", || keys(2));
    put(folder.path(), &before);
    eventually("the log tells of it", || {
        let told = program.log().contains("an older ring was put back");
        told.then_some(())
    });
    assert_eq!(keys(2), Some(()));
    assert_eq!(client.get("/readyz").ok()["failing"], json!(["ring"]), "an operator sees it, too");
    assert!(token(&program.client()).is_some(), "continues with the keys that it knows");
}

/// Issue 11, row 1.2: a row in the database added a key that verified forged tokens, if keys were in Vault
/// and no `KEY_ENCRYPTION_KEY` was set. Such a start is refused, with the remedy; with one, the added key is.
#[test]
fn a_key_that_is_written_into_the_database_verifies_nothing() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let (url, vault_token) = (vault.url(), vault.token(0, false));
    let in_vault = [
        ("KEY_CUSTODY", "vault"),
        ("VAULT_ADDR", url.as_str()),
        ("VAULT_TOKEN", vault_token.as_str()),
        ("JWT_ALGORITHM", "ES256"),
    ];
    let told = refused(jwt_generator(folder.path()).envs(in_vault).env("PORT", "0"), 2);
    assert!(told.contains("KEY_ENCRYPTION_KEY") && told.contains("`keys secret` makes one"), "{told}");
    let sealed = [&in_vault[..], &[("KEY_ENCRYPTION_KEY", SEALING_KEY)]].concat();
    let program = Program::start(folder.path(), &sealed);
    let honest = program.client().get("/api/jwks").body;
    program.stop();
    let foreign = SigningKey::generate(Algorithm::Es256, 0).unwrap();
    let foreign = record(new_key("foreign", foreign.verifying_key(), None), KeyState::Retired);
    let sound = document(folder.path());
    let mut added = sound.clone();
    added["keys"].as_array_mut().unwrap().push(serde_json::to_value(foreign).unwrap());
    put(folder.path(), &added);
    let told = refused(jwt_generator(folder.path()).envs(sealed.clone()).env("PORT", "0"), 1);
    assert!(told.contains("the ring of keys in the database has been altered"), "{told}");
    put(folder.path(), &sound);
    assert_eq!(Program::start(folder.path(), &sealed).client().get("/api/jwks").body, honest);
}

/// A ring on a store of its own, with a clock that the test moves.
struct Versions {
    _folder: TempDir,
    stores: Stores,
    clock: Clock,
    runtime: Runtime,
}

impl Versions {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores::of(Sqlite::open(folder.path(), IfMissing::Create).unwrap());
        Self { _folder: folder, stores, clock: Clock::manual(NOW), runtime: Runtime::new().unwrap() }
    }

    /// The ring as a process of this version sees it.
    fn this(&self) -> StoredRing {
        let sealer = Arc::new(Sealer::parse(SEALING_KEY).unwrap());
        let (rings, instances) = (Arc::clone(&self.stores.rings), Arc::clone(&self.stores.instances));
        StoredRing::new(rings, instances, sealer, self.clock.clone(), Entropy::System)
    }

    /// The heartbeat of a program of the earlier version, which does not say what it can read.
    fn earlier_program_is_alive(&self) {
        let heartbeat = json!({
            "id": "earlier", "custody": "database", "signs": "t", "verifies": ["t"],
            "at": self.clock.now().as_secs(),
        });
        let heartbeat: Instance = serde_json::from_value(heartbeat).unwrap();
        let noted = self.stores.instances.record_instance(&heartbeat);
        self.runtime.block_on(noted).unwrap();
    }

    fn stored(&self) -> RingRecord {
        self.runtime.block_on(self.stores.rings.find_ring()).unwrap().unwrap()
    }

    /// What the earlier version does with the ring: it refuses a version that it does not know, opens no record that it
    /// does not change, keeps members that it does not know, and writes the next revision.
    fn earlier_program_writes(&self) -> Result<RingRecord, u32> {
        let found = self.stored();
        if found.version > 1 {
            return Err(found.version);
        }
        let next = RingRecord { revision: found.revision + 1, lead: found.lead + 1, ..found.clone() };
        assert!(
            self.runtime.block_on(self.stores.rings.replace_ring_if(Some(found.revision), &next)).unwrap()
        );
        Ok(next)
    }

    fn this_program_writes(&self, ring: &StoredRing) {
        self.runtime.block_on(async {
            let found = ring.load().await.unwrap().unwrap();
            let next = RingRecord { revision: found.revision + 1, lag: found.lag + 1, ..found.clone() };
            assert!(ring.replace_if(Some(found.revision), &next).await.unwrap().or_unwritable().unwrap());
        });
    }
}

pub(super) fn key() -> KeyRecord {
    let key = SigningKey::generate(Algorithm::Es256, 0).unwrap();
    let home = jwt_generator::domain::Home::new("pem", &key.to_pkcs8_pem().unwrap());
    let public = key.verifying_key();
    record(new_key(&public.thumbprint(), public, Some(home)), KeyState::Active)
}

/// L9: both versions run side by side, with upgrades and downgrades, until `keys reseal` makes that impossible.
#[test]
fn l9_two_versions_share_a_ring_until_it_is_authenticated() {
    let versions = Versions::new();
    versions.earlier_program_is_alive();
    let (one, other) = (versions.this(), versions.this());
    let begun = versions.runtime.block_on(one.replace_if(None, &ring(1, vec![key()])));
    assert!(begun.unwrap().or_unwritable().unwrap());
    assert_eq!(versions.stored().version, 1, "a program is running that could not read another form");
    for _ in 0..3 {
        assert!(versions.earlier_program_writes().is_ok(), "back");
        versions.this_program_writes(&one);
        assert!(versions.earlier_program_writes().is_ok(), "and back again");
        versions.this_program_writes(&other);
    }
    assert!(
        !versions.stored().rest.contains_key("mac"),
        "nothing that the earlier program would keep and not renew"
    );

    // Resealing waits for the earlier program.
    let resealed = versions.runtime.block_on(one.reseal(&[])).unwrap().unwrap();
    assert_eq!((resealed.keys, resealed.waits_for.len()), (1, 1));
    assert!(versions.earlier_program_writes().is_ok());
    versions.clock.set(NOW.plus_secs(Instance::SILENCE_SECS + 1));
    let resealed = versions.runtime.block_on(other.reseal(&[])).unwrap().unwrap();
    assert_eq!((resealed.keys, resealed.waits_for.len()), (1, 0));

    // From here on the earlier version refuses the ring, and does not write it.
    assert_eq!(versions.earlier_program_writes(), Err(2));
    versions.this_program_writes(&one);
    versions.this_program_writes(&other);
    assert_eq!(versions.stored().version, 2);
}

/// A process that has read an authenticated ring accepts no ring without authentication, whatever its revision is.
#[test]
fn an_authenticated_ring_is_not_turned_back_into_one_that_is_not() {
    let versions = Versions::new();
    versions.earlier_program_is_alive();
    let ring_of_old = versions.this();
    assert!(
        versions
            .runtime
            .block_on(ring_of_old.replace_if(None, &ring(1, vec![key()])))
            .unwrap()
            .or_unwritable()
            .unwrap()
    );
    let before = versions.stored();
    versions.clock.set(NOW.plus_secs(Instance::SILENCE_SECS + 1));
    versions.runtime.block_on(ring_of_old.reseal(&[])).unwrap().unwrap();
    let put_back = RingRecord { revision: 9, ..before };
    assert!(versions.runtime.block_on(versions.stores.rings.replace_ring_if(Some(2), &put_back)).unwrap());
    let loaded = versions.runtime.block_on(ring_of_old.load());
    assert!(matches!(loaded, Err(CustodyError::Sealing(SealingError::RingAltered))), "{loaded:?}");
}

/// A ring that begins is authenticated from its first revision on.
#[test]
fn a_ring_that_begins_is_authenticated() {
    let versions = Versions::new();
    let this = versions.this();
    assert!(
        versions
            .runtime
            .block_on(this.replace_if(None, &ring(1, vec![key()])))
            .unwrap()
            .or_unwritable()
            .unwrap()
    );
    let stored = versions.stored();
    assert!(stored.version == 2 && stored.rest.contains_key("mac"), "{stored:?}");
}

/// A ring that an attacker wrote, of the form that has no code: the key of the attacker is active and has no seal.
fn planted(stored: &Stored) -> Value {
    let mut planted = stored.document();
    planted["version"] = json!(1);
    planted["revision"] = json!(planted["revision"].as_u64().unwrap() + 100);
    planted.as_object_mut().unwrap().remove("mac");
    planted["keys"] = json!([key()]);
    planted
}

/// Seen in a review of this protection: `keys reseal` sealed what an attacker had written, and said that all was well.
#[test]
fn resealing_seals_no_key_without_a_seal_unless_it_is_named() {
    let stored = Stored::new();
    let planted = planted(&stored);
    stored.put(&planted);
    let kid = planted["keys"][0]["kid"].as_str().unwrap();
    let settings = [&SETTINGS[..], &[("JWT_ALGORITHM", "ES256")]].concat();
    let reseal = |arguments: &[&str]| {
        let mut command = jwt_generator(stored.folder.path());
        command.envs(settings.iter().copied()).args(["keys", "reseal"]).args(arguments);
        command
    };
    for arguments in [&[][..], &["--accept-unsealed", "another"]] {
        let told = refused(&mut reseal(arguments), 1);
        assert!(told.contains(&format!("the record of key {kid} in the database is not sealed")), "{told}");
        assert_eq!(stored.document(), planted, "nothing was written");
    }
    // An operator who set KEY_ENCRYPTION_KEY for a ring that had none names each key.
    let resealed = reseal(&["--accept-unsealed", kid]).output().unwrap();
    assert!(resealed.status.success(), "{resealed:?}");
    let told = String::from_utf8(resealed.stdout).unwrap();
    assert!(told.contains(&format!("{kid} had no seal and was accepted; its thumbprint is {kid}")), "{told}");
    assert!(told.contains("The ring is authenticated as a whole."), "{told}");
    let log = String::from_utf8(resealed.stderr).unwrap();
    let event = log.lines().find(|line| line.contains("the keys of the ring are sealed anew")).unwrap();
    assert!(event.contains(kid), "{log}");
}

/// A ring without a code and without a sealed key contains nothing that shows its origin.
#[test]
fn an_empty_ring_that_is_not_authenticated_is_refused() {
    let stored = Stored::new();
    let mut empty = planted(&stored);
    empty["keys"] = json!([]);
    stored.put(&empty);
    let loaded = stored.load_anew();
    assert!(matches!(loaded, Err(CustodyError::Sealing(SealingError::RingAltered))), "{loaded:?}");
}

/// Another ring with the same sealing key: a new ring, or a ring that continued from an older copy.
#[test]
fn another_ring_in_the_place_of_the_one_that_was_seen_is_refused() {
    let stored = Stored::new();
    let first = stored.document();
    let other = Stored::new();
    assert_eq!(first["revision"], other.document()["revision"]);
    stored.put(&other.document());
    assert!(matches!(stored.load(), Err(CustodyError::Ring(RingFault::Other(_)))), "of the same revision");
    let go_on = |stored: &Stored, lead: u64| {
        stored.runtime.block_on(async {
            let custody = custody(stored.folder.path(), &SETTINGS);
            let ring = custody.ring_store().load().await.unwrap().unwrap();
            let (seen, next) = (ring.revision, RingRecord { revision: ring.revision + 1, lead, ..ring });
            assert!(
                custody.ring_store().replace_if(Some(seen), &next).await.unwrap().or_unwritable().unwrap()
            );
        });
    };
    go_on(&stored, 7);
    assert!(matches!(stored.load(), Err(CustodyError::Ring(RingFault::Other(_)))), "of a higher revision");
    stored.put(&first);
    assert!(stored.load().is_ok());
    go_on(&stored, 8);
    assert!(stored.load().is_ok(), "the same ring goes on");
    stored.put(&first);
    go_on(&stored, 9);
    assert!(
        matches!(stored.load(), Err(CustodyError::Ring(RingFault::Other(_)))),
        "from an older copy, of the same revision"
    );
}

/// Seen: a higher revision in the row beside the document made every step fail, and the log did not say so.
#[test]
fn a_row_that_does_not_fit_its_document_is_an_error_and_not_an_endless_race() {
    let stored = Stored::new();
    database(stored.folder.path()).execute("UPDATE rings SET revision = revision + 1000", []).unwrap();
    let told = stored.load().unwrap_err().to_string();
    assert!(told.contains("its revision is 1, and the row says 1001"), "{told}");
}

/// A number that does not read as it is written would make a ring that its own code does not fit.
#[test]
fn a_member_that_would_not_come_back_is_not_written() {
    let stored = Stored::new();
    stored.runtime.block_on(async {
        let mut ring = stored.custody.ring_store().load().await.unwrap().unwrap();
        ring.revision = 2;
        // The number that this reader makes of the text.
        let odd: Vec<f64> = (1..2_000).map(|n| f64::from(n) * 0.1 + 1e-9 / f64::from(n)).collect();
        ring.rest.insert("odd".to_owned(), json!(odd));
        match stored.custody.ring_store().replace_if(Some(1), &ring).await {
            Err(CustodyError::Sealing(SealingError::Unstable)) => {}
            written => {
                assert!(written.unwrap().or_unwritable().unwrap());
                assert_eq!(
                    stored.custody.ring_store().load().await.unwrap(),
                    Some(ring),
                    "what is written comes back"
                );
            }
        }
    });
}

/// Seen: a heartbeat with a wrong time was valid for ever, so no ring was authenticated any more.
#[test]
fn a_heartbeat_from_the_future_says_nothing() {
    let versions = Versions::new();
    versions.clock.set(NOW.plus_secs(86_400));
    versions.earlier_program_is_alive();
    versions.clock.set(NOW);
    let this = versions.this();
    assert!(
        versions
            .runtime
            .block_on(this.replace_if(None, &ring(1, vec![key()])))
            .unwrap()
            .or_unwritable()
            .unwrap()
    );
    assert_eq!(versions.stored().version, 2);
}
