//! The commands, and a running service that sends over the network.

use std::path::Path;
use std::process::Command;

use jwt_generator::domain::Timestamp;
use serde_json::{Value, json};

use super::receiver::Receiver;
use crate::keys::rotation::now;
use crate::support::{Program, Verifier, eventually, folder_with_keys, jwt_generator, refused, run, tool};

/// The settings that permit receivers on this machine.
const LOCAL: [(&str, &str); 3] =
    [("WEBHOOK_HTTP", "true"), ("WEBHOOK_NETWORKS", "127.0.0.1"), ("BCRYPT_ROUNDS", "4")];
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nthank";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = jwt_generator(folder);
    command.envs(LOCAL).env("LOG_LEVEL", "error").arg("webhooks").args(arguments);
    command
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(command(folder, arguments).arg("--json"))).unwrap()
}

#[test]
fn events_are_sent_and_verified_by_the_libraries_of_the_specification() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let program = Program::start(folder, &LOCAL);
    let (receiver, asymmetric) = (Receiver::answering(OK), Receiver::answering(OK));
    let kind = ["--kind", "user.registered"];
    let made = json_of(folder, &[&["create", &receiver.url(), "--id", "crm"], &kind[..]].concat());
    let secret = made["secret"].as_str().unwrap().to_owned();
    let arguments = ["create", &asymmetric.url(), "--id", "erp", "--signature", "v1a"];
    let public = json_of(folder, &[&arguments[..], &kind[..]].concat());
    let public = public["public_key"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && public.starts_with("whpk_"), "{secret} {public}");
    assert_eq!(json_of(folder, &["show", "erp"])["public_keys"], json!([public]));
    program.client().register("ada");
    let first = |receiver: &Receiver| {
        eventually("the event arrives", || receiver.of_type("user.registered").first().cloned())
    };
    let (message, signed) = (first(&receiver), first(&asymmetric));
    assert_eq!(message.headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["data"]["details"]["username"], "ada");
    assert_eq!(message.headers["webhook-id"], body["data"]["id"]);
    let old = secret;
    let rotated = json_of(folder, &["rotate-secret", "crm"]);
    let new = rotated["secret"].as_str().unwrap().to_owned();
    program.client().register("grace");
    let both = eventually("the next event arrives", || receiver.of_type("user.registered").get(1).cloned());
    for mut verifier in Verifier::of_webhooks() {
        let name = verifier.name;
        assert_eq!(verifier.ask(&message.line(&old)), "ok", "{name}");
        assert_eq!(verifier.ask(&signed.line(&public)), "ok", "{name}");
        for secret in [&old, &new] {
            assert_eq!(verifier.ask(&both.line(secret)), "ok", "{name}: both sign for a day");
        }
        let mut forged = message.clone();
        forged.body = forged.body.replace("ada", "eve");
        assert!(verifier.ask(&forged.line(&old)).starts_with("refused "), "{name}");
        assert!(verifier.ask(&message.line(&new)).starts_with("refused "), "{name}");
        let mut forged = signed.clone();
        forged.body = forged.body.replace("ada", "eve");
        assert!(verifier.ask(&forged.line(&public)).starts_with("refused "), "{name}");
    }
    let delivered = eventually("the delivery is written down", || {
        let listed = json_of(folder, &["deliveries", "crm", "--state", "delivered"]);
        (listed.as_array().unwrap().len() == 2).then_some(listed)
    });
    let attempt = &delivered[1]["attempts"][0];
    assert_eq!((&attempt["status"], &attempt["answer"]), (&json!(200), &json!("thank")));
    let one =
        run(&mut command(folder, &["deliveries", "crm", "--event", body["data"]["id"].as_str().unwrap()]));
    assert!(one.contains("status 200") && one.contains("    thank"), "{one}");
}

