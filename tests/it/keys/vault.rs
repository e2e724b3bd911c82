//! Keys in Vault's transit engine, with a double of Vault (`support/vault`): real HTTP, real signatures, and faults of the
//! connection.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::custody::SEALING_KEY;
use crate::support::client::registration;
use crate::support::vault::{Seen, Vault, VaultFault};
use crate::support::{Answer, Client, Program, eventually, jwt_generator, refused, repository};

/// The service as it is started here: its ring in a folder, its keys in Vault.
const USUAL: [(&str, &str); 4] =
    [("SKIP_DATABASE", "true"), ("KEY_CUSTODY", "vault"), ("JWT_ALGORITHM", "ES256"), ("KEY_REFRESH", "1s")];
const ES256_KEY: &str = "jwt-generator-ecdsa-p256";

fn start(folder: &Path, vault: &Vault, settings: &[(&str, &str)]) -> Program {
    let url = vault.url();
    Program::start(folder, &[&USUAL[..], &[("VAULT_ADDR", url.as_str())], settings].concat())
}

/// The service with a token that does not expire.
fn start_with_token(folder: &Path, vault: &Vault, settings: &[(&str, &str)]) -> Program {
    let token = vault.token(0, false);
    start(folder, vault, &[&[("VAULT_TOKEN", token.as_str())], settings].concat())
}

const APPROLE: [(&str, &str); 3] =
    [("VAULT_AUTH", "approle"), ("VAULT_ROLE_ID", Vault::ROLE_ID), ("VAULT_SECRET_ID", Vault::SECRET_ID)];

fn ask_token(client: &Client) -> Answer {
    client.post("/api/token/generate", &json!({}))
}

fn check(client: &Client, token: &str) -> Answer {
    client.post("/api/token/validate", &json!({ "token": token }))
}

/// A valid token.
#[track_caller]
fn sound_token(client: &Client) -> String {
    let token = client.demo_token(&json!({}));
    assert_eq!(check(client, &token).status, 200);
    token
}

#[track_caller]
fn has_no_keys(answer: &Answer) {
    answer.is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    assert!(answer.header("retry-after").is_some());
}

/// Waits until the log contains this text.
fn is_told(program: &Program, words: &str) {
    eventually(words, || program.log().contains(words).then_some(()));
}

fn kids(client: &Client) -> Vec<String> {
    let keys = client.get("/api/jwks").ok()["keys"].clone();
    keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn bodies<'a>(seen: &'a [Seen], path: &str) -> Vec<&'a Value> {
    seen.iter().filter(|seen| seen.method == "POST" && seen.path == path).map(|seen| &seen.body).collect()
}

