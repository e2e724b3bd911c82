//! The answers to probes: `/startupz` and `/readyz`, and the commands that ask them. Seen before: a service that could not
//! load its keys passed every probe, so a broken release replaced a good one (issue 11, row 2.1).

use std::path::Path;

use serde_json::{Value, json};

use crate::keys::custody::SEALING_KEY;
use crate::support::mongod::{ReplicaSet, free_port};
use crate::support::vault::{Vault, VaultFault};
use crate::support::{
    Answer, Client, Fault, Program, Proxy, Service, eventually, folder_with_keys, jwt_generator, refused, run,
};

fn started() -> (u16, Value) {
    (200, json!({ "status": "started" }))
}

fn not_started(reason: &str) -> (u16, Value) {
    (503, json!({ "status": "not started", "reason": reason }))
}

fn ready() -> (u16, Value) {
    (200, json!({ "status": "ready" }))
}

fn not_ready(reason: &str) -> (u16, Value) {
    (503, json!({ "status": "not ready", "reason": reason }))
}

#[track_caller]
fn told(answer: &Answer) -> (u16, Value) {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    (answer.status, answer.json())
}

fn startup(client: &Client) -> (u16, Value) {
    told(&client.get("/startupz"))
}

fn readiness(client: &Client) -> (u16, Value) {
    told(&client.get("/readyz"))
}

/// Keys in MongoDB at `uri`. Caches keep key sets for so short a time that the service stops publishing them
/// five seconds after its last read of the ring.
fn with_keys_in_mongo(folder: &Path, uri: &str) -> Program {
    let settings = [
        ("MONGODB_URI", uri),
        ("KEY_CUSTODY", "database"),
        ("KEY_ENCRYPTION_KEY", SEALING_KEY),
        ("JWT_ALGORITHM", "ES256"),
        ("KEY_REFRESH", "1s"),
        ("JWKS_MAX_AGE", "1s"),
        ("VERIFIER_CACHE", "0"),
        ("CLOCK_SKEW", "0"),
    ];
    Program::start(folder, &settings)
}

/// A key in the transit engine of `vault`, and the ring in a folder.
fn with_key_in_vault(folder: &Path, vault: &Vault) -> Program {
    let (url, token) = (vault.url(), vault.token(0, false));
    let settings = [
        ("SKIP_DATABASE", "true"),
        ("KEY_CUSTODY", "vault"),
        ("VAULT_ADDR", url.as_str()),
        ("VAULT_TOKEN", token.as_str()),
        ("JWT_ALGORITHM", "ES256"),
        ("KEY_REFRESH", "1s"),
    ];
    Program::start(folder, &settings)
}

#[test]
fn a_service_with_its_keys_has_started_and_is_ready() {
    let service = Service::start();
    let client = service.anonymous();
    assert_eq!(startup(&client), started());
    assert_eq!(readiness(&client), ready());
    for path in ["/startupz", "/readyz"] {
        let head = client.send(http::Method::HEAD, path, &[], "");
        assert_eq!((head.status, head.header("cache-control"), head.body.len()), (200, Some("no-store"), 0));
    }
}

#[test]
fn a_service_that_cannot_reach_its_keys_has_not_started_and_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let program = with_keys_in_mongo(folder.path(), &format!("mongodb://127.0.0.1:{}/none", free_port()));
    let client = program.client();
    assert_eq!(client.get("/health").status, 200, "the process lives");
    assert_eq!(startup(&client), not_started("the keys are not loaded"));
    assert_eq!(readiness(&client), not_ready("the keys are not loaded"));
}

#[test]
fn a_database_that_falls_silent_later_takes_readiness_away_only_with_the_key_set() {
    let set = ReplicaSet::start(1);
    let proxy = Proxy::before(set.address(0));
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("mongodb://{}/probes?directConnection=true", proxy.address());
    let program = with_keys_in_mongo(folder.path(), &uri);
    let client = program.client();
    assert_eq!((startup(&client), readiness(&client)), (started(), ready()));

    proxy.set(Fault::Cut);
    eventually("no token is signed any more", || {
        (client.get("/health").ok()["signing"] == false).then_some(())
    });
    let lost = eventually("the key set is not given out any more", || {
        let (before, jwks, after) = (readiness(&client), client.get("/api/jwks"), readiness(&client));
        assert!(before == ready() || jwks.status == 503, "not ready, though the key set is given out");
        assert!(jwks.status == 200 || after != ready(), "ready, though the key set is not given out");
        (after != ready()).then_some(after)
    });
    assert_eq!(lost, not_ready("the keys were read too long ago"));
    assert_eq!(startup(&client), started(), "a process that has started stays started");

    proxy.set(Fault::None);
    eventually("it is ready again", || (readiness(&client) == ready()).then_some(()));
}

