//! The commands `audit`, beside a running server.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use jwt_generator::store::sqlite::Sqlite;
use mongodb::bson::{Document, doc};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{
    Client, Program, Terminal, eventually, folder_with_keys, jwt_generator, mongod, refused, run,
};

const CHEAP: (&str, &str) = ("BCRYPT_ROUNDS", "4");

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = jwt_generator(folder);
    command.args(arguments).env(CHEAP.0, CHEAP.1).env("LOG_LEVEL", "warn");
    command
}

fn text(folder: &Path, arguments: &[&str]) -> String {
    run(&mut command(folder, arguments))
}

fn lines_of(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let text = run(command(folder, arguments).arg("--json"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A server with events of `ada` and of `eve`, who was deleted.
fn with_events(settings: &[(&str, &str)]) -> (tempfile::TempDir, Program) {
    let folder = folder_with_keys();
    // The commands read the same database.
    if let Some((name, uri)) = settings.iter().find(|(name, _)| *name == "MONGODB_URI") {
        std::fs::write(folder.path().join(".env"), format!("{name}={uri}\n")).unwrap();
    }
    let program = Program::start(folder.path(), &[&[CHEAP], settings].concat());
    let client = program.client();
    client.register("ada");
    client.register("eve");
    text(folder.path(), &["users", "delete", "eve", "--yes"]);
    // A log-out has two events if a new second begins while it is written.
    text(folder.path(), &["users", "claims", "ada", "--set", r#"{"locale":"en"}"#]);
    (folder, program)
}

fn key_set(client: &Client, folder: &Path) {
    std::fs::write(folder.join("jwks.json"), client.get("/api/jwks").text()).unwrap();
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn events_are_listed_with_what_can_be_opened() {
    let (folder, program) = with_events(&[]);
    let list = |arguments: &[&str]| lines_of(folder.path(), &[&["audit", "list"], arguments].concat());
    let all = list(&[]);
    let of_users: Vec<_> =
        all.iter().filter(|event| event["subject"].as_str().unwrap().starts_with("user:")).collect();
    let expected = ["user.registered", "user.registered", "user.deleted", "user.claims_changed"];
    assert_eq!(of_users.iter().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    let [ada, eve] = [of_users[0], of_users[1]];
    assert_eq!((&ada["data"]["username"], &ada["personal"]), (&json!("ada"), &json!("open")));
    assert_eq!(
        (&ada["data"]["address"], &ada["data"]["email"]),
        (&json!("127.0.0.1"), &json!("ada@example.com"))
    );
    assert_eq!((&eve["data"], &eve["personal"]), (&json!({}), &json!("erased")));
    // Seen: the log of SQLite contained the address and the key until much later.
    for file in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(15).any(|part| part == b"eve@example.com"));
    }
    let id = eve["person"].as_str().unwrap();
    assert_eq!(kinds(&list(&["--user", "ada"])), ["user.registered", "user.claims_changed"]);
    assert_eq!(kinds(&list(&["--user", id])), ["user.registered", "user.deleted"]);
    assert_eq!(kinds(&list(&["--kind", "user.deleted", "--kind", "login"])), ["user.deleted"]);
    assert_eq!(kinds(&list(&["--kind", "user", "--limit", "2"])), ["user.deleted", "user.claims_changed"]);
    assert_eq!(kinds(&list(&["--address", "127.0.0.0/8"])), ["user.registered"], "that of eve is erased");
    assert_eq!(list(&["--address", "203.0.113.7"]).len(), 0);
    assert_eq!(list(&["--client", "app"]).len(), 0);
    assert_eq!(list(&["--since", "1h", "--kind", "user"]).len(), of_users.len());
    assert_eq!(list(&["--until", "2020-01-01"]).len(), 0);
    let table = text(folder.path(), &["audit", "list", "--user", "ada"]);
    let rows: Vec<_> = table.lines().collect();
    assert!(rows[0].contains("KIND") && rows.len() == 3, "{table}");
    assert!(rows[1].contains("user.registered") && rows[1].contains("from 127.0.0.1"), "{table}");
    assert!(rows[1].contains("username=ada") && rows[2].contains("by operator"), "{table}");
    for (arguments, message) in [
        (["--kind", "user.x"], "there is no kind user.x"),
        (["--since", "soon"], "--since: soon is no instant"),
        (["--address", "x"], "--address: x is neither an address nor a network"),
    ] {
        let told = refused(&mut command(folder.path(), &[&["audit", "list"][..], &arguments].concat()), 2);
        assert!(told.contains(message), "{told}");
    }
    let told = refused(&mut command(folder.path(), &["audit", "list", "--user", "eve"]), 1);
    assert!(told.contains("there is no user eve; a user who was deleted is found by the id only"), "{told}");
    drop(program);
    let elsewhere = tempfile::tempdir().unwrap();
    assert!(refused(&mut command(elsewhere.path(), &["audit", "list"]), 1).contains("there is no"));
}

#[test]
fn a_table_on_a_terminal_fits_its_columns() {
    let (folder, _program) = with_events(&[]);
    let (status, screen) = Terminal::start(&command(folder.path(), &["audit", "list"]), 80).end();
    assert!(status.success(), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    assert!(screen.contains("user.registered") && screen.contains('…'), "{screen}");
}

/// A running command; it ends with the value.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn new_events_are_printed_as_they_come() {
    let (folder, program) = with_events(&[]);
    let mut tail = command(folder.path(), &["audit", "tail", "-n", "1", "--kind", "user", "--json"]);
    let mut tail = Following(tail.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap()["kind"].clone();
    assert_eq!(next(), "user.claims_changed");
    program.client().register("mia");
    assert_eq!(next(), "user.registered");
    text(folder.path(), &["users", "log-out", "mia"]);
    assert_eq!(next(), "user.logged_out");
}

#[test]
fn an_export_is_checked_offline_with_the_key_set_alone() {
    let (folder, program) = with_events(&[]);
    key_set(&program.client(), folder.path());
    let signed = lines_of(folder.path(), &["audit", "checkpoint"]);
    assert_eq!(signed[0]["checkpoint"], 1);
    assert_eq!(lines_of(folder.path(), &["audit", "checkpoint"])[0]["checkpoint"], Value::Null);
    text(folder.path(), &["audit", "export", "--to", "events.jsonl"]);
    let exported = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    assert_eq!(text(folder.path(), &["audit", "export"]).lines().count(), exported.lines().count());
    assert!(!exported.contains("ada@example.com") && !exported.contains("127.0.0.1"), "{exported}");
    let personal = text(folder.path(), &["audit", "export", "--with-personal-data"]);
    assert!(personal.contains("ada@example.com") && !personal.contains("eve@example.com"), "{personal}");
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["events.jsonl", "jwks.json"] {
        std::fs::copy(folder.path().join(name), elsewhere.path().join(name)).unwrap();
    }
    std::fs::write(elsewhere.path().join("personal.jsonl"), &personal).unwrap();
    let verify = ["audit", "verify", "--keys", "jwks.json", "--from"];
    for file in ["events.jsonl", "personal.jsonl"] {
        let report = lines_of(elsewhere.path(), &[&verify[..], &[file]].concat()).remove(0);
        assert_eq!((&report["ok"], &report["checkpoints"]), (&json!(true), &json!(1)), "{report:#}");
        assert_eq!(report["last_checkpoint"]["seq"], report["last_event"]);
    }
    let told = text(elsewhere.path(), &[&verify[..], &["events.jsonl"]].concat());
    assert!(told.ends_with("The trail is complete and unchanged.\n"), "{told}");
    let changed = exported.replacen("user.deleted", "user.delegated", 1);
    std::fs::write(elsewhere.path().join("changed.jsonl"), changed).unwrap();
    let mut verify = command(elsewhere.path(), &[&verify[..], &["changed.jsonl"]].concat());
    let output = verify.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("FAULT  event "), "{told}");
    let only_some = text(folder.path(), &["audit", "export", "--kind", "user"]);
    std::fs::write(elsewhere.path().join("some.jsonl"), only_some).unwrap();
    let some = ["audit", "verify", "--keys", "jwks.json", "--from", "some.jsonl"];
    assert!(refused(&mut command(elsewhere.path(), &some), 1).contains("this export was filtered"));
    let told = refused(&mut command(elsewhere.path(), &["audit", "verify", "--from", "events.jsonl"]), 2);
    assert!(told.contains("--keys"), "{told}");
}

#[test]
fn a_trail_on_mongodb_is_exported_and_verified_and_a_change_is_found() {
    let uri = mongod::new_database();
    let (folder, program) = with_events(&[("MONGODB_URI", &uri)]);
    key_set(&program.client(), folder.path());
    eventually("the events are sealed", || {
        let listed = lines_of(folder.path(), &["audit", "list"]);
        kinds(&listed).contains(&"user.claims_changed").then_some(())
    });
    text(folder.path(), &["audit", "checkpoint"]);
    text(folder.path(), &["audit", "export", "--to", "events.jsonl"]);
    let of_export = ["audit", "verify", "--keys", "jwks.json", "--from", "events.jsonl"];
    for verify in [&["audit", "verify"][..], &of_export] {
        let report = lines_of(folder.path(), verify).remove(0);
        assert!(report["ok"] == true && report["checkpoints"].as_u64() >= Some(1), "{report:#}");
    }
    drop(program);
    let change = doc! { "$set": { "record": "{}" } };
    let changed = mongod::on_database(&uri, async |database| {
        let events = database.collection::<Document>("events");
        events.update_one(doc! { "kind": "user.claims_changed" }, change).await
    });
    assert_eq!(changed.unwrap().modified_count, 1);
    let output = command(folder.path(), &["audit", "verify", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && report["faults"][0]["fault"] == "event_altered", "{report:#}");
}

#[test]
fn an_export_continues_behind_an_event_and_begins_a_chain_of_its_own() {
    let (folder, program) = with_events(&[]);
    key_set(&program.client(), folder.path());
    text(folder.path(), &["audit", "checkpoint"]);
    let last = lines_of(folder.path(), &["audit", "list", "--limit", "1"])[0]["seq"].as_u64().unwrap();
    for (after, events) in [(0, last), (2, last - 2), (last, 0)] {
        let after = after.to_string();
        text(folder.path(), &["audit", "export", "--after", &after, "--to", "part.jsonl"]);
        let verify = ["audit", "verify", "--keys", "jwks.json", "--from", "part.jsonl"];
        let report = lines_of(folder.path(), &verify).remove(0);
        assert_eq!((&report["ok"], &report["events"]), (&json!(true), &json!(events)), "{report:#}");
    }
}

#[test]
fn events_are_exported_for_systems_that_read_cef() {
    let (folder, _program) = with_events(&[]);
    let lines = text(folder.path(), &["audit", "export", "--format", "cef", "--kind", "user"]);
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.lines().all(|line| line.starts_with("CEF:0|JWT Generator|jwt-generator|")), "{lines}");
    // The name alone may be a part of a random id.
    assert!(!lines.contains("127.0.0.1") && !lines.contains("=ada"), "{lines}");
    let lines = text(folder.path(), &["audit", "export", "--format", "cef", "--with-personal-data"]);
    assert!(lines.contains("src=127.0.0.1 duser=ada "), "{lines}");
}

/// What an attacker does to the event `n`, and what the check finds.
fn changes(n: i64) -> Vec<(String, Value)> {
    let fault = |fault: &str, text: &str| json!([{ "fault": fault, "event": n, "text": format!("event {n} {text}") }]);
    let altered = fault("event_altered", "was changed: its link does not fit");
    let early = fault("record_removed_early", "has no record, and EVENT_RETENTION keeps records of its age");
    let missing = json!([
        { "fault": "events_missing", "first": n, "last": n, "text": format!("event {n} is missing") }
    ]);
    let none = "there is no checkpoint: no signature protects these events. A new service signs the first one within a minute";
    vec![
        (
            format!(
                "UPDATE events SET record = replace(record, '.registered', '.deregister') WHERE seq = {n}"
            ),
            altered.clone(),
        ),
        (format!("UPDATE events SET at = at + 1 WHERE seq = {n}"), altered),
        (format!("DELETE FROM events WHERE seq = {n}"), missing),
        (format!("UPDATE events SET record = NULL WHERE seq = {n}"), early),
        ("DELETE FROM checkpoints".to_owned(), json!([{ "fault": "no_checkpoint", "text": none }])),
    ]
}

/// The attacker writes to the database.
#[test]
fn a_changed_database_is_found() {
    let (folder, program) = with_events(&[("AUDIT_CHECKPOINT_FILE", "checkpoints")]);
    text(folder.path(), &["audit", "checkpoint"]);
    let kept = folder.path().join("checkpoints");
    eventually("the server has appended the checkpoint", || {
        std::fs::read_to_string(&kept).ok().filter(|text| text.ends_with('\n'))
    });
    let verify = ["audit", "verify", "--checkpoints", "checkpoints"];
    let report = lines_of(folder.path(), &verify).remove(0);
    assert_eq!((&report["ok"], &report["kept_checkpoints"]), (&json!(true), &json!(1)), "{report:#}");
    drop(program);
    let database = Connection::open(folder.path().join("data").join(Sqlite::FILE)).unwrap();
    let number = |query: &str| database.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
    let n = number("SELECT max(seq) FROM events WHERE kind = 'user.registered'");
    for table in ["events", "checkpoints"] {
        let copy = format!("CREATE TEMP TABLE honest_{table} AS SELECT * FROM {table}");
        database.execute_batch(&copy).unwrap();
    }
    for (change, faults) in changes(n) {
        database.execute_batch(&change).unwrap();
        let output = command(folder.path(), &["audit", "verify", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &report["faults"]), (Some(1), &faults), "{change}");
        for table in ["events", "checkpoints"] {
            let restore = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM honest_{table}");
            database.execute_batch(&restore).unwrap();
        }
    }
    // The last event and its checkpoint are gone.
    let end = "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events); DELETE FROM checkpoints";
    database.execute_batch(end).unwrap();
    let output = command(folder.path(), &[&verify[..], &["--json"]].concat()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let faults: Vec<_> =
        report["faults"].as_array().unwrap().iter().map(|fault| fault["fault"].as_str().unwrap()).collect();
    assert_eq!(faults, ["end_missing", "checkpoints_missing", "no_checkpoint"], "{report:#}");
}

#[test]
fn a_bar_shows_the_progress_on_a_terminal_and_nowhere_else() {
    let (folder, _program) = with_events(&[]);
    text(folder.path(), &["audit", "checkpoint"]);
    let (status, screen) = Terminal::start(&command(folder.path(), &["audit", "verify"]), 80).end();
    assert!(status.success() && screen.contains("[##############################] 100 %"), "{screen:?}");
    let output = command(folder.path(), &["audit", "verify"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_file_of_checkpoints_that_cannot_be_written_is_a_fault_of_the_start() {
    let folder = folder_with_keys();
    for (path, cause) in [("absent/checkpoints", "its folder: No such file"), (".", "Is a directory")] {
        let Err(log) = Program::try_start(folder.path(), &[CHEAP, ("AUDIT_CHECKPOINT_FILE", path)]) else {
            panic!("it started")
        };
        let mut check = command(folder.path(), &["config", "check"]);
        let told = refused(check.env("AUDIT_CHECKPOINT_FILE", path), 2);
        for text in [&log, &told] {
            assert!(
                text.contains(&format!("AUDIT_CHECKPOINT_FILE={path} cannot be used: {cause}")),
                "{text}"
            );
        }
    }
    let mut check = command(folder.path(), &["config", "check"]);
    run(check.env("AUDIT_CHECKPOINT_FILE", "checkpoints"));
    assert!(!folder.path().join("checkpoints").exists(), "a check changes nothing");
}