/// All that the service has written.
fn written(folder: &Path) -> String {
    let names = fs::read_dir(folder.join("keys")).unwrap().map(|entry| entry.unwrap().path());
    names.map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn each_algorithm_is_signed_in_vault_and_its_key_never_leaves() {
    for (algorithm, bits, kind, order) in [
        (
            "RS256",
            "2048",
            "rsa-2048",
            json!({ "prehashed": true, "hash_algorithm": "sha2-256", "signature_algorithm": "pkcs1v15" }),
        ),
        (
            "RS256",
            "3072",
            "rsa-3072",
            json!({ "prehashed": true, "hash_algorithm": "sha2-256", "signature_algorithm": "pkcs1v15" }),
        ),
        (
            "PS256",
            "2048",
            "rsa-2048",
            json!({ "prehashed": true, "hash_algorithm": "sha2-256", "signature_algorithm": "pss", "salt_length": "hash" }),
        ),
        (
            "ES256",
            "2048",
            "ecdsa-p256",
            json!({ "prehashed": true, "hash_algorithm": "sha2-256", "marshaling_algorithm": "jws" }),
        ),
        ("EdDSA", "2048", "ed25519", json!({})),
    ] {
        let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
        let settings = [("JWT_ALGORITHM", algorithm), ("KEY_BITS", bits)];
        let program = start_with_token(folder.path(), &vault, &settings);
        let client = program.client();
        sound_token(&client);
        assert_eq!(client.get("/api/jwks").ok()["keys"][0]["alg"], algorithm);
        let jwks = client.get("/api/jwks").body;
        drop(program);
        let again = start_with_token(folder.path(), &vault, &settings);
        assert_eq!(again.client().get("/api/jwks").body, jwks, "the key is the one that was made");
        sound_token(&again.client());
        let name = format!("jwt-generator-{kind}");
        assert_eq!(vault.versions(&name), 1);
        let seen = vault.seen();
        let (create, sign) = (format!("transit/keys/{name}"), format!("transit/sign/{name}"));
        let made = json!({ "type": kind, "exportable": false, "allow_plaintext_backup": false });
        assert_eq!(bodies(&seen, &create), [&made]);
        for body in bodies(&seen, &sign) {
            let mut body = body.clone();
            let input = body.as_object_mut().unwrap().remove("input").unwrap();
            assert_eq!(body.as_object_mut().unwrap().remove("key_version"), Some(json!(1)));
            assert_eq!(body, order, "{algorithm}");
            assert!(
                algorithm == "EdDsa" || algorithm == "EdDSA" || input.as_str().unwrap().len() == 44,
                "a hash"
            );
        }
        let asked: BTreeSet<_> = seen.iter().map(|seen| seen.path.as_str()).collect();
        assert_eq!(asked, BTreeSet::from(["auth/token/lookup-self", &create, &sign]));
        assert!(seen.iter().all(|seen| seen.headers["x-vault-request"] == "true"));
        assert!(!written(folder.path()).contains("PRIVATE"));
    }
}

#[test]
fn three_ways_to_log_in() {
    let account = tempfile::NamedTempFile::new().unwrap();
    fs::write(account.path(), "eyJ.first.account\n").unwrap();
    let kubernetes = [
        ("VAULT_AUTH", "kubernetes"),
        ("VAULT_ROLE", Vault::ROLE),
        ("VAULT_JWT_FILE", account.path().to_str().unwrap()),
    ];
    let elsewhere =
        [&kubernetes[..], &[("VAULT_AUTH_MOUNT", "cluster-2"), ("VAULT_NAMESPACE", "team-a")]].concat();
    for (settings, path) in [
        (&APPROLE[..], "auth/approle/login"),
        (&kubernetes, "auth/kubernetes/login"),
        (&elsewhere, "auth/cluster-2/login"),
    ] {
        let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
        vault.trust_account("eyJ.first.account");
        let program = start(folder.path(), &vault, settings);
        sound_token(&program.client());
        assert_eq!(vault.count(path), 1, "one log-in is enough");
        let namespace = settings.iter().find(|(name, _)| *name == "VAULT_NAMESPACE").map(|(_, value)| *value);
        let seen = vault.seen();
        let named = |seen: &Seen| seen.headers.get("x-vault-namespace").map(String::as_str) == namespace;
        assert!(seen.iter().all(named));
    }
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    sound_token(&program.client());
    assert!(vault.seen().iter().all(|seen| !seen.path.ends_with("/login")));
}

#[test]
fn a_service_accounts_token_is_read_anew_at_each_log_in() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let account = folder.path().join("token");
    fs::write(&account, "eyJ.first.account").unwrap();
    vault.trust_account("eyJ.first.account");
    let program = start(
        folder.path(),
        &vault,
        &[
            ("VAULT_AUTH", "kubernetes"),
            ("VAULT_ROLE", Vault::ROLE),
            ("VAULT_JWT_FILE", account.to_str().unwrap()),
        ],
    );
    sound_token(&program.client());
    fs::write(&account, "eyJ.second.account").unwrap();
    vault.trust_account("eyJ.second.account");
    vault.revoke_tokens();
    sound_token(&program.client());
    assert_eq!(vault.count("auth/kubernetes/login"), 2);
}

