//! T3: three instances on one replica set, with faults of every kind one after the other. The strictest possible verifiers
//! and real verifiers in other languages check the tokens. Every token must verify.
//!
//! `JWT_TEST_ROUNDS` is the number of faults. Without it, the test ends after three keys.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use mongodb::bson::{Document, doc};
use rustix::process::Signal;
use tempfile::TempDir;

use super::instances::{in_database, start, stored};
use super::rotation::{kid_of, now, token};
use crate::support::mongod::{ReplicaSet, command};
use crate::support::{Balancer, Client, Fault, Program, Proxy, Strict, Verifier};

/// The slowest of the real verifiers fetches a key set for an unknown `kid` once in thirty seconds.
const COOLDOWN: u64 = 32;
/// `JWKS_MAX_AGE`.
const MAX_AGE: u64 = 2;
/// The time until all verifiers know a key (with four seconds for instances that are behind), and a reserve.
const PERIOD: u64 = COOLDOWN + MAX_AGE + 4 + 2;
/// The instance that can be cut off from the database.
const CUT_OFF: usize = 2;

/// What the threads that check have seen.
#[derive(Default)]
struct Seen {
    tokens: AtomicUsize,
    kids: Mutex<BTreeSet<String>>,
    failures: Mutex<Vec<String>>,
    over: AtomicBool,
}

struct Fleet {
    set: ReplicaSet,
    proxy: Proxy,
    folder: TempDir,
    programs: Vec<Program>,
    clients: Arc<Mutex<Vec<Client>>>,
    balancer: Balancer,
}

impl Fleet {
    fn start() -> Self {
        let set = ReplicaSet::start(3);
        prefer_first(&set);
        let proxy = Proxy::before(set.address(0));
        let folder = tempfile::tempdir().unwrap();
        let programs: Vec<_> = (0..3).map(|index| instance(&folder, &set, &proxy, index)).collect();
        let clients = programs.iter().map(Program::client).collect();
        let balancer = Balancer::before(programs.iter().map(Program::address).collect());
        Self { set, proxy, folder, programs, clients: Arc::new(Mutex::new(clients)), balancer }
    }

    /// Ends an instance in this way and starts it again.
    fn restart(&mut self, index: usize, end: impl FnOnce(Program)) {
        end(self.programs.remove(index));
        let program = instance(&self.folder, &self.set, &self.proxy, index);
        self.balancer.replace(index, program.address());
        self.clients.lock().unwrap()[index] = program.client();
        self.programs.insert(index, program);
    }

    /// One fault, and its end.
    fn suffer(&mut self, round: usize) {
        let index = round % 3;
        match round % 7 {
            0 => self.restart(index, Program::kill),
            1 => {
                self.programs[index].freeze();
                let_pass(6);
                self.programs[index].signal(Signal::CONT);
            }
            2 => {
                let _ = command(&self.set.uri("admin"), doc! { "replSetStepDown": 3, "force": true });
                let_pass(3);
            }
            3 => {
                self.proxy.set(Fault::BlackHole);
                let_pass(7);
                self.proxy.set(Fault::None);
            }
            4 => {
                self.wait_for_a_change();
                self.restart(index, Program::kill);
            }
            5 => {
                self.proxy.set(Fault::Cut);
                let_pass(2);
                self.proxy.set(Fault::None);
            }
            _ => self.restart(index, |program| drop(program.stop())),
        }
    }

    /// Waits for a change of the ring: the worst moment for the instance that makes it.
    fn wait_for_a_change(&self) {
        let revision = || stored(&self.set.uri("fleet")).get("revision").cloned();
        let before = revision();
        for _ in 0..40 {
            if revision() != before {
                return;
            }
            pause(Duration::from_millis(100));
        }
    }
}

fn instance(folder: &TempDir, set: &ReplicaSet, proxy: &Proxy, index: usize) -> Program {
    let uri = match index {
        CUT_OFF => format!("mongodb://{}/fleet?directConnection=true", proxy.address()),
        _ => set.uri("fleet"),
    };
    let ours = ["VERIFIER_CACHE", "KEY_ROTATION", "JWKS_MAX_AGE", "JWT_EXPIRATION", "MAX_TOKEN_LIFETIME"];
    let mut settings = in_database(&uri);
    settings.retain(|(name, _)| !ours.contains(name));
    settings.extend([
        ("VERIFIER_CACHE", format!("{COOLDOWN}s")),
        ("JWKS_MAX_AGE", format!("{MAX_AGE}s")),
        ("KEY_ROTATION", format!("{PERIOD}s")),
        ("JWT_EXPIRATION", "60s".to_owned()),
        ("MAX_TOKEN_LIFETIME", "60s".to_owned()),
    ]);
    start(folder, &settings)
}

/// The first member is primary if it can be, because the instance behind the proxy knows only this member.
fn prefer_first(set: &ReplicaSet) {
    let uri = set.uri("admin");
    let mut config =
        command(&uri, doc! { "replSetGetConfig": 1 }).unwrap().get_document("config").unwrap().clone();
    config.insert("version", config.get_i32("version").unwrap() + 1);
    for member in config.get_array_mut("members").unwrap() {
        let member = member.as_document_mut().unwrap();
        let first = member.get_i32("_id").unwrap() == 0;
        member.insert("priority", if first { 5 } else { 1 });
    }
    command(&uri, doc! { "replSetReconfig": config }).unwrap();
    crate::support::eventually("the first member leads", || {
        let address = format!("mongodb://{}/admin?directConnection=true", set.address(0));
        let hello: Document = command(&address, doc! { "hello": 1 }).ok()?;
        hello.get_bool("isWritablePrimary").ok()?.then_some(())
    });
}

