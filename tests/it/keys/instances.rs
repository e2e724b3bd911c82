//! Several instances on one MongoDB share one ring, also if some are killed, stopped, cut off or slow.

use std::collections::BTreeSet;

use mongodb::bson::{Document, doc};
use serde_json::json;
use tempfile::TempDir;

use super::custody::{SEALING_KEY, custody};
use super::rotation::{QUICK, kid_of, token};
use crate::support::mongod::{self, ReplicaSet, on_database};
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, refused, run};

pub fn in_database(uri: &str) -> Vec<(&'static str, String)> {
    let quick = QUICK.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let mut settings: Vec<_> = quick.collect();
    settings.extend([("MONGODB_URI", uri.to_owned()), ("KEY_ENCRYPTION_KEY", SEALING_KEY.to_owned())]);
    settings
}

pub fn start(folder: &TempDir, settings: &[(&'static str, String)]) -> Program {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Program::start(folder.path(), &settings)
}

/// The ring as it is stored.
pub fn stored(uri: &str) -> Document {
    let found = on_database(uri, async |database| {
        database.collection::<Document>("signing_rings").find_one(doc! { "_id": "ring" }).await
    });
    found.unwrap().unwrap()
}

#[test]
fn ten_instances_that_start_at_once_begin_one_ring() {
    let uri = mongod::new_database();
    let folder = tempfile::tempdir().unwrap();
    // Not the quick schedule: on a busy machine, ten starts take longer than its keys and tokens live.
    let settings: Vec<_> = in_database(&uri)
        .into_iter()
        .filter(|(name, _)| {
            ["MONGODB_URI", "KEY_ENCRYPTION_KEY", "JWT_ALGORITHM", "BCRYPT_ROUNDS"].contains(name)
        })
        .collect();
    let programs: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..10).map(|_| scope.spawn(|| start(&folder, &settings))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let sets: BTreeSet<_> = programs.iter().map(|program| program.client().get("/api/jwks").body).collect();
    assert_eq!(sets.len(), 1);
    for one in &programs {
        let token = eventually("each instance signs", || token(&one.client()));
        for other in &programs {
            assert_eq!(other.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
        }
    }
}

#[test]
fn instances_with_keys_of_their_own_on_one_database_are_refused_while_another_lives() {
    let uri = mongod::new_database();
    let (one, two) = (folder_with_keys(), tempfile::tempdir().unwrap());
    let settings = [("MONGODB_URI", uri.as_str()), ("BCRYPT_ROUNDS", "4")];
    let first = Program::start(one.path(), &settings);
    let told = refused(jwt_generator(two.path()).envs(settings).env("PORT", "0"), 1);
    assert!(
        told.contains("another instance on this database signs with a key that this one does not have"),
        "{told}"
    );
    assert!(
        told.contains("KEY_ENCRYPTION_KEY") && told.contains("its keys: directory; ours: directory"),
        "{told}"
    );
    let same = Program::start(one.path(), &settings);
    same.stop();
    // The same keys in the database do not count as other keys.
    let sealed = [settings[0], settings[1], ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
    drop(Program::start(one.path(), &sealed));
    first.stop();
}

#[test]
fn what_a_newer_version_wrote_survives_an_older_one() {
    let uri = mongod::new_database();
    let folder = tempfile::tempdir().unwrap();
    let settings = in_database(&uri);
    let program = start(&folder, &settings);
    program.stop();
    // A newer program writes members that this one does not know.
    let mut settings_of_newer: Vec<_> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings_of_newer.retain(|(name, _)| *name != "PORT");
    let newer = custody(folder.path(), &settings_of_newer);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut ring = newer.ring_store().load().await.unwrap().unwrap();
        let seen = ring.revision;
        ring.revision += 1;
        ring.rest.insert("region".to_owned(), json!({ "name": "eu", "peers": ["us", "ap"] }));
        ring.keys[0].rest.insert("pinned".to_owned(), json!(true));
        assert!(newer.ring_store().replace_if(Some(seen), &ring).await.unwrap().or_unwritable().unwrap());
    });
    let before = stored(&uri)
        .get_i64("revision")
        .unwrap_or_else(|_| i64::from(stored(&uri).get_i32("revision").unwrap()));
    let mut rotate = jwt_generator(folder.path());
    rotate
        .envs(settings.iter().map(|(name, value)| (*name, value.as_str())))
        .args(["keys", "rotate", "--now", "--yes"]);
    run(&mut rotate);
    let after = stored(&uri);
    assert_eq!(after.get_document("region").unwrap(), &doc! { "name": "eu", "peers": ["us", "ap"] });
    assert!(after.get_array("keys").unwrap()[0].as_document().unwrap().get_bool("pinned").unwrap());
    assert!(after.get_i64("revision").unwrap() > before);
}

#[test]
fn a_database_that_goes_leaves_tokens_alone_until_another_key_could_sign() {
    let mut set = ReplicaSet::start(1);
    let uri = set.uri("keys");
    let folder = tempfile::tempdir().unwrap();
    let mut settings = in_database(&uri);
    settings.retain(|(name, _)| *name != "KEY_ROTATION");
    settings.push(("KEY_ROTATION", "off".to_owned()));
    let program = start(&folder, &settings);
    let client = program.client();
    let held = token(&client).unwrap();
    set.kill_member(0);
    // The lead is five seconds and the staleness four: the key continues to sign for a while, and the key set
    // ages.
    let mut aged = false;
    eventually("it stops signing, for another instance might have changed the key", || {
        if let Some(token) = token(&client) {
            let set = client.get("/api/jwks");
            aged |= set.header("cache-control") == Some("public, max-age=0");
            assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
            return None;
        }
        Some(())
    });
    let refused = client.post("/api/token/generate", &json!({}));
    refused.is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert!(aged, "the key set is given out with less and less time to keep it");
    client.get("/api/jwks").is_refused(
        503,
        "keys_unavailable",
        "The keys are unavailable; try again shortly",
    );
    let health = client.get("/health").ok();
    assert_eq!((&health["signing"], &health["database_connected"]), (&json!(false), &json!(false)));
    client.post("/api/token/validate", &json!({ "token": held })).refuses_token("expired");
    set.start_member(0);
    eventually("it signs again", || token(&client));
    assert_eq!(client.get("/health").ok()["signing"], true);
    assert_eq!(client.get("/api/jwks").header("cache-control"), Some("public, max-age=1"));
}

#[test]
fn a_database_that_is_down_at_the_start_is_waited_for() {
    let mut set = ReplicaSet::start(1);
    let uri = set.uri("keys");
    let folder = tempfile::tempdir().unwrap();
    let settings = in_database(&uri);
    let first = start(&folder, &settings);
    let kid = kid_of(&token(&first.client()).unwrap());
    first.stop();
    set.kill_member(0);
    let program = start(&folder, &settings);
    let client = program.client();
    for path in ["/api/jwks", "/api/public-key", "/api/key-info"] {
        client.get(path).is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    }
    let answer = client.post("/api/token/validate", &json!({ "token": "a.b.c" }));
    answer.is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    assert_eq!(client.get("/health").ok()["signing"], false);
    set.start_member(0);
    let token = eventually("it signs", || token(&client));
    let kids: Vec<_> = client.get("/api/jwks").ok()["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].clone())
        .collect();
    assert!(kids.contains(&json!(kid)) && kids.contains(&json!(kid_of(&token))), "{kids:?}");
}