#[test]
fn a_lease_is_renewed_in_time_whether_requests_come_or_not() {
    const RENEW: &str = "auth/token/renew-self";
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    vault.give_leases(6, true);
    let program = start(folder.path(), &vault, &APPROLE);
    eventually("it is renewed twice", || (vault.count(RENEW) >= 2).then_some(()));
    sound_token(&program.client());
    assert_eq!(vault.count("auth/approle/login"), 1);
    assert!(vault.seen().iter().all(|seen| seen.status < 400 || seen.status == 404), "no token was late");

    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let token = vault.token(6, true);
    let program = start(folder.path(), &vault, &[("VAULT_TOKEN", &token)]);
    eventually("a token that was given is renewed", || (vault.count(RENEW) >= 2).then_some(()));
    sound_token(&program.client());
}

#[test]
fn a_lease_that_cannot_be_renewed_is_followed_by_a_new_token() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    vault.give_leases(6, false);
    let program = start(folder.path(), &vault, &APPROLE);
    eventually("a third token", || (vault.count("auth/approle/login") >= 3).then_some(()));
    sound_token(&program.client());
    assert_eq!(vault.count("auth/token/renew-self"), 0);
    assert!(vault.seen().iter().all(|seen| seen.status < 400 || seen.status == 404), "no token was late");
}

#[test]
fn a_token_that_is_refused_is_replaced_and_the_request_is_met() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start(folder.path(), &vault, &APPROLE);
    let client = program.client();
    for logins in 2..6 {
        vault.revoke_tokens();
        let tokens: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| sound_token(&client))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 8);
        assert_eq!(vault.count("auth/approle/login"), logins, "one of many logs in");
    }
}

#[test]
fn a_policy_that_denies_is_no_reason_to_log_in_again_and_again() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start(folder.path(), &vault, &APPROLE);
    vault.fail(VaultFault::Denies);
    let begun = Instant::now();
    for _ in 0..20 {
        ask_token(&program.client()).is_refused(500, "internal", "Internal server error");
    }
    let most = 2 + begun.elapsed().as_secs() as usize / 5;
    assert!(vault.count("auth/approle/login") <= 1 + most);
    is_told(&program, "permission denied");
    vault.fail(VaultFault::None);
    sound_token(&program.client());
    let (_, log) = program.stop();
    assert_eq!(log.matches("Vault refuses or does not answer").count(), 1, "{log}");
}

#[test]
fn a_log_in_that_is_refused_is_not_tried_for_every_request() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let account = folder.path().join("token");
    fs::write(&account, "eyJ.account").unwrap();
    vault.trust_account("eyJ.account");
    let jwt_file = account.to_str().unwrap();
    let kubernetes =
        [("VAULT_AUTH", "kubernetes"), ("VAULT_ROLE", Vault::ROLE), ("VAULT_JWT_FILE", jwt_file)];
    let program = start(folder.path(), &vault, &kubernetes);
    vault.trust_account("eyJ.another");
    vault.revoke_tokens();
    let begun = Instant::now();
    for _ in 0..20 {
        ask_token(&program.client()).is_refused(500, "internal", "Internal server error");
    }
    let most = 1 + begun.elapsed().as_secs() as usize / 5;
    let refused = |seen: &Seen| seen.path == "auth/kubernetes/login" && seen.status == 403;
    assert!(vault.seen().into_iter().filter(refused).count() <= most);
    vault.trust_account("eyJ.account");
    eventually("it signs again", || (ask_token(&program.client()).status == 200).then_some(()));
}

#[test]
fn without_vault_nothing_is_signed_and_all_else_goes_on() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    let client = program.client();
    let token = sound_token(&client);
    let jwks = client.get("/api/jwks").body;
    for fault in [
        VaultFault::Sealed,
        VaultFault::StandsBy,
        VaultFault::Overloaded,
        VaultFault::HangsUp,
        VaultFault::Hangs,
    ] {
        vault.fail(fault);
        let begun = Instant::now();
        has_no_keys(&ask_token(&client));
        assert!(begun.elapsed() < Duration::from_secs(8), "{fault:?} took {:?}", begun.elapsed());
        assert_eq!(client.get("/api/jwks").body, jwks);
        assert_eq!(check(&client, &token).status, 200);
        assert_eq!(client.get("/health").status, 200);
        vault.fail(VaultFault::None);
        sound_token(&client);
    }
    assert_eq!(vault.versions(ES256_KEY), 1);
}

fn signs(client: &Client) -> bool {
    client.get("/health").ok()["signing"] == true
}

