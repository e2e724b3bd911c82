//! Tokens that a verifier refuses, and tokens that it accepts.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use jwt_generator::domain::Timestamp;
use serde_json::Value;

use super::{Told, ask, doctor, http, service};
use crate::support::{Service, folder_with_keys, jwt_generator, run};

/// A token that the keys in this folder sign, with these settings.
fn minted(folder: &Path, settings: &[(&str, &str)]) -> String {
    let mut command = jwt_generator(folder);
    command.args(["token", "mint"]).envs(settings.iter().copied());
    run(&mut command).trim().to_owned()
}

/// The report on a token.
fn of_token(token: &str, arguments: &[&str]) -> Told {
    let service = service();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("Bearer {token}\n")).unwrap();
    let told =
        ask(&http(service.address()), &[&["--token-file", file.to_str().unwrap()], arguments].concat());
    assert!(!told.report.to_string().contains(token), "a token is shown");
    told
}

const EXPECTED: [&str; 4] = ["--issuer", "jwt-generator-app", "--audience", "jwt-generator-api"];

#[test]
fn a_token_that_a_verifier_accepts() {
    let service = service();
    let folder = folder_with_keys();
    let told = of_token(&minted(folder.path(), &[]), &EXPECTED);
    told.complains(&[]);
    for id in ["token-form", "token-key", "token-signature", "token-times", "token-issuer", "token-audience"]
    {
        assert_eq!(told.status(id), "ok", "{id}");
    }
    let on_the_line = ask(&http(service.address()), &["--token", &minted(folder.path(), &[])]);
    assert_eq!(on_the_line.status("token-signature"), "ok");
    let mut command = doctor(&[&http(service.address()), "--json", "--token", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(minted(folder.path(), &[]).as_bytes()).unwrap();
    let report: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(Told { code: 0, report }.status("token-signature"), "ok");
}

#[test]
fn tokens_that_a_verifier_refuses() {
    let (same, other) = (folder_with_keys(), tempfile::tempdir().unwrap());
    let ours = minted(same.path(), &[]);
    // Another key with the same kid, and a kid that is not published.
    run(jwt_generator(other.path()).args(["keys", "generate"]));
    of_token(&minted(other.path(), &[]), &[]).complains(&[("token-signature", "fail")]);
    let nameless = tempfile::tempdir().unwrap();
    run(jwt_generator(nameless.path()).args(["keys", "generate"]).env("KEY_ID", "unknown"));
    let told = of_token(&minted(nameless.path(), &[]), &[]);
    told.complains(&[("token-key", "fail")]);
    assert_eq!(told.of("token-key")["seen"], "The token names the key \"unknown\", which is not published.");
    of_token("a.b.c", &[]).complains(&[("token-form", "fail")]);
    let wrong = ["--issuer", "https://issuer.example.com", "--audience", "orders"];
    of_token(&ours, &wrong).complains(&[("token-issuer", "fail"), ("token-audience", "fail")]);
}

#[test]
fn tokens_out_of_their_time() {
    let service = Service::start();
    let address = service.anonymous().base().to_owned();
    // A clock that is years behind issues expired tokens, and a clock that is ahead issues tokens of the future.
    for (at, expected) in [
        (1_500_000_000, [("clock", "fail"), ("token-times", "fail")]),
        (4_000_000_000, [("clock", "fail"), ("token-times", "warn")]),
    ] {
        service.clock.set(Timestamp::from_secs(at));
        let told = ask(&address, &[]);
        let found = expected.map(|(id, _)| (id, told.status(id)));
        assert_eq!(found, expected, "{:#}", told.report);
    }
}
