//! Changes, log-ins and their events under kill -9 at any instant: no acknowledged change is without its event, and no event
//! without its change. Each acknowledged log-in has exactly one event. `JWT_TEST_KILLS` is the number of rounds; without it, there are a few.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jwt_generator::domain::UserId;
use jwt_generator::entropy::Entropy;
use jwt_generator::store::mongo::Mongo;
use jwt_generator::store::sqlite::Sqlite;
use jwt_generator::store::{EventRecorder, IfMissing, Stores};
use serde_json::{Value, json};

use super::event_log::all;
use super::sqlite::CHEAP;
use crate::support::client::registration;
use crate::support::{Client, Program, eventually, folder_with_keys, jwt_generator, mongod};

/// Clients that register at once.
const RACERS: usize = 6;

fn rounds() -> usize {
    std::env::var("JWT_TEST_KILLS").map_or(4, |rounds| rounds.parse().unwrap())
}

/// What clients and operators were told.
#[derive(Default)]
struct Told {
    /// The names of the users who were registered.
    registered: BTreeSet<String>,
    /// The requests whose log-ins succeeded.
    logged_in: BTreeSet<String>,
    /// The names of the users who were deleted.
    deleted: BTreeSet<String>,
    /// The names of users and how often their sessions were ended.
    logged_out: BTreeMap<String, usize>,
}

/// Registers users and logs them in until the server does not answer.
fn register(client: &Client, prefix: &str, told: &Mutex<Told>, acknowledged: &AtomicUsize) {
    for n in 0.. {
        let name = format!("{prefix}n{n}");
        match succeeds(client, "/api/auth/register", &registration(&name), &format!("{name}-register")) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(_) => return,
        }
        told.lock().unwrap().registered.insert(name.clone());
        acknowledged.fetch_add(1, Ordering::Relaxed);
        let log_in = json!({ "username": name, "password": format!("secret-{name}") });
        let request_id = format!("{name}-log-in");
        match succeeds(client, "/api/auth/login", &log_in, &request_id) {
            Ok(true) => assert!(told.lock().unwrap().logged_in.insert(request_id)),
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

/// Whether a request of this id succeeds; false if the server refuses it because the database does not answer.
fn succeeds(client: &Client, path: &str, body: &Value, request_id: &str) -> Result<bool, ureq::Error> {
    let headers = [("content-type", "application/json"), ("x-request-id", request_id)];
    let answer = client.try_send(http::Method::POST, path, &headers, body.to_string())?;
    let succeeded = matches!(answer.status, 200 | 201);
    assert!(succeeded || answer.status == 503, "{}: {}", answer.status, answer.text());
    Ok(succeeded)
}

/// Runs commands of an operator, and kills the last one of them together with a server, while clients register.
fn round(number: usize, folder: &Path, settings: &[(&str, &str)], servers: usize, told: &Mutex<Told>) {
    let mut programs: Vec<_> = (0..servers).map(|_| Program::start(folder, settings)).collect();
    let known: Vec<String> = told.lock().unwrap().registered.iter().cloned().collect();
    let acknowledged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for racer in 0..RACERS {
            let client = programs[racer % programs.len()].client();
            let acknowledged = &acknowledged;
            scope.spawn(move || register(&client, &format!("k{number}r{racer}"), told, acknowledged));
        }
        let mut command = None;
        let left = known.iter().filter(|name| !told.lock().unwrap().deleted.contains(*name));
        if let Some(name) = left.cycle().nth(number * 5) {
            let what = if number.is_multiple_of(2) { "delete" } else { "log-out" };
            let mut program = jwt_generator(folder);
            program.args(["users", what, name]).args((what == "delete").then_some("--yes"));
            program.envs(settings.iter().copied()).stdin(Stdio::null());
            let child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            command = Some((what, name, child));
        }
        let enough = 1 + number * 7 % 40;
        eventually("some users are registered", || {
            (acknowledged.load(Ordering::Relaxed) >= enough).then_some(())
        });
        if let Some((what, name, mut child)) = command {
            if number.is_multiple_of(3) {
                child.kill().unwrap();
            }
            let (ended, mut told) = (child.wait().unwrap(), told.lock().unwrap());
            match what {
                "delete" if ended.success() => assert!(told.deleted.insert(name.clone())),
                "log-out" if ended.success() => *told.logged_out.entry(name.clone()).or_default() += 1,
                _ => {}
            }
        }
        programs.drain(..).for_each(Program::kill);
    });
}