#[test]
fn a_test_shows_what_was_sent_and_what_came_back() {
    let folder = folder_with_keys();
    let folder = folder.path();
    drop(Program::start(folder, &LOCAL));
    let long = "x".repeat(3_000);
    let receiver = Receiver::answering(&format!("HTTP/1.1 201 x\r\ncontent-length: 3000\r\n\r\n{long}"));
    run(&mut command(folder, &["create", &receiver.url(), "--id", "good"]));
    let shown = json_of(folder, &["test", "good"]);
    assert_eq!((&shown["status"], shown["answer"].as_str().unwrap().len()), (&json!(201), 1024));
    let [sent] = receiver.requests().try_into().unwrap();
    assert_eq!(shown["body"], sent.body.as_str());
    assert_eq!(shown["headers"]["webhook-signature"], sent.headers["webhook-signature"]);
    assert!(sent.body.starts_with(r#"{"type":"webhook.test","#));
    let metadata = "HTTP/1.1 307 x\r\nlocation: http://169.254.169.254/latest/\r\ncontent-length: 0\r\n\r\n";
    let redirecting = Receiver::answering(metadata);
    run(&mut command(folder, &["create", &redirecting.url(), "--id", "away"]));
    let mut test = command(folder, &["test", "away"]);
    let output = test.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("< status 307"), "{told}");
    let mut strict = command(folder, &["test", "good", "--json"]);
    let output = strict.env_remove("WEBHOOK_NETWORKS").output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let refused = "127.0.0.1 is not an address to which this program connects. To permit a private network, add it to WEBHOOK_NETWORKS and restart the server";
    assert_eq!(told["error"], refused);
    assert_eq!(receiver.requests().len(), 1, "nothing was sent");
}

#[test]
fn endpoints_are_listed_paused_resumed_and_deleted() {
    let folder = folder_with_keys();
    let folder = folder.path();
    drop(Program::start(folder, &LOCAL));
    run(&mut command(folder, &["create", "https://hook.example/a", "--id", "a", "--description", "the CRM"]));
    let listed = json_of(folder, &["list"]);
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&json!("a"), &json!("enabled")));
    assert!(!listed.to_string().contains("sealed"), "{listed}");
    run(&mut command(folder, &["pause", "a"]));
    assert_eq!(json_of(folder, &["show", "a"])["state"], "paused");
    run(&mut command(folder, &["resume", "a"]));
    let shown = run(&mut command(folder, &["show", "a"]));
    assert!(shown.contains("state: enabled") && shown.contains("description: the CRM"), "{shown}");
    let url = "https://hook.example/new";
    run(&mut command(folder, &["update", "a", "--url", url, "--kind", "user.deleted", "--description", ""]));
    let changed = json_of(folder, &["show", "a"]);
    assert_eq!((&changed["url"], &changed["kinds"]), (&json!(url), &json!(["user.deleted"])));
    assert_eq!(json_of(folder, &["update", "a", "--all-kinds"])["kinds"], json!([]));
    assert_eq!(json_of(folder, &["show", "a"])["url"], url, "what is not named stays");
    assert_eq!(json_of(folder, &["deliveries", "a"]), json!([]));
    assert_eq!(json_of(folder, &["replay", "a", "--dead"]), json!({ "replayed": 0 }));
    let taken = refused(&mut command(folder, &["create", "https://hook.example/b", "--id", "a"]), 1);
    assert!(taken.contains("there is already an endpoint a"), "{taken}");
    for (arguments, code, says) in [
        (&["create", "ftp://hook.example/"][..], 2, "the URL must be a URL that begins with https://"),
        (&["create", "https://me:pw@hook.example/"], 2, "the URL must not contain a user name"),
        (&["create", "https://hook.example/", "--kind", "x.y"], 2, "there is no kind of event `x.y`"),
        (&["create", "https://hook.example/", "--signature", "v2"], 2, "must be v1 or v1a"),
        (&["show", "b"], 1, "there is no endpoint b"),
        (&["update", "b", "--all-kinds"], 1, "there is no endpoint b"),
        (&["update", "a"], 2, "required"),
        (&["update", "a", "--kind", "x.y"], 2, "there is no kind of event `x.y`"),
        (&["replay", "a"], 2, "required"),
        (&["delete", "a"], 2, "--yes"),
    ] {
        let told = refused(&mut command(folder, arguments), code);
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
    let mut strict = command(folder, &["create", "http://hook.example/"]);
    let told = refused(strict.env_remove("WEBHOOK_HTTP"), 2);
    assert!(told.contains("the URL must begin with https://; WEBHOOK_HTTP=true permits http://"), "{told}");
    run(&mut command(folder, &["delete", "a", "--yes"]));
    assert_eq!(json_of(folder, &["list"]), json!([]));
}

#[test]
fn without_a_server_secret_no_endpoint_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let told = refused(&mut command(folder.path(), &["create", "https://hook.example/"]), 1);
    assert!(told.contains("there is no server secret yet: start the server once"), "{told}");
}