/// `/health` said `signing: true` for as long as the ring was known, though Vault was down (issue 11, row 1.9).
#[test]
fn health_tells_that_vault_does_not_sign_without_a_request_for_a_token() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    let client = program.client();
    assert!(signs(&client));
    for fault in [VaultFault::Sealed, VaultFault::HangsUp, VaultFault::Denies, VaultFault::OtherKey] {
        vault.fail(fault);
        eventually("a failure is told", || (!signs(&client)).then_some(()));
        vault.fail(VaultFault::None);
        eventually("it is told that Vault signs again", || signs(&client).then_some(()));
    }
    assert_eq!(vault.versions(ES256_KEY), 1);
}

#[test]
fn health_tells_at_once_that_a_token_could_not_be_signed() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[("KEY_REFRESH", "1h")]);
    let client = program.client();
    let signatures = || vault.seen().iter().filter(|seen| seen.path.starts_with("transit/sign/")).count();
    eventually("the trial of the start", || (signatures() == 1).then_some(()));
    vault.fail(VaultFault::Sealed);
    has_no_keys(&ask_token(&client));
    assert!(!signs(&client));
    vault.fail(VaultFault::None);
    sound_token(&client);
    assert!(signs(&client));
}

#[test]
fn many_requests_that_wait_for_a_vault_that_hangs_do_not_delay_others() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    let client = program.client();
    let token = sound_token(&client);
    vault.fail(VaultFault::Hangs);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..100).map(|_| scope.spawn(|| ask_token(&program.client()))).collect();
        while waiting.iter().any(|waiting| !waiting.is_finished()) {
            let begun = Instant::now();
            assert_eq!(check(&client, &token).status, 200);
            assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        }
        waiting.into_iter().for_each(|waiting| has_no_keys(&waiting.join().unwrap()));
    });
    vault.fail(VaultFault::None);
    eventually("tokens are signed again", || (ask_token(&client).status == 200).then_some(()));
}

#[test]
fn a_first_start_without_vault_listens_and_recovers() {
    for fault in [VaultFault::Sealed, VaultFault::HangsUp, VaultFault::Hangs] {
        let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
        vault.fail(fault);
        let program = start(folder.path(), &vault, &APPROLE);
        let client = program.client();
        let health = client.get("/health").ok();
        assert_eq!(health["signing"], false, "{fault:?}");
        has_no_keys(&ask_token(&client));
        has_no_keys(&client.get("/api/jwks"));
        vault.fail(VaultFault::None);
        eventually("it signs", || (client.get("/health").ok()["signing"] == true).then_some(()));
        sound_token(&client);
        assert_eq!(vault.versions(ES256_KEY), 1, "{fault:?}");
    }
}

#[test]
fn a_later_start_without_vault_serves_what_the_ring_knows() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    let token = sound_token(&program.client());
    let jwks = program.client().get("/api/jwks").body;
    drop(program);
    vault.fail(VaultFault::HangsUp);
    let program = start_with_token(folder.path(), &vault, &[]);
    let client = program.client();
    assert_eq!(client.get("/api/jwks").body, jwks);
    assert_eq!(check(&client, &token).status, 200);
    has_no_keys(&ask_token(&client));
    vault.fail(VaultFault::None);
    sound_token(&client);
}

/// Settings with which a key is made, used and removed in a few seconds.
const IN_SECONDS: [(&str, &str); 7] = [
    ("JWKS_MAX_AGE", "1s"),
    ("VERIFIER_CACHE", "0"),
    ("KEY_REFRESH", "1s"),
    ("CLOCK_SKEW", "0"),
    ("KEY_ROTATION", "8s"),
    ("JWT_EXPIRATION", "1s"),
    ("MAX_TOKEN_LIFETIME", "1s"),
];

