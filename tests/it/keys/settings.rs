//! Settings with which tokens could not be verified are refused. Settings that can wait take effect later.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::custody::SEALING_KEY;
use super::rotation::QUICK;
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, refused, run, set_mode};

fn command(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = jwt_generator(folder);
    command.envs(settings.iter().copied()).env("LOG_LEVEL", "error").args(arguments);
    command
}

fn told(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Value {
    let text = run(command(folder, settings, arguments).arg("--json"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub fn secs(instant: &Value) -> u64 {
    use time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(instant.as_str().unwrap(), &Rfc3339).unwrap().unix_timestamp() as u64
}

#[test]
fn a_period_shorter_than_the_lead_is_refused_with_the_arithmetic() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["serve"][..], &["keys", "list"], &["config", "check"]] {
        let settings = [("KEY_ROTATION", "1d"), ("SKIP_DATABASE", "true"), ("PORT", "0")];
        let code = if arguments[0] == "config" { 2 } else { 1 };
        let told = refused(&mut command(folder.path(), &settings, arguments), code);
        let says = "JWKS_MAX_AGE 86400 + VERIFIER_CACHE 7200 + clock skew 60 + staleness 60";
        assert!(told.contains(says) && told.contains("make KEY_ROTATION longer"), "{told}");
    }
}

#[test]
fn a_key_of_the_original_stays_and_the_log_says_how_it_would_not() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    assert!(program.log().contains("KEY_ROTATION=30d replaces it every 30 days"), "{}", program.log());
    drop(program);
    assert_eq!(told(folder.path(), &[], &["keys", "plan"])["period"], Value::Null);
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true"), ("KEY_ROTATION", "60d")]);
    assert!(!program.log().contains("KEY_ROTATION=30d"));
    drop(program);
    let fresh = tempfile::tempdir().unwrap();
    let program = Program::start(fresh.path(), &[("SKIP_DATABASE", "true")]);
    assert!(!program.log().contains("KEY_ROTATION=30d"));
    assert_eq!(told(fresh.path(), &[], &["keys", "plan"])["period"], 30 * 86_400);
}

/// The first key of every fresh ring was `default-key-id`, so that after a lost volume verifiers kept the lost key for the
/// new one's tokens (issue 11, row 1.10).
#[test]
fn in_production_a_new_first_key_is_named_by_its_thumbprint_and_all_else_is_as_it_was() {
    let first_key = |folder: &Path, settings: &[(&str, &str)]| {
        let program = Program::start(folder, &[&[("SKIP_DATABASE", "true")], settings].concat());
        let jwks = program.client().get("/api/jwks").ok();
        let key = jose::Jwk::from_json(&jwks["keys"][0].to_string()).unwrap();
        let public = jose::VerifyingKey::from_jwk_for(jose::Algorithm::Rs256, &key).unwrap();
        (jwks["keys"][0]["kid"].as_str().unwrap().to_owned(), public.thumbprint())
    };
    let production = ("NODE_ENV", "production");
    let fresh = |settings: &[(&str, &str)]| first_key(tempfile::tempdir().unwrap().path(), settings);
    let (kid, thumbprint) = fresh(&[production]);
    assert_eq!(kid, thumbprint);
    assert_ne!(fresh(&[production]).0, kid, "a ring that begins anew");
    assert_eq!(fresh(&[production, ("KEY_ID", "mine")]).0, "mine");
    assert_eq!(fresh(&[production, ("KEY_ID", "default-key-id")]).0, "default-key-id");
    assert_eq!(fresh(&[]).0, "default-key-id");
    assert_eq!(
        first_key(folder_with_keys().path(), &[production]).0,
        "default-key-id",
        "a key that is found"
    );
}

#[test]
fn what_was_served_under_a_longer_max_age_is_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &[], &["keys", "generate"]);
    let short = [("JWKS_MAX_AGE", "10s"), ("VERIFIER_CACHE", "0"), ("SKIP_DATABASE", "true")];
    // The server records that caches may keep earlier answers for more than a day.
    drop(Program::start(folder.path(), &short));
    let plan = told(folder.path(), &short, &["keys", "plan"]);
    let day = 86_400;
    assert!(secs(&plan["kept_until"]) > super::rotation::now() + day, "{plan}");
    assert_eq!(plan["lead"], 10 + 60 + 60);
    told(folder.path(), &short, &["keys", "rotate"]);
    let list = told(folder.path(), &short, &["keys", "list"]);
    assert_eq!(secs(&list["keys"][1]["activates_at"]), secs(&plan["kept_until"]));
}

