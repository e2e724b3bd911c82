//! What happened, as the programs store it: real servers and commands, and then the records in the store.

use std::sync::Arc;

use jwt_generator::domain::Timestamp;
use jwt_generator::entropy::Entropy;
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{EventFilter, EventRecorder, IfMissing, Stores};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::sqlite::CHEAP;
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, mongod, run};

/// A folder with a key, and the database of its programs.
struct World {
    folder: TempDir,
    uri: Option<String>,
}

impl World {
    fn on_sqlite() -> Self {
        Self { folder: folder_with_keys(), uri: None }
    }

    fn on_mongodb() -> Self {
        Self { folder: folder_with_keys(), uri: Some(mongod::new_database()) }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        let uri = self.uri.as_deref().map(|uri| ("MONGODB_URI", uri));
        [Some(CHEAP), Some(("DEMO_TOKENS", "true")), uri].into_iter().flatten().collect()
    }

    fn serve(&self, more: &[(&str, &str)]) -> Program {
        Program::start(self.folder.path(), &[&self.settings(), more].concat())
    }

    fn run(&self, arguments: &[&str]) -> Value {
        let mut command = jwt_generator(self.folder.path());
        command.args(arguments).arg("--json").envs(self.settings());
        let output = run(command.env("SUDO_USER", "ada").env("USER", "root"));
        serde_json::from_str(&output).unwrap_or_default()
    }

    fn stores(&self) -> Stores {
        let events = EventRecorder::new(Entropy::seeded(1));
        match &self.uri {
            Some(uri) => Stores::of(Mongo::with_events(uri, Arc::new(events)).unwrap()),
            None => {
                let data = self.folder.path().join("data");
                Stores::of(Sqlite::with_events(&data, IfMissing::Refuse, Arc::new(events)).unwrap())
            }
        }
    }

    /// The records of these kinds, in their order.
    fn records(&self, kinds: &[&str]) -> Vec<Value> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let stores = self.stores();
            let _ = stores.events.relay_events(Timestamp::from_secs(0)).await;
            while stores.events.seal_events().await.unwrap_or(false) {}
            let events =
                stores.events.list_events(&EventFilter::default(), 0, 100_000).await.unwrap().into_iter();
            let of_kinds = events.filter(|event| kinds.contains(&event.kind.as_str()));
            of_kinds.map(|event| serde_json::from_str(&event.record.unwrap()).unwrap()).collect()
        })
    }

    /// How often something was counted, by its kind and client.
    fn counts(&self) -> Vec<(String, Option<String>, u64)> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (begin, end) = (Timestamp::from_secs(0), Timestamp::from_secs(1 << 33));
            let counts = self.stores().events.list_event_counts(begin, end).await.unwrap();
            let mut sums = std::collections::BTreeMap::new();
            for one in counts {
                let key = (one.kind.name().to_owned(), one.client.map(|client| client.to_string()));
                *sums.entry(key).or_insert(0) += one.count;
            }
            sums.into_iter().map(|((kind, client), count)| (kind, client, count)).collect()
        })
    }
}

fn members<'a>(records: &'a [Value], name: &str) -> Vec<&'a str> {
    records.iter().map(|record| record[name].as_str().unwrap_or_default()).collect()
}

/// A log-in, a wrong password and an unknown name.
fn log_ins_are_stored_before_the_answer(world: &World) {
    let program = world.serve(&[]);
    let client = program.client();
    client.register("alice");
    let log_in = |name: &str, password: &str| {
        client.post("/api/auth/login", &json!({ "username": name, "password": password })).status
    };
    assert_eq!(log_in("alice", "secret-alice"), 200);
    assert_eq!(log_in("alice", "secret-eve"), 401);
    assert_eq!(log_in("hunter2-typed-too-early", "secret-eve"), 401);
    // Nothing is written after the last answer: only what was stored before it is there.
    program.kill();
    let records = world.records(&["user.registered", "login.succeeded", "login.failed"]);
    let expected = ["user.registered", "login.succeeded", "login.failed", "login.failed"];
    assert_eq!(members(&records, "kind"), expected);
    let alice = records[0]["subject"].as_str().unwrap();
    assert_eq!((&records[1]["subject"], &records[1]["actor"]), (&json!(alice), &json!(alice)));
    assert_eq!((&records[2]["subject"], &records[2]["actor"]), (&json!(alice), &json!("system")));
    assert_eq!(records[2]["data"]["address"], "127.0.0.1", "the address of the guesser is not alice's");
    let subject = records[3]["subject"].as_str().unwrap();
    assert!(subject.starts_with("name:") && !records[3].to_string().contains("hunter2"), "{subject}");
}

#[test]
fn log_ins_are_stored_before_the_answer_on_sqlite() {
    log_ins_are_stored_before_the_answer(&World::on_sqlite());
}

#[test]
fn log_ins_are_stored_before_the_answer_on_mongodb() {
    log_ins_are_stored_before_the_answer(&World::on_mongodb());
}