#[test]
fn a_rotation_uses_the_next_version_and_never_makes_a_token_that_cannot_be_verified() {
    for old in [false, true] {
        let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
        if old {
            vault.be_old();
        }
        let first = start_with_token(folder.path(), &vault, &IN_SECONDS);
        let second = start_with_token(folder.path(), &vault, &IN_SECONDS);
        let (one, two) = (first.client(), second.client());
        let mut kids_that_signed = BTreeSet::new();
        let mut versions = BTreeSet::new();
        eventually("the second version has signed", || {
            for (signer, verifier) in [(&one, &two), (&two, &one)] {
                let answer = ask_token(signer);
                if answer.status == 200 {
                    let token = answer.json()["data"]["access_token"].as_str().unwrap().to_owned();
                    let checked = check(verifier, &token);
                    let expired = checked.text().contains("\"code\":\"expired\"");
                    assert!(checked.status == 200 || expired, "{}", checked.text());
                    let (header, _) = jose::decode_unverified(&token).unwrap();
                    let header: Value = serde_json::from_str(&header).unwrap();
                    kids_that_signed.insert(header["kid"].as_str().unwrap().to_owned());
                }
            }
            (kids_that_signed.len() >= 2).then_some(())
        });
        for body in bodies(&vault.seen(), &format!("transit/sign/{ES256_KEY}")) {
            versions.insert(body["key_version"].as_u64().unwrap());
        }
        assert!(versions.len() >= 2, "{versions:?}");
        let log = first.log() + &second.log();
        assert!(!log.contains("does not fit its key"), "{log}");
    }
}

#[test]
fn two_that_begin_at_once_have_one_key() {
    for _ in 0..5 {
        let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
        let [one, two] = std::thread::scope(|scope| {
            [(); 2]
                .map(|()| scope.spawn(|| start_with_token(folder.path(), &vault, &[])))
                .map(|started| started.join().unwrap())
        });
        let token = sound_token(&one.client());
        assert_eq!(check(&two.client(), &token).status, 200);
        assert_eq!(kids(&one.client()), kids(&two.client()));
    }
}

#[test]
fn the_ring_may_be_in_the_database() {
    let settings = [("SKIP_DATABASE", "false"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)];
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &settings);
    let token = sound_token(&program.client());
    drop(program);
    let program = start_with_token(folder.path(), &vault, &settings);
    assert_eq!(check(&program.client(), &token).status, 200);
    sound_token(&program.client());
    assert_eq!(vault.versions(ES256_KEY), 1);
}

#[test]
fn a_key_that_an_operator_made_is_used_from_its_next_version_on() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    vault.make_key(ES256_KEY, "ecdsa-p256");
    let program = start_with_token(folder.path(), &vault, &[]);
    sound_token(&program.client());
    assert_eq!(vault.versions(ES256_KEY), 2);
    let seen = vault.seen();
    assert_eq!(bodies(&seen, &format!("transit/sign/{ES256_KEY}"))[0]["key_version"], 2);
    assert_eq!(bodies(&seen, &format!("transit/keys/{ES256_KEY}")), Vec::<&Value>::new());
}

#[test]
fn a_signature_of_another_version_or_another_key_makes_no_token() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    let client = program.client();
    for (fault, told) in [
        (VaultFault::OtherVersion, "the signature of another version, or with none"),
        (VaultFault::OtherKey, "the custody's signature does not fit its key"),
        (VaultFault::Babbles, ""),
    ] {
        vault.fail(fault);
        ask_token(&client).is_refused(500, "internal", "Internal server error");
        is_told(&program, told);
    }
    vault.fail(VaultFault::None);
    sound_token(&client);
}

#[test]
fn a_certificate_is_checked_by_the_roots_that_were_given() {
    let (vault, folder) = (Vault::start_with_tls(), tempfile::tempdir().unwrap());
    let program = start_with_token(folder.path(), &vault, &[]);
    assert_eq!(program.client().get("/health").ok()["signing"], false);
    is_told(&program, "certificate");
    assert_eq!(vault.seen().len(), 0);
    drop(program);
    let roots = repository().join("tests/data/vault/tls-certificate.pem");
    let program = start_with_token(folder.path(), &vault, &[("VAULT_CACERT", roots.to_str().unwrap())]);
    sound_token(&program.client());
}