#[test]
fn a_vault_that_falls_silent_or_refuses_later_leaves_the_instance_ready() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = with_key_in_vault(folder.path(), &vault);
    let client = program.client();
    eventually("the key has signed", || (startup(&client) == started()).then_some(()));
    for fault in [VaultFault::Sealed, VaultFault::HangsUp, VaultFault::Denies, VaultFault::OtherKey] {
        vault.fail(fault);
        assert_ne!(client.post("/api/token/generate", &json!({})).status, 200, "{fault:?}");
        assert_eq!((startup(&client), readiness(&client)), (started(), ready()), "{fault:?}");
        assert_eq!(client.get("/api/jwks").status, 200, "{fault:?}");
        vault.fail(VaultFault::None);
    }
}

#[test]
fn a_service_has_not_started_while_its_signer_refuses() {
    let (trouble, misfit) =
        ("Vault refuses or does not answer", "the custody's signature does not fit its key");
    for (fault, logged) in [
        (VaultFault::Denies, trouble),
        (VaultFault::OtherKey, misfit),
        (VaultFault::OtherVersion, "the signature of another version, or with none"),
    ] {
        let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
        drop(with_key_in_vault(folder.path(), &vault));
        vault.fail(fault);
        let program = with_key_in_vault(folder.path(), &vault);
        let client = program.client();
        eventually("Vault was asked, and did not sign", || program.log().contains(logged).then_some(()));
        assert_eq!(startup(&client), not_started("the active key cannot sign yet"), "{fault:?}");
        assert_eq!(readiness(&client), ready(), "what is known is published: {fault:?}");
        vault.fail(VaultFault::None);
        eventually("it signs", || (startup(&client) == started()).then_some(()));
    }
}

/// Nothing else publishes the key set then.
#[test]
fn a_service_without_others_starts_while_its_signer_does_not_answer() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    drop(with_key_in_vault(folder.path(), &vault));
    vault.fail(VaultFault::Sealed);
    let program = with_key_in_vault(folder.path(), &vault);
    let client = program.client();
    eventually("it has started", || (startup(&client) == started()).then_some(()));
    assert_eq!(client.get("/health").ok()["signing"], false);
    assert_eq!((readiness(&client), client.get("/api/jwks").status), (ready(), 200));
}

#[test]
fn a_service_whose_private_half_is_broken_has_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("SKIP_DATABASE", "true"), ("JWT_ALGORITHM", "ES256")];
    drop(Program::start(folder.path(), &settings));
    let entries = std::fs::read_dir(folder.path().join("keys")).unwrap().map(|entry| entry.unwrap().path());
    for path in entries.filter(|path| path.to_str().unwrap().contains("/key-")) {
        std::fs::write(path, "no key").unwrap();
    }
    let program = Program::start(folder.path(), &settings);
    let client = program.client();
    assert_eq!(startup(&client), not_started("the active key cannot sign yet"));
    assert_eq!(readiness(&client), ready());
}

#[test]
fn what_the_probes_are_told_is_an_exit_code() {
    let folder = folder_with_keys();
    let check = |base: &str, question: &str| {
        let mut command = jwt_generator(folder.path());
        command.args(["healthcheck", "--url", base, question]);
        command
    };
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true")]);
    let base = program.client().base().to_owned();
    assert_eq!(run(&mut check(&base, "--started")), "started\n");
    assert_eq!(run(&mut check(&base, "--ready")), "ready\n");
    let told = run(check(&base, "--ready").arg("--json"));
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), json!({ "status": "ready" }));
    refused(check(&base, "--ready").arg("--database"), 2);

    let elsewhere = tempfile::tempdir().unwrap();
    let lost = with_keys_in_mongo(elsewhere.path(), &format!("mongodb://127.0.0.1:{}/none", free_port()));
    let base = lost.client().base().to_owned();
    for (question, sentence) in [
        ("--started", "the server has not started: the keys are not loaded"),
        ("--ready", "the server is not ready: the keys are not loaded"),
    ] {
        let told = refused(&mut check(&base, question), 1);
        assert!(told.contains(sentence), "{told}");
    }
    drop(lost);
    let told = refused(&mut check(&base, "--ready"), 1);
    assert!(told.contains("cannot fetch"), "{told}");
}