#[test]
fn the_key_set_says_what_the_settings_say_and_less_if_the_ring_was_held_to_less() {
    let folder = tempfile::tempdir().unwrap();
    let short = [("JWKS_MAX_AGE", "100s"), ("VERIFIER_CACHE", "0"), ("SKIP_DATABASE", "true")];
    let program = Program::start(folder.path(), &short);
    assert_eq!(program.client().get("/api/jwks").header("cache-control"), Some("public, max-age=100"));
    program.stop();
    let long = [("JWKS_MAX_AGE", "200s"), ("VERIFIER_CACHE", "0"), ("SKIP_DATABASE", "true")];
    let program = Program::start(folder.path(), &long);
    assert_eq!(program.client().get("/api/jwks").header("cache-control"), Some("public, max-age=200"));
    assert_eq!(told(folder.path(), &long, &["keys", "plan"])["lead"], 200 + 60 + 60);
}

#[test]
fn tokens_that_live_longer_find_room_before_they_are_signed() {
    let folder = tempfile::tempdir().unwrap();
    let carries = |settings: &[(&str, &str)]| {
        told(folder.path(), settings, &["keys", "list"])["keys"][0]["carries"].as_u64().unwrap()
    };
    told(folder.path(), &[], &["keys", "generate"]);
    assert_eq!(carries(&[]), 86_400);
    let longer = [("MAX_TOKEN_LIFETIME", "72h"), ("SKIP_DATABASE", "true")];
    let program = Program::start(folder.path(), &longer);
    program.client().demo_token(&json!({ "expiresIn": "72h" }));
    assert_eq!(carries(&longer), 72 * 3_600);
    // An operator may exceed the settings. The ring records it first, and keeps the key for that time.
    told(folder.path(), &longer, &["token", "mint", "--expires-in", "10y"]);
    assert_eq!(carries(&longer), 10 * 31_557_600);
    told(folder.path(), &longer, &["keys", "rotate", "--now", "--yes"]);
    let list = told(folder.path(), &longer, &["keys", "list"]);
    assert!(secs(&list["keys"][0]["removes_at"]) > super::rotation::now() + 10 * 31_557_000, "{list}");
}

#[test]
fn a_life_that_the_ring_cannot_make_room_for_is_503_and_no_token() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &[], &["keys", "generate"]);
    let keys = folder.path().join("keys");
    set_mode(folder.path(), 0o755);
    for file in std::fs::read_dir(&keys).unwrap() {
        set_mode(&file.unwrap().path(), 0o644);
    }
    set_mode(&keys, 0o555);
    let longer = [("MAX_TOKEN_LIFETIME", "72h"), ("SKIP_DATABASE", "true"), ("KEY_REFRESH", "1s")];
    let program =
        Program::spawn(&mut super::folder::as_unprivileged_user_with(folder.path(), &longer)).unwrap();
    let client = program.client();
    let answer = client.post("/api/token/generate", &json!({ "expiresIn": "72h" }));
    answer.is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    assert_eq!(answer.header("retry-after"), Some("5"));
    client.demo_token(&json!({ "expiresIn": "24h" }));
    assert!(program.log().contains("a step of the key schedule failed"), "{}", program.log());
    set_mode(&keys, 0o777);
    eventually("there is room", || {
        (client.post("/api/token/generate", &json!({ "expiresIn": "72h" })).status == 200).then_some(())
    });
}

#[test]
fn custodies_that_lack_something_are_refused_with_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, says) in [
        (
            &[("KEY_CUSTODY", "cellar")][..],
            "must be directory, database, aws-kms, aws-secrets-manager or vault",
        ),
        (&[("KEY_CUSTODY", "aws-secrets-manager")], "KEYS_SECRET is not set"),
        (&[("KEYS_SECRET", "no secret")], "must be the name or the ARN of a secret"),
        (&[("KEY_CUSTODY", "database")], "needs a KEY_ENCRYPTION_KEY to seal keys with"),
        (&[("KEY_ENCRYPTION_KEY", "c2hvcnQ=")], "must be 32 bytes in base64"),
        (
            &[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY), ("SKIP_DATABASE", "true")],
            "needs a database",
        ),
        (&[("KEY_CUSTODY", "vault")], "VAULT_ADDR is not set"),
        (&[("KEY_ROTATION", "sometimes")], "must be off, or a length of time"),
        (&[("KEY_REFRESH", "2h")], "from 1s to 1h"),
    ] {
        let told = refused(&mut command(folder.path(), settings, &["config", "check"]), 2);
        assert!(told.contains(says), "{says:?} is missing in: {told}");
        assert!(!told.contains(SEALING_KEY) && !told.contains("c2hvcnQ"), "{told}");
    }
}

#[test]
fn quick_settings_are_consistent() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &QUICK, &["keys", "generate"]);
    let plan = told(folder.path(), &QUICK, &["keys", "plan"]);
    assert_eq!((&plan["period"], &plan["lead"], &plan["retirement"]), (&json!(8), &json!(5), &json!(7)));
}