fn pause(time: Duration) {
    let (_never, nothing) = mpsc::channel::<()>();
    let _ = nothing.recv_timeout(time);
}

/// Waits while a fault lasts: the test varies this time.
fn let_pass(seconds: u64) {
    pause(Duration::from_secs(seconds));
}

/// Takes tokens from one instance until the test ends, and checks them.
fn take(index: usize, fleet: &Fleet, seen: &Arc<Seen>, foreign: mpsc::SyncSender<String>) -> JoinHandle<()> {
    let (clients, seen, url) = (Arc::clone(&fleet.clients), Arc::clone(seen), fleet.balancer.url());
    std::thread::spawn(move || {
        // One fetches the key set each time, one keeps it as long as the header says, and one ignores the header.
        let blind = [Duration::ZERO, Duration::from_secs(COOLDOWN)];
        let mut verifiers = blind.map(|blind| Strict::new(&url, blind));
        let mut attentive = 0;
        while !seen.over.load(Ordering::Relaxed) {
            pause(Duration::from_millis(5));
            let client = clients.lock().unwrap()[index].clone();
            let Some(token) = token(&client) else { continue };
            for verifier in &mut verifiers {
                if let Err(refused) = verifier.check(&token, now()) {
                    seen.failures.lock().unwrap().push(format!("instance {index}: {refused}"));
                }
            }
            attentive += 1;
            if attentive % 50 == 0
                && let Err(refused) = Strict::new(&url, Duration::ZERO).check(&token, now())
            {
                seen.failures.lock().unwrap().push(format!("instance {index}, fetched just now: {refused}"));
            }
            seen.tokens.fetch_add(1, Ordering::Relaxed);
            seen.kids.lock().unwrap().insert(kid_of(&token));
            // Real verifiers are slower, so they check only some of the tokens.
            let _ = foreign.try_send(token);
        }
    })
}

/// Checks tokens with verifiers in other languages.
fn check_elsewhere(url: &str, seen: &Arc<Seen>, tokens: mpsc::Receiver<String>) -> JoinHandle<usize> {
    let (url, seen) = (format!("{url}/.well-known/jwks.json"), Arc::clone(seen));
    std::thread::spawn(move || {
        let mut verifiers = Verifier::all(&url, "jwt-generator-app", "jwt-generator-api");
        let mut count = 0;
        while let Ok(token) = tokens.recv() {
            for verifier in &mut verifiers {
                let answer = verifier.ask(&token);
                if !answer.starts_with("ok ") {
                    let failure = format!("{}: {answer} for {}", verifier.name, kid_of(&token));
                    seen.failures.lock().unwrap().push(failure);
                }
            }
            count += 1;
        }
        count
    })
}

/// Each key was published after the previous one had begun to sign, and signed for at least one period.
pub fn one_key_a_period(ring: &Document, period: u64) {
    let keys = ring.get_array("keys").unwrap().iter().map(|key| key.as_document().unwrap());
    let number = |key: &Document, member: &str| match key.get(member) {
        Some(mongodb::bson::Bson::Int64(number)) => *number,
        Some(mongodb::bson::Bson::Int32(number)) => i64::from(*number),
        other => panic!("{member}: {other:?}"),
    };
    let activated: Vec<_> = keys.clone().filter(|key| key.contains_key("activated_at")).collect();
    for pair in activated.windows(2) {
        assert!(number(pair[1], "published_at") >= number(pair[0], "activated_at"), "{ring}");
        let signed = number(pair[1], "activated_at") - number(pair[0], "activated_at");
        assert!(signed >= period as i64, "a key signed for {signed} s: {ring}");
    }
    assert!(keys.count() <= activated.len() + 1, "one key at the most waits: {ring}");
}

#[test]
fn t3_no_token_fails_while_instances_are_killed_stopped_and_cut_off() {
    let rounds = std::env::var("JWT_TEST_ROUNDS").map_or(0, |rounds| rounds.parse().unwrap());
    let mut fleet = Fleet::start();
    let seen = Arc::new(Seen::default());
    let (to_foreign, foreign) = mpsc::sync_channel(4);
    let elsewhere = check_elsewhere(&fleet.balancer.url(), &seen, foreign);
    let takers: Vec<_> = (0..3).map(|index| take(index, &fleet, &seen, to_foreign.clone())).collect();
    drop(to_foreign);
    let mut round = 0;
    while round < rounds || seen.kids.lock().unwrap().len() < 3 {
        fleet.suffer(round);
        round += 1;
        if !seen.failures.lock().unwrap().is_empty() {
            break;
        }
        assert!(round < rounds.max(200), "keys do not change");
    }
    seen.over.store(true, Ordering::Relaxed);
    takers.into_iter().for_each(|taker| taker.join().unwrap());
    let (checked, tokens) = (elsewhere.join().unwrap(), seen.tokens.load(Ordering::Relaxed));
    let logs: String = fleet.programs.iter().map(Program::log).collect();
    let failures = seen.failures.lock().unwrap();
    assert!(failures.is_empty(), "round {round}: {failures:#?}\n{logs}");
    one_key_a_period(&stored(&fleet.set.uri("fleet")), PERIOD);
    assert!(checked > 0);
    println!(
        "{round} faults, {} keys, {tokens} tokens, {checked} of them checked elsewhere too",
        seen.kids.lock().unwrap().len()
    );
}