#[test]
fn a_start_makes_the_endpoints_as_the_file_says() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let receiver = Receiver::answering(OK);
    let (one, two) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0");
    std::fs::write(folder.join("crm.secret"), one).unwrap();
    let write =
        |endpoints: &Value| std::fs::write(folder.join("webhooks.json"), endpoints.to_string()).unwrap();
    let crm = json!({ "id": "crm", "url": receiver.url(), "kinds": ["user.registered"], "secret_file": "crm.secret" });
    write(&json!([crm]));
    let settings = [&LOCAL[..], &[("WEBHOOKS_FILE", "webhooks.json")]].concat();
    let program = Program::start(folder, &settings);
    let shown = |what: &str, is_so: fn(&Value) -> bool| {
        eventually(what, || Some(json_of(folder, &["list"])).filter(is_so))
    };
    let listed = shown("the file is read", |listed| listed.as_array().unwrap().len() == 1);
    assert_eq!((&listed[0]["managed_by"], &listed[0]["revision"]), (&json!("file"), &json!(1)));
    program.client().register("ada");
    let message = eventually("the event arrives", || receiver.of_type("user.registered").first().cloned());
    for mut verifier in Verifier::of_webhooks() {
        assert_eq!(verifier.ask(&message.line(one)), "ok", "{}", verifier.name);
    }
    let mut managed = command(folder, &["pause", "crm"]);
    let told = refused(managed.env("WEBHOOKS_FILE", "webhooks.json"), 1);
    assert!(told.contains("managed by WEBHOOKS_FILE"), "{told}");
    drop(program);
    drop(Program::start(folder, &settings));
    assert_eq!(json_of(folder, &["list"]), listed, "an unchanged endpoint is not written");
    std::fs::write(folder.join("crm.secret"), format!("{two}\n{one}\n")).unwrap();
    let program = Program::start(folder, &settings);
    let listed = shown("the secrets change", |listed| listed[0]["revision"] == 2);
    assert_eq!(listed[0]["secrets"].as_array().unwrap().len(), 2);
    drop(program);
    write(&json!([]));
    let program = Program::start(folder, &settings);
    shown("the endpoint goes", |listed| listed == &json!([]));
    drop(program);
    write(&json!([{ "id": "crm" }]));
    let Err(log) = Program::try_start(folder, &settings) else { panic!("it started") };
    assert!(log.contains("WEBHOOKS_FILE=webhooks.json cannot be used:"), "{log}");
    assert!(log.contains("crm: missing field `url`"), "{log}");
    let mut check = jwt_generator(folder);
    let told = refused(check.args(["config", "check"]).env("WEBHOOKS_FILE", "webhooks.json"), 2);
    assert!(told.contains("crm: missing field `url`"), "{told}");
}

#[test]
fn an_endpoint_that_fails_is_shown_as_failing() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let receiver = Receiver::answering("HTTP/1.1 500 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let program = Program::start(folder, &LOCAL);
    run(&mut command(folder, &["create", &receiver.url(), "--id", "crm"]));
    program.client().register("ada");
    let shown = eventually("the failure is written down", || {
        Some(json_of(folder, &["show", "crm"])).filter(|shown| shown["failures_in_a_row"] != 0)
    });
    assert!(shown["failures_in_a_row"].is_number(), "{shown}");
    assert_eq!(json_of(folder, &["list"])[0]["id"], "crm");
    let [list, one] = [&["list"][..], &["show", "crm"]].map(|arguments| run(&mut command(folder, arguments)));
    assert!(list.contains("enabled, failing"), "{list}");
    assert!(one.contains("deliveries: the latest "), "{one}");
    let now = Timestamp::from_secs(now());
    for delivery in json_of(folder, &["deliveries", "crm", "--state", "waiting"]).as_array().unwrap() {
        let next = delivery["next_try_at"].as_str();
        assert!(next.is_none_or(|next| next >= now.to_string().as_str()), "{delivery}");
    }
}

/// The lease of the killed server lasts for a minute, so the next server starts with a clock that is two minutes ahead.
#[test]
fn a_kill_in_the_middle_of_a_delivery_loses_nothing() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let receiver = Receiver::silent();
    let program = Program::start(folder, &LOCAL);
    run(&mut command(folder, &["create", &receiver.url(), "--id", "crm", "--kind", "user.registered"]));
    program.client().register("ada");
    let first = eventually("the message arrives", || receiver.requests().first().cloned());
    program.kill();
    let library = tool("lib/libfaketime.so.1");
    let ahead = [("LD_PRELOAD", library.to_str().unwrap()), ("FAKETIME", "+2m")];
    let _program =
        Program::start(folder, &[&LOCAL[..], &ahead, &[("FAKETIME_DONT_FAKE_MONOTONIC", "1")]].concat());
    let second = eventually("it arrives again", || receiver.requests().get(1).cloned());
    assert_eq!((&first.headers["webhook-id"], &first.body), (&second.headers["webhook-id"], &second.body));
}
