//! Takes tokens from each server, and checks each token with the strictest verifiers of both regions: at once, and again
//! and again until it expires.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use super::super::rotation::{kid_of, now};
use super::world::{A, B, VERIFIER_CACHE, World};
use crate::support::{Answer, Client, Strict};

/// A server: its region, and its number there.
type Server = (usize, usize);

/// What the test has seen of all servers.
#[derive(Default)]
pub struct Tokens {
    taken: AtomicUsize,
    checks: AtomicUsize,
    servers: Mutex<BTreeMap<Server, Signed>>,
    failures: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// What a server has signed.
#[derive(Clone, Debug, Default)]
pub struct Signed {
    pub kids: BTreeSet<String>,
    /// `iat` of its last token.
    pub last: u64,
    /// Whether it refuses to sign now.
    pub refuses: bool,
}

/// Takes and checks tokens until the test stops it.
pub struct Traffic {
    seen: Arc<Tokens>,
    threads: Vec<JoinHandle<()>>,
}

impl Traffic {
    pub fn start(world: &World) -> Self {
        let seen = Arc::new(Tokens::default());
        let servers =
            [A, B].map(|region| world.clients(region).enumerate().map(move |(n, c)| ((region, n), c)));
        let threads = servers.into_iter().flatten().map(|(server, client)| {
            let taker = Taker::new(server, client, world, Arc::clone(&seen));
            std::thread::spawn(move || taker.run())
        });
        Self { threads: threads.collect(), seen }
    }

    /// What the servers of a region have signed so far.
    pub fn of(&self, region: usize) -> Vec<Signed> {
        let servers = self.seen.servers.lock().unwrap();
        servers.iter().filter(|((of, _), _)| *of == region).map(|(_, signed)| signed.clone()).collect()
    }

    /// Whether nothing has gone wrong so far.
    pub fn is_well(&self) -> bool {
        self.seen.failures.lock().unwrap().is_empty()
    }

    /// Stops, and returns what went wrong.
    pub fn end(self) -> Vec<String> {
        self.seen.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let (taken, checks) = (&self.seen.taken, &self.seen.checks);
        println!("{} tokens, {} checks", taken.load(Ordering::Relaxed), checks.load(Ordering::Relaxed));
        std::mem::take(&mut self.seen.failures.lock().unwrap())
    }
}

struct Taker {
    server: Server,
    client: Client,
    /// In each region, a verifier that obeys the header, and one that keeps keys for up to `VERIFIER_CACHE` longer.
    verifiers: Vec<(usize, Strict)>,
    /// A server of each region, which checks the tokens, too.
    validators: [Client; 2],
    /// Earlier tokens that are still valid, with their expiry.
    kept: VecDeque<(u64, String)>,
    seen: Arc<Tokens>,
}

impl Taker {
    fn new(server: Server, client: Client, world: &World, seen: Arc<Tokens>) -> Self {
        let blind = [Duration::ZERO, Duration::from_secs(VERIFIER_CACHE)];
        let of =
            |region: usize| blind.map(|blind| (region, Strict::new(&world.balancers[region].url(), blind)));
        let verifiers = [of(A), of(B)].into_iter().flatten().collect();
        let validators = [A, B].map(|region| world.client(region));
        Self { server, client, verifiers, validators, kept: VecDeque::new(), seen }
    }

    fn run(mut self) {
        let mut looked_back = Instant::now();
        while !self.seen.over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(25));
            let Some(token) = self.take() else { continue };
            self.check(&token);
            if looked_back.elapsed() > Duration::from_secs(1) {
                looked_back = Instant::now();
                self.look_back(token);
            }
        }
    }

    /// A token, unless the server is one that may refuse.
    fn take(&self) -> Option<String> {
        let answer = self.client.send(Method::POST, "/api/token/generate", &[], "");
        let mut servers = self.seen.servers.lock().unwrap();
        let signed = servers.entry(self.server).or_default();
        signed.refuses = answer.status != 200;
        if signed.refuses {
            drop(servers);
            if self.server.0 != B || !is_without_keys(&answer) {
                self.fail(&format!("{}: {}", answer.status, answer.text()));
            }
            return None;
        }
        let token = answer.json()["data"]["access_token"].as_str().unwrap().to_owned();
        signed.kids.insert(kid_of(&token));
        signed.last = instant(&token, "iat");
        self.seen.taken.fetch_add(1, Ordering::Relaxed);
        Some(token)
    }

    fn check(&mut self, token: &str) {
        let (now, mut refusals) = (now(), Vec::new());
        for (region, verifier) in &mut self.verifiers {
            self.seen.checks.fetch_add(1, Ordering::Relaxed);
            let checked = verifier.check(token, now);
            refusals.extend(checked.err().map(|refused| format!("refused in region {region}: {refused}")));
        }
        refusals.iter().for_each(|refused| self.fail(refused));
    }

    /// Checks earlier tokens again, with the verifiers and the servers.
    fn look_back(&mut self, newest: String) {
        self.kept.push_back((instant(&newest, "exp"), newest));
        self.kept.retain(|(end, _)| *end > now() + 2);
        for (_, token) in self.kept.clone() {
            self.check(&token);
        }
        let (_, oldest) = self.kept.front().cloned().unwrap_or_default();
        for (region, validator) in self.validators.iter().enumerate().filter(|_| !oldest.is_empty()) {
            let answer = validator.post("/api/token/validate", &json!({ "token": oldest }));
            if answer.status != 200 {
                self.fail(&format!("not valid in region {region}: {}", answer.text()));
            }
        }
    }

    fn fail(&self, what: &str) {
        let (region, index) = self.server;
        let at = now();
        self.seen.failures.lock().unwrap().push(format!("{at}: server {index} of region {region}: {what}"));
    }
}

/// Whether this is the refusal of a server whose copy of the ring is too old.
pub fn is_without_keys(answer: &Answer) -> bool {
    answer.status == 503 && answer.json()["code"] == "keys_unavailable"
}

fn instant(token: &str, claim: &str) -> u64 {
    let (_, claims) = jose::decode_unverified(token).unwrap();
    serde_json::from_str::<Value>(&claims).unwrap()[claim].as_u64().unwrap()
}
