//! Everybody who writes: who registers where, and what they were told. In the end that must be true.

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

/// Two verbs of the store that each run into their deadline of two seconds, and as much again for a busy machine.
const LIMIT: Duration = Duration::from_secs(8);
/// Who is asked for when everybody is to be looked up.
const READERS: usize = 8;

/// A registration, and its answer.
#[derive(Clone)]
struct Entry {
    region: usize,
    name: String,
    status: u16,
    took: Duration,
}

/// Writes in both regions until it is told to end.
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

    /// How many in a region have been told that they are registered, and how many that it could not be done.
    pub fn counts(&self, region: usize) -> (usize, usize) {
        let entries = self.entries.lock().unwrap();
        let told = |created| {
            let here = entries.iter().filter(|entry| entry.region == region);
            here.filter(|entry| (entry.status == 201) == created).count()
        };
        (told(true), told(false))
    }

    /// Ends it, and holds what everybody was told against what there is, in both regions.
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

/// Whoever is to be looked up next; the list is free for others at once.
fn next(left: &Mutex<Vec<Entry>>) -> Option<Entry> {
    left.lock().unwrap().pop()
}

/// Registers somebody new.
fn register(client: &Client, region: usize) -> (Entry, Answer) {
    let name = unique("user");
    let began = Instant::now();
    let answer = client.post("/api/auth/register", &registration(&name));
    (Entry { region, name, status: answer.status, took: began.elapsed() }, answer)
}

/// Registered; or the database did not answer; or it did, and no key may sign as yet.
fn is_well_told(answer: &Answer) -> bool {
    answer.status == 201 || is_unavailable(answer) || is_without_keys(answer)
}

/// Whether this is the refusal of who does not reach the database, to the letter.
pub fn is_unavailable(answer: &Answer) -> bool {
    let told = json!({
        "success": false,
        "error": "The database is unavailable; try again shortly",
        "code": "database_unavailable",
    });
    answer.status == 503 && answer.json() == told && answer.header("retry-after") == Some("5")
}

/// Who was registered is there, in both regions. Who was refused is there as a whole or not at all, and then may try
/// again. Whether they were there.
fn settle(entry: &Entry, world: &World) -> bool {
    let there = is_there(world, &entry.name);
    if entry.status == 201 {
        assert!(there, "{} was told in region {} that they are registered", entry.name, entry.region);
    } else if !there {
        eventually("who was refused registers", || {
            let answer = world.client(entry.region).post("/api/auth/register", &registration(&entry.name));
            // One that failed meanwhile may have taken effect.
            (answer.status == 201 || answer.status == 409).then_some(())
        });
        assert!(is_there(world, &entry.name), "{} has registered just now", entry.name);
    }
    there
}

/// Whether somebody can log in; both regions must say the same.
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
