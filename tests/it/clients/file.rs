//! `CLIENTS_FILE`: the stored clients become as the file says.

use std::path::Path;

use serde_json::{Value, json};

use super::{OLD_SECRET, OLD_SECRET_HASH, SECRET, SECRET_HASH, generator};
use crate::support::{Program, folder_with_keys, jwt_generator, read, refused, run};

const PATH: &str = "/api/token/generate";

fn write(folder: &Path, clients: &Value) {
    std::fs::write(folder.join("clients.json"), clients.to_string()).unwrap();
}

fn command(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = jwt_generator(folder);
    command.args(arguments).env("CLIENTS_FILE", "clients.json").env("LOG_LEVEL", "warn");
    command
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(command(folder, arguments).arg("--json"))).unwrap()
}

/// Starts the service with the file and stops it.
fn start_once(folder: &Path) -> String {
    let program = start(folder);
    let (_, log) = program.stop();
    log
}

fn start(folder: &Path) -> Program {
    Program::start(
        folder,
        &[("CLIENTS_FILE", "clients.json"), ("PORT", "0"), ("HOST", "127.0.0.1"), ("KEYS_DIR", "keys")],
    )
}

fn ids(folder: &Path) -> Vec<String> {
    let listed = json_of(folder, &["clients", "list"]);
    listed.as_array().unwrap().iter().map(|client| client["client_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_start_adds_changes_and_removes_what_the_file_says_and_leaves_other_clients_alone() {
    let folder = folder_with_keys();
    let folder = folder.path();
    run(jwt_generator(folder).args(["clients", "create", "by-hand", "--generate"]));
    write(folder, &json!([generator("a", &json!({})), generator("b", &json!({}))]));
    start_once(folder);
    assert_eq!(ids(folder), ["a", "b", "by-hand"]);
    let before = json_of(folder, &["clients", "show", "a"]);
    assert_eq!((&before["managed_by"], &before["revision"]), (&json!("file"), &json!(1)));
    start_once(folder);
    assert_eq!(json_of(folder, &["clients", "show", "a"]), before, "an unchanged client is not written");
    write(folder, &json!([generator("a", &json!({ "subjects": ["*"] }))]));
    let log = start_once(folder);
    assert_eq!(ids(folder), ["a", "by-hand"]);
    let after = json_of(folder, &["clients", "show", "a"]);
    assert_eq!((&after["revision"], &after["generate"]), (&json!(2), &json!({ "subjects": ["*"] })));
    assert!(log.contains("CLIENTS_FILE changed a client"), "{log}");
    write(folder, &json!([]));
    start_once(folder);
    assert_eq!(ids(folder), ["by-hand"]);
}

#[test]
fn two_secrets_of_the_file_are_valid_while_a_secret_is_replaced() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let mut client = generator("a", &json!({}));
    for (hashes, new, old) in [
        (json!(OLD_SECRET_HASH), 401, 200),
        (json!([SECRET_HASH, OLD_SECRET_HASH.to_uppercase()]), 200, 200),
        (json!([SECRET_HASH]), 200, 401),
    ] {
        client["client_secret_sha256"] = hashes.clone();
        write(folder, &json!([client]));
        let program = start(folder);
        let status = |secret| program.client().with_secret("a", secret).post(PATH, &json!({})).status;
        assert_eq!((status(SECRET), status(OLD_SECRET)), (new, old), "{hashes}");
    }
}

#[test]
fn a_secret_may_be_in_a_file_beside_it() {
    let folder = folder_with_keys();
    std::fs::write(folder.path().join("a.secret"), format!("{SECRET}\n")).unwrap();
    let client =
        json!({ "client_id": "a", "client_secret_file": "a.secret", "grant_types": [], "generate": {} });
    write(folder.path(), &json!([client]));
    let program = start(folder.path());
    assert_eq!(program.client().with_secret("a", SECRET).post(PATH, &json!({})).status, 200);
}

#[test]
fn a_file_with_faults_stops_the_start_and_the_check_with_all_of_them() {
    let folder = folder_with_keys();
    let folder = folder.path();
    std::fs::write(folder.join("short"), "short").unwrap();
    write(
        folder,
        &json!([
            generator("twice", &json!({})),
            generator("twice", &json!({})),
            { "client_id": "a b" },
            { "client_id": "plain", "client_secret": "secret", "grant_types": ["client_credentials"] },
            { "client_id": "none", "grant_types": ["client_credentials"] },
            { "client_id": "hash", "client_secret_sha256": "xyz", "grant_types": ["client_credentials"] },
            { "client_id": "file", "client_secret_file": "absent", "grant_types": ["client_credentials"] },
            { "client_id": "short", "client_secret_file": "short", "grant_types": ["client_credentials"] },
            { "client_id": "public", "client_secret_sha256": SECRET_HASH, "token_endpoint_auth_method": "none",
              "redirect_uris": ["https://a.example/"] },
            { "client_id": "jwt-generator-api", "client_secret_sha256": SECRET_HASH, "grant_types": ["client_credentials"] },
        ]),
    );
    let lines = [
        "twice: client_id: is there twice",
        "a b: client_id: must be 1 to 200 letters, digits or characters of -._~:/",
        "plain: client_secret: must not be in the file: give client_secret_sha256 or client_secret_file",
        "none: client_secret_sha256: or client_secret_file must be given, because the client authenticates with a secret",
        "hash: client_secret_sha256: must be 64 hex digits",
        "file: client_secret_file: absent cannot be read: No such file or directory (os error 2)",
        "short: client_secret_file: short must contain at least 32 characters",
        "public: client_secret_sha256: must not be given: the client does not authenticate with a secret",
        "jwt-generator-api: client_id: must not be the value of JWT_AUDIENCE: an id token for the client would pass for an access token",
    ];
    for (arguments, code) in [(&["config", "check"][..], 2), (&["clients", "plan"], 2), (&["serve"], 1)] {
        let said = refused(command(folder, arguments).env("PORT", "0").env("HOST", "127.0.0.1"), code);
        for line in lines {
            assert!(said.contains(line), "{line} is not in {said}");
        }
        assert!(said.contains("clients.json cannot be used:"), "{said}");
    }
    for (text, fault) in [
        ("{}", "the file must be a JSON array of objects, one for each client"),
        ("[\n  {]", "the file is not valid JSON: key must be a string at line 2 column 4"),
        (r#"[{"client_id":"a","client_id":"b"}]"#, "the JSON text names a member twice in one object"),
    ] {
        std::fs::write(folder.join("clients.json"), text).unwrap();
        let said = refused(&mut command(folder, &["config", "check"]), 2);
        assert!(said.contains(fault), "{said}");
    }
    std::fs::remove_file(folder.join("clients.json")).unwrap();
    let said = refused(&mut command(folder, &["config", "check"]), 2);
    assert!(said.contains("the file cannot be read: No such file or directory"), "{said}");
}

#[test]
fn the_plan_shows_the_difference_and_what_it_breaks() {
    let folder = folder_with_keys();
    let folder = folder.path();
    let web = |uris: &[&str], grants: &[&str], scope: &str| {
        json!({
            "client_id": "web", "client_secret_sha256": SECRET_HASH, "redirect_uris": uris, "grant_types": grants,
            "scope": scope,
        })
    };
    let both = ["authorization_code", "refresh_token"];
    run(jwt_generator(folder).args(["clients", "create", "mine", "--generate"]));
    write(
        folder,
        &json!([
            web(&["https://a.example/cb", "https://b.example/cb"], &both, "openid email"),
            generator("gone", &json!({})),
            generator("narrow", &json!({ "subjects": ["*"], "claims": ["role"], "max_lifetime": 600 })),
        ]),
    );
    assert_eq!(json_of(folder, &["clients", "plan"]).as_array().unwrap().len(), 3);
    start_once(folder);
    assert_eq!(run(&mut command(folder, &["clients", "plan"])), "The clients are as the file says.\n");
    write(
        folder,
        &json!([
            web(&["https://a.example/cb"], &["authorization_code"], "openid"),
            generator("narrow", &json!({ "subjects": ["user-*"], "max_lifetime": 60 })),
            generator("new", &json!({})),
            generator("mine", &json!({})),
        ]),
    );
    let text = run(&mut command(folder, &["clients", "plan"]));
    let expected = "\
change web
  grant_types: [\"authorization_code\",\"refresh_token\"] -> [\"authorization_code\"]
  redirect_uris: [\"https://a.example/cb\",\"https://b.example/cb\"] -> [\"https://a.example/cb\"]
  scope: \"openid email\" -> \"openid\"
  breaks: log-ins that return to https://b.example/cb fail
  breaks: its refresh tokens are refused
  breaks: requests for the scope email are refused
change narrow
  generate: {\"claims\":[\"role\"],\"max_lifetime\":600,\"subjects\":[\"*\"]} -> {\"max_lifetime\":60,\"subjects\":[\"user-*\"]}
  breaks: tokens with the subject * are refused
  breaks: tokens with the claim role are refused
  breaks: tokens that live longer than 60 seconds are refused
create new
take over mine
  client_secret: 1 -> 1
  breaks: a secret that is valid now is refused
delete gone
  breaks: the client gets no more tokens
5 to change; 4 of them break something.
";
    assert_eq!(text, expected);
    let planned = json_of(folder, &["clients", "plan"]);
    assert_eq!(planned[2], json!({ "client_id": "new", "action": "create", "changes": [], "breaks": [] }));
    refused(&mut command(folder, &["clients", "plan", "--fail-if-breaking"]), 1);
    start_once(folder);
    assert_eq!(ids(folder), ["mine", "narrow", "new", "web"]);
    assert_eq!(
        run(&mut command(folder, &["clients", "plan", "--fail-if-breaking"])),
        "The clients are as the file says.\n"
    );
}

#[test]
fn commands_do_not_change_what_the_file_manages() {
    let folder = folder_with_keys();
    let folder = folder.path();
    write(folder, &json!([generator("a", &json!({}))]));
    start_once(folder);
    let managed = "the client a is managed by CLIENTS_FILE: change the file and restart the service";
    for arguments in [
        &["clients", "update", "a", "--name", "x"][..],
        &["clients", "rotate-secret", "a"],
        &["clients", "delete", "a", "--yes"],
    ] {
        let said = refused(&mut command(folder, arguments), 1);
        assert!(said.contains(managed), "{said}");
    }
    let free = run(jwt_generator(folder).args(["clients", "update", "a", "--name", "x", "--json"]));
    let free: Value = serde_json::from_str(&free).unwrap();
    assert_eq!(free["managed_by"], "command", "without CLIENTS_FILE, commands manage every client");
}

#[test]
fn the_file_in_docs_clients_is_valid() {
    let text = read("docs/clients.md");
    let example = text.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &serde_json::from_str(example).unwrap());
    assert_eq!(json_of(folder.path(), &["config", "check"])["valid"], true);
}