/// Compares what was told with the users and the events that are there.
async fn check(stores: Stores, told: Told) {
    let mut users = BTreeMap::new();
    let mut after = None;
    loop {
        let page = stores.users.list_users(after, 500).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        users.extend(page.into_iter().map(|user| (user.id, user.username.as_str().to_owned())));
    }
    let mut events: BTreeMap<String, BTreeMap<UserId, usize>> = BTreeMap::new();
    let mut log_ins: BTreeMap<String, usize> = BTreeMap::new();
    for event in all(stores.events.as_ref()).await {
        let record: serde_json::Value = serde_json::from_str(&event.record.unwrap()).unwrap();
        // The events of keys and settings have no person.
        let Some(person) = record["person"].as_str() else { continue };
        let person = UserId::parse(person).unwrap();
        if event.kind == "login.succeeded" {
            *log_ins.entry(record["request_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        *events.entry(event.kind).or_default().entry(person).or_default() += 1;
    }
    let of_kind = |kind: &str| events.get(kind).cloned().unwrap_or_default();
    let (registered, deleted) = (of_kind("user.registered"), of_kind("user.deleted"));
    assert!(registered.values().chain(deleted.values()).all(|times| *times == 1), "no event is there twice");
    let expected: BTreeSet<_> = users.keys().chain(deleted.keys()).copied().collect();
    assert_eq!(registered.keys().copied().collect::<BTreeSet<_>>(), expected, "a user is one registration");
    assert!(deleted.keys().all(|id| !users.contains_key(id)), "a deletion has deleted");
    let names: BTreeSet<_> = users.values().cloned().collect();
    let lost: Vec<_> = told.registered.difference(&names).collect();
    assert!(lost.len() <= deleted.len(), "only deleted users are gone: {lost:?}");
    assert!(deleted.len() >= told.deleted.len() && told.deleted.is_disjoint(&names));
    let logged_out: usize = of_kind("user.logged_out").values().sum();
    assert!(logged_out >= told.logged_out.values().sum());
    assert!(log_ins.values().all(|times| *times == 1), "no event of a log-in is there twice");
    let lost: Vec<_> = told.logged_in.iter().filter(|request| !log_ins.contains_key(*request)).collect();
    assert!(lost.is_empty(), "each acknowledged log-in has its event: {lost:?}");
    println!(
        "{} users were registered, {} logged in, {} deleted and {} logged out; {} registrations and {} log-ins were acknowledged",
        registered.len(),
        log_ins.len(),
        deleted.len(),
        logged_out,
        told.registered.len(),
        told.logged_in.len()
    );
}

fn crash(folder: &Path, settings: &[(&str, &str)], servers: usize) -> Told {
    let told = Mutex::default();
    (0..rounds()).for_each(|number| round(number, folder, settings, servers, &told));
    told.into_inner().unwrap()
}

#[test]
fn under_kill_9_each_change_has_its_event_on_sqlite() {
    let folder = folder_with_keys();
    let told = crash(folder.path(), &[CHEAP], 1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let events = Arc::new(EventRecorder::new(Entropy::seeded(1)));
        let store = Sqlite::with_events(&folder.path().join("data"), IfMissing::Refuse, events).unwrap();
        check(Stores::of(store), told).await;
    });
}

#[test]
fn under_kill_9_of_two_instances_each_change_has_its_event_on_mongodb() {
    let (folder, uri) = (folder_with_keys(), mongod::new_database());
    let told = crash(folder.path(), &[CHEAP, ("MONGODB_URI", &uri)], 2);
    eventually("the database has ended what the killed servers asked", || {
        mongod::is_quiet(&uri).unwrap().then_some(())
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Mongo::with_events(&uri, Arc::new(EventRecorder::new(Entropy::seeded(1)))).unwrap();
        check(Stores::of(store), told).await;
    });
}
