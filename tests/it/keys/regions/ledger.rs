//! Registers users in both regions and keeps each answer. At the end, the database must agree with the answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use super::tokens::is_without_keys;
use super::world::{A, B, World};
use crate::support::client::registration;
use crate::support::{Answer, Client, eventually, unique};

/// The longest answer: two operations of the store that each reach their deadline of two seconds, doubled for a busy machine.
const LIMIT: Duration = Duration::from_secs(8);
/// How many threads look up the users at the end. So many at once must not make a server lose its database, although each log-in
/// takes several round trips to the primary.
const READERS: usize = 32;

/// A registration, and its answer.
#[derive(Clone)]
struct Entry {
    region: usize,
    name: String,
    status: u16,
    took: Duration,
}

/// Writes in both regions until `stop`.
pub struct Ledger {
    entries: Arc<Mutex<Vec<Entry>>>,
    failures: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Ledger {
    pub fn start(world: &World) -> Self {
        let (entries, failures, over) = (Arc::default(), Arc::default(), Arc::default());
        let mut ledger = Self { entries, failures, over, threads: Vec::new() };
        for region in [A, B] {
            let (client, over) = (world.client(region), Arc::clone(&ledger.over));
            let (entries, failures) = (Arc::clone(&ledger.entries), Arc::clone(&ledger.failures));
            ledger.threads.push(std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let (entry, answer) = register(&client, region);
                    if !is_well_told(&answer) || entry.took > LIMIT {
                        let what =
                            format!("region {region}: {} {} {:?}", answer.status, answer.text(), entry.took);
                        failures.lock().unwrap().push(what);
                    }
                    entries.lock().unwrap().push(entry);
                    std::thread::sleep(Duration::from_millis(500));
                }
            }));
        }
        ledger
    }

    /// In a region, how many registrations were answered with 201, and how many were refused.
    pub fn counts(&self, region: usize) -> (usize, usize) {
        let entries = self.entries.lock().unwrap();
        let told = |created| {
            let here = entries.iter().filter(|entry| entry.region == region);
            here.filter(|entry| (entry.status == 201) == created).count()
        };
        (told(true), told(false))
    }

    /// Stops, and compares each answer with the users that both regions have.
    pub fn settle(self, world: &World) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let entries = self.entries.lock().unwrap().clone();
        let slowest = |created: bool| {
            let these = entries.iter().filter(|entry| (entry.status == 201) == created);
            these.map(|entry| entry.took).max().unwrap_or_default()
        };
        println!("slowest registration {:?}, slowest refusal {:?}", slowest(true), slowest(false));
        let (left, kept) = (Mutex::new(entries), Mutex::new((0, 0)));
        std::thread::scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| {
                    while let Some(entry) = next(&left) {
                        let there = self::settle(&entry, world);
                        if entry.status != 201 {
                            let mut kept = kept.lock().unwrap();
                            *if there { &mut kept.1 } else { &mut kept.0 } += 1;
                        }
                    }
                });
            }
        });
        let (absent, there) = *kept.lock().unwrap();
        println!("of those that were refused, {absent} are not there and {there} are");
        std::mem::take(&mut self.failures.lock().unwrap())
    }
}

/// The next user to look up. Other threads can use the list at once.
fn next(left: &Mutex<Vec<Entry>>) -> Option<Entry> {
    left.lock().unwrap().pop()
}

/// Registers a new user.
fn register(client: &Client, region: usize) -> (Entry, Answer) {
    let name = unique("user");
    let began = Instant::now();
    let answer = client.post("/api/auth/register", &registration(&name));
    (Entry { region, name, status: answer.status, took: began.elapsed() }, answer)
}

/// The allowed answers: registered, the database is unavailable, or no key may sign yet.
fn is_well_told(answer: &Answer) -> bool {
    answer.status == 201 || is_unavailable(answer) || is_without_keys(answer)
}

/// Whether this is the exact refusal of a server that does not reach the database.
pub fn is_unavailable(answer: &Answer) -> bool {
    let told = json!({
        "success": false,
        "error": "The database is unavailable; try again shortly",
        "code": "database_unavailable",
    });
    answer.status == 503 && answer.json() == told && answer.header("retry-after") == Some("5")
}

/// Checks one registration. A registered user exists in both regions. A refused user exists completely or not at all; in
/// the second case, registering again succeeds. Returns whether the user existed.
fn settle(entry: &Entry, world: &World) -> bool {
    let there = is_there(world, &entry.name);
    if entry.status == 201 {
        assert!(there, "{} was told in region {} that they are registered", entry.name, entry.region);
    } else if !there {
        eventually("a refused user registers", || {
            let answer = world.client(entry.region).post("/api/auth/register", &registration(&entry.name));
            // A try that failed meanwhile may have created the user.
            (answer.status == 201 || answer.status == 409).then_some(())
        });
        assert!(is_there(world, &entry.name), "{} has registered just now", entry.name);
    }
    there
}

/// Whether the user can log in. Both regions must give the same answer.
fn is_there(world: &World, name: &str) -> bool {
    let [a, b] = [A, B].map(|region| {
        eventually("a log-in is answered", || match log_in(&world.client(region), name).status {
            200 => Some(true),
            401 => Some(false),
            _ => None,
        })
    });
    assert_eq!(a, b, "the regions disagree about {name}");
    a
}

pub fn log_in(client: &Client, name: &str) -> Answer {
    let body = json!({ "username": name, "password": format!("secret-{name}") }).to_string();
    client.send(Method::POST, "/api/auth/login", &[("content-type", "application/json")], body)
}