#[test]
fn what_does_not_pass_by_itself_stops_the_first_start() {
    let vault = Vault::start();
    vault.make_key("other-ecdsa-p256", "ed25519");
    let (url, token) = (vault.url(), vault.token(0, false));
    let not_there = tempfile::tempdir().unwrap().path().join("account").to_str().unwrap().to_owned();
    let empty = tempfile::NamedTempFile::new().unwrap();
    let usual = [("VAULT_ADDR", url.as_str()), ("VAULT_TOKEN", token.as_str()), ("PORT", "0")];
    for (settings, says) in [
        (&[("VAULT_TOKEN", "hvs.not-known")][..], "permission denied"),
        (
            &[("VAULT_AUTH", "approle"), ("VAULT_ROLE_ID", "x"), ("VAULT_SECRET_ID", "hvs.not-known")],
            "invalid role or secret ID",
        ),
        (
            &[("VAULT_AUTH", "kubernetes"), ("VAULT_ROLE", "x"), ("VAULT_JWT_FILE", &not_there)],
            "cannot read VAULT_JWT_FILE",
        ),
        (&[("VAULT_TRANSIT_MOUNT", "other")], "no handler for route"),
        (&[("VAULT_TRANSIT_KEY", "other")], "is of the type ed25519, and ecdsa-p256 is needed"),
        (&[("VAULT_TRANSIT_MOUNT", "../sys")], "VAULT_TRANSIT_MOUNT must be a name"),
        (&[("VAULT_TRANSIT_KEY", "a/b")], "VAULT_TRANSIT_KEY must be a name"),
        (&[("VAULT_CACERT", &not_there)], "cannot read VAULT_CACERT"),
        (&[("VAULT_CACERT", empty.path().to_str().unwrap())], "holds no certificates in PEM"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = jwt_generator(folder.path());
        let told = refused(command.envs(USUAL).envs(usual).envs(settings.iter().copied()), 1);
        assert!(told.contains(says), "{says:?} is missing in: {told}");
        assert!(!told.contains("hvs.") && !told.contains("panicked"), "{told}");
    }
}

#[test]
fn no_log_holds_a_token_or_a_secret() {
    let (vault, folder) = (Vault::start(), tempfile::tempdir().unwrap());
    vault.give_leases(3, true);
    let settings = [&APPROLE[..], &[("LOG_LEVEL", "trace")]].concat();
    let program = start(folder.path(), &vault, &settings);
    let client = program.client();
    let mut secrets = vec![Vault::SECRET_ID.to_owned(), sound_token(&client)];
    for fault in [
        VaultFault::Sealed,
        VaultFault::HangsUp,
        VaultFault::Denies,
        VaultFault::OtherKey,
        VaultFault::Babbles,
        VaultFault::None,
    ] {
        vault.fail(fault);
        ask_token(&client);
        secrets.extend(vault.secrets());
        vault.revoke_tokens();
    }
    let (_, log) = program.stop();
    assert!(
        log.contains("\"level\":\"TRACE\"") || log.contains("\"level\":\"DEBUG\""),
        "the log is at its fullest"
    );
    for secret in &secrets {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
    assert!(!log.contains("hvs.") && !log.contains("eyJ"), "the log holds a token");
}

/// Seen before (issue 11, row 9): registering was answered with 503 and "try again shortly", and the second try with 409.
#[test]
fn a_user_whose_token_cannot_be_signed_is_not_stored_and_the_second_try_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::start();
    let sealing_key = super::custody::SEALING_KEY;
    let stored = [("SKIP_DATABASE", "false"), ("BCRYPT_ROUNDS", "4"), ("KEY_ENCRYPTION_KEY", sealing_key)];
    let program = start_with_token(folder.path(), &vault, &stored);
    let client = program.client();
    sound_token(&client);
    vault.fail(VaultFault::Sealed);
    let register = || client.post("/api/auth/register", &registration("alice"));
    has_no_keys(&register());
    let login = json!({ "username": "alice", "password": "secret-alice" });
    client.post("/api/auth/login", &login).is_refused(401, "invalid_credentials", "Invalid credentials");
    vault.fail(VaultFault::None);
    let answer = eventually("Vault signs again", || Some(register()).filter(|answer| answer.status != 503));
    assert_eq!(answer.status, 201, "{}", answer.text());
}
