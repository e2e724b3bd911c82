//! Keys that change every few seconds under load, and keys that change over simulated months.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use http::Method;
use jwt_generator::clock::Clock;
use serde_json::{Value, json};

use super::custody::SEALING_KEY;
use crate::support::{Client, Program, Service, Strict, eventually};

/// A key signs for eight seconds and is published five before.
pub const QUICK: [(&str, &str); 10] = [
    ("JWKS_MAX_AGE", "1s"),
    ("VERIFIER_CACHE", "0"),
    ("CLOCK_SKEW", "0"),
    ("KEY_REFRESH", "1s"),
    ("KEY_ROTATION", "8s"),
    ("JWT_EXPIRATION", "3s"),
    ("MAX_TOKEN_LIFETIME", "3s"),
    ("JWT_ALGORITHM", "ES256"),
    ("BCRYPT_ROUNDS", "4"),
    ("KEY_BITS", "2048"),
];

pub fn now() -> u64 {
    Clock::System.now().as_secs()
}

pub fn kid_of(token: &str) -> String {
    let (header, _) = jose::decode_unverified(token).unwrap();
    serde_json::from_str::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// A token, if the server gives one.
pub fn token(client: &Client) -> Option<String> {
    let answer = client.try_send(Method::POST, "/api/token/generate", &[], "").ok()?;
    (answer.status == 200).then(|| answer.json()["data"]["access_token"].as_str().unwrap().to_owned())
}

/// Runs until `keys` keys have signed and one was removed. The strictest verifiers must accept each token.
fn rotates(folder: &Path, settings: &[(&str, &str)], keys: usize) {
    let settings = [&QUICK[..], settings].concat();
    let program = Program::start(folder, &settings);
    let client = program.client();
    let mut verifiers =
        [Strict::new(client.base(), Duration::ZERO), Strict::new(client.base(), Duration::ZERO)];
    let (mut signed, mut count) = (BTreeSet::new(), 0);
    eventually("keys have come and gone", || {
        for _ in 0..50 {
            let token = token(&client).unwrap_or_else(|| panic!("no token:\n{}", program.log()));
            for verifier in &mut verifiers {
                let checked = verifier.check(&token, now());
                checked.unwrap_or_else(|refused| panic!("{refused}\n{}", program.log()));
            }
            assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
            signed.insert(kid_of(&token));
            count += 1;
        }
        let info = client.get("/api/key-info").ok();
        let gone = info["data"]["keys"].as_array().unwrap().iter().any(|key| key["status"] == "removed");
        (signed.len() >= keys && gone).then_some(())
    });
    println!("{count} tokens of {} keys", signed.len());
}

#[test]
fn every_token_is_verifiable_while_keys_change_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    rotates(folder.path(), &[("SKIP_DATABASE", "true")], 3);
    // The active key is in the files in which the original looks for it.
    let private = std::fs::read_to_string(folder.path().join("keys/private-key.pem")).unwrap();
    let ring: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("keys/ring.json")).unwrap())
            .unwrap();
    let active = ring["keys"].as_array().unwrap().iter().find(|key| key["state"] == "active").unwrap();
    let name = active["home"].as_str().unwrap().strip_prefix("file:").unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("keys").join(name)).unwrap(), private);
    let public = std::fs::read_to_string(folder.path().join("keys/public-key.pem")).unwrap();
    assert_eq!(active["public"], public);
    for key in ring["keys"].as_array().unwrap().iter().filter(|key| key["state"] == "removed") {
        let file = format!("keys/key-{}.pem", key["kid"].as_str().unwrap());
        assert!(!folder.path().join(&file).exists(), "{file} should be destroyed");
    }
}

#[test]
fn every_token_is_verifiable_while_keys_change_in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    rotates(folder.path(), &[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)], 3);
    assert!(!folder.path().join("keys").exists(), "nothing of it is in KEYS_DIR");
}

fn states(client: &Client) -> Vec<String> {
    let info = client.get("/api/key-info").ok();
    let keys = info["data"]["keys"].as_array().unwrap();
    keys.iter().map(|key| key["status"].as_str().unwrap().to_owned()).collect()
}

const DAY: u64 = 86_400;

#[test]
fn months_pass_and_each_key_is_known_before_it_signs_and_stays_while_its_tokens_live() {
    let service =
        Service::with(&[("KEY_ROTATION", "30d"), ("KEY_REFRESH", "1s"), ("MAX_TOKEN_LIFETIME", "24h")]);
    let client = service.anonymous();
    let passes = |token: &str| client.post("/api/token/validate", &json!({ "token": token })).status == 200;
    let old = client.demo_token(&json!({ "expiresIn": "24h" }));
    // The key of the original is older than a period, so its successor is published at once, and becomes active later.
    eventually("the next key is published", || (states(&client) == ["active", "published"]).then_some(()));
    assert_eq!(kid_of(&client.demo_token(&json!({}))), "default-key-id");
    assert_eq!(client.get("/api/jwks").ok()["keys"].as_array().unwrap().len(), 2);
    service.at(DAY);
    assert_eq!(states(&client), ["active", "published"], "a day is less than the lead");
    service.at(2 * DAY);
    eventually("the next key signs", || (states(&client) == ["retired", "active"]).then_some(()));
    let new = client.demo_token(&json!({ "expiresIn": "24h" }));
    assert_ne!(kid_of(&new), "default-key-id");
    assert!(passes(&new) && !passes(&old), "the old token has expired, and its key is still there");
    assert_eq!(client.get("/api/jwks").ok()["keys"].as_array().unwrap().len(), 2);
    service.at(4 * DAY);
    eventually("the old key leaves", || (states(&client) == ["removed", "active"]).then_some(()));
    assert_eq!(client.get("/api/jwks").ok()["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn a_clock_that_jumps_a_year_ahead_and_back_skips_nothing_and_undoes_nothing() {
    let service = Service::with(&[("KEY_ROTATION", "30d"), ("KEY_REFRESH", "1s")]);
    let client = service.anonymous();
    eventually("the next key is published", || (states(&client) == ["active", "published"]).then_some(()));
    service.at(365 * DAY);
    eventually("it signs", || (states(&client) == ["retired", "active"]).then_some(()));
    let token = client.demo_token(&json!({}));
    service.at(0);
    let kid = kid_of(&client.demo_token(&json!({})));
    assert_eq!(kid, kid_of(&token), "what has signed signs on");
    assert_eq!(states(&client), ["retired", "active"]);
    // A token from the year with the wrong clock expires after the planned removal of its key, so the key stays longer.
    service.at(365 * DAY);
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
}

#[test]
fn another_algorithm_is_published_first_and_the_old_key_signs_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let with = |algorithm: &'static str| {
        let mut settings: Vec<_> = QUICK.into_iter().filter(|(name, _)| *name != "JWT_ALGORITHM").collect();
        settings.extend([("JWT_ALGORITHM", algorithm), ("SKIP_DATABASE", "true"), ("KEY_ROTATION", "off")]);
        Program::start(folder.path(), &settings)
    };
    let first = with("EdDSA");
    let kid = kid_of(&token(&first.client()).unwrap());
    first.stop();
    let second = with("ES256");
    let client = second.client();
    assert_eq!(kid_of(&token(&client).unwrap()), kid, "the old key signs on");
    let mut strict = Strict::new(client.base(), Duration::ZERO);
    let kinds = eventually("the new key signs", || {
        let token = token(&client).unwrap();
        strict.check(&token, now()).unwrap();
        (kid_of(&token) != kid).then(|| client.get("/api/key-info").ok())
    });
    assert_eq!(kinds["data"]["alg"], "ES256");
}