/// What several instances and restarts see of the keys is stored once.
fn each_step_of_a_key_is_one_event(world: &World) {
    const KINDS: [&str; 5] = ["key.published", "key.activated", "key.retired", "key.removed", "key.revoked"];
    let (one, another) = (world.serve(&[]), world.serve(&[]));
    let wait_for = |count: usize| {
        eventually("the events of the keys are there", || {
            Some(world.records(&KINDS)).filter(|records| records.len() >= count)
        })
    };
    let first = wait_for(2);
    assert_eq!(members(&first, "kind"), ["key.published", "key.activated"]);
    assert_eq!(first[0]["data"]["algorithm"], "RS256");
    world.run(&["keys", "rotate", "--now", "--yes"]);
    [one, another].into_iter().for_each(Program::kill);
    let (one, another) = (world.serve(&[]), world.serve(&[]));
    let records = wait_for(5);
    let mut steps: Vec<_> = records
        .iter()
        .map(|record| [&record["kind"], &record["subject"]].map(|member| member.as_str().unwrap()))
        .collect();
    steps.sort_unstable();
    steps.dedup();
    assert_eq!((steps.len(), records.len()), (5, 5), "{records:#?}");
    [one, another].into_iter().for_each(Program::kill);
    let acts = world.records(&["operator.acted"]);
    assert_eq!(members(&acts, "subject"), ["command:keys rotate"]);
    let actor = acts[0]["actor"].as_str().unwrap();
    let (_, machine) = actor.split_once("operator:ada@").unwrap();
    assert!(!machine.is_empty(), "{actor}");
}

#[test]
fn each_step_of_a_key_is_one_event_on_sqlite() {
    each_step_of_a_key_is_one_event(&World::on_sqlite());
}

#[test]
fn each_step_of_a_key_is_one_event_on_mongodb() {
    each_step_of_a_key_is_one_event(&World::on_mongodb());
}

/// Other settings are one event, which contains no value of theirs.
fn changed_settings_are_told_by_name(world: &World) {
    let stored = |count: usize| {
        eventually("the event of the settings is there", || {
            Some(world.records(&["settings.changed"])).filter(|records| records.len() >= count)
        })
    };
    let program = world.serve(&[]);
    assert_eq!(stored(1).len(), 1);
    program.kill();
    let new_secret = format!("{SECRET},kept");
    let program = world.serve(&[("JWT_ISSUER", "another-issuer"), ("SERVER_SECRET", &new_secret)]);
    let second = stored(2).pop().unwrap();
    program.kill();
    assert_eq!(second["data"]["settings"], json!(["JWT_ISSUER", "SERVER_SECRET"]));
    assert!(!second.to_string().contains("another-issuer") && !second.to_string().contains(SECRET));
    let program = world.serve(&[
        ("JWT_ISSUER", "another-issuer"),
        ("SERVER_SECRET", &new_secret),
        ("LOG_LEVEL", "debug"),
    ]);
    let third = stored(3);
    program.kill();
    assert_eq!(third[2]["data"]["settings"], json!(["LOG_LEVEL"]));
    assert_eq!(third.len(), 3);
}

const SECRET: &str = "c2VydmVyLXNlY3JldC1vZi10aGUtdGVzdHMtMDEyMzQ1Njc4OWFiY2RlZg==";

#[test]
fn changed_settings_are_told_by_name_on_sqlite() {
    changed_settings_are_told_by_name(&World::on_sqlite());
}

#[test]
fn changed_settings_are_told_by_name_on_mongodb() {
    changed_settings_are_told_by_name(&World::on_mongodb());
}

/// Tokens of machines are counted for each client, and a stop loses none of them.
fn tokens_of_machines_are_counted(world: &World) {
    let created = world.run(&["clients", "create", "machine", "--grant", "client_credentials", "--generate"]);
    let secret = created["client_secret"].as_str().unwrap().to_owned();
    let program = world.serve(&[]);
    let client = program.client();
    for _ in 0..3 {
        client.demo_token(&json!({}));
    }
    let machine = client.with_secret("machine", &secret);
    for _ in 0..2 {
        machine.post("/api/token/generate", &json!({})).ok();
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = machine.send(http::Method::POST, "/oauth/token", &form, "grant_type=client_credentials");
    assert_eq!(answer.status, 200, "{}", answer.text());
    program.stop();
    let machine = Some("machine".to_owned());
    let expected = [
        ("token.client_credentials".to_owned(), machine.clone(), 1),
        ("token.demo".to_owned(), None, 3),
        ("token.generated".to_owned(), machine, 2),
    ];
    assert_eq!(world.counts(), expected);
}

#[test]
fn tokens_of_machines_are_counted_on_sqlite() {
    tokens_of_machines_are_counted(&World::on_sqlite());
}

#[test]
fn tokens_of_machines_are_counted_on_mongodb() {
    tokens_of_machines_are_counted(&World::on_mongodb());
}
