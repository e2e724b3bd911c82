//! P7: no answer, and no work that takes time, shows an attacker whether a user exists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::client::registration;
use crate::support::{Answer, Service, mongod};

/// What an attacker sees of an answer.
fn seen(answer: &Answer) -> String {
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.retain(|(name, _)| *name != "x-request-id" && *name != "date");
    headers.sort_unstable();
    format!("{} {headers:?} {}", answer.status, answer.text())
}

/// How many password hashes were computed, and how often each verb of the store was called.
fn work(service: &Service) -> BTreeMap<String, u64> {
    let metrics = service.admin().get("/metrics");
    let counted = |line: &&str| {
        line.starts_with("jwt_store_call_duration_seconds_count")
            || line.starts_with("jwt_queue_wait_seconds_count{queue=\"hash\"}")
    };
    let lines = metrics.text().lines().filter(counted).map(|line| line.rsplit_once(' ').unwrap());
    // The tasks in the background call other verbs.
    let of_accounts = |name: &str| ["user", "throttle", "hash"].iter().any(|word| name.contains(word));
    let of_accounts = lines.filter(|(name, _)| of_accounts(name));
    of_accounts.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect()
}

/// The answer to a request, and the work that it caused.
fn asked(service: &Service, path: &str, body: &Value) -> (Answer, BTreeMap<String, u64>) {
    let before = work(service);
    let answer = service.anonymous().post(path, body);
    let grown = |(name, count): (String, u64)| {
        let more = count - before.get(&name).copied().unwrap_or_default();
        (more > 0).then_some((name, more))
    };
    let grown = work(service).into_iter().filter_map(grown).collect();
    (answer, grown)
}

fn each_store() -> [Service; 2] {
    [Service::start(), Service::with(&[("MONGODB_URI", &mongod::new_database())])]
}

#[test]
fn p7_a_log_in_that_fails_looks_alike_and_works_alike_whether_the_user_exists() {
    for service in each_store() {
        ["alice", "bob"].iter().for_each(|name| drop(service.user(name)));
        let long = "x".repeat(73);
        // The failures of an account are counted, so each row has names of its own.
        let guesses = [
            ("alice", "wrong-one"),
            ("nobody", "wrong-one"),
            ("alice@example.com", "wrong-one"),
            ("nobody@example.com", "wrong-one"),
            ("bob", &long),
            ("no-other", &long),
        ];
        let guess = |(name, password): (&str, &str)| {
            asked(&service, "/api/auth/login", &json!({ "username": name, "password": password }))
        };
        let all = guesses.map(guess).map(|(answer, work)| (seen(&answer), work));
        assert!(all[0].0.starts_with("401 "), "{}", all[0].0);
        assert_eq!(all[0].1["jwt_queue_wait_seconds_count{queue=\"hash\"}"], 1);
        for (guess, (answer, work)) in guesses.iter().zip(&all) {
            assert_eq!(*answer, all[0].0, "{guess:?}");
            // An address is looked up as an address and as a name; a name is looked up as a name.
            let like = if guess.0.contains('@') { &all[2] } else { &all[0] };
            assert_eq!(*work, like.1, "{guess:?}");
        }
    }
}

#[test]
fn p7_a_registration_that_is_refused_computes_the_same_hash_as_one_that_succeeds() {
    for service in each_store() {
        service.user("alice");
        let register = |name: &str| asked(&service, "/api/auth/register", &registration(name));
        let (taken, of_taken) = register("alice");
        let (added, of_added) = register("bob");
        taken.is_refused(409, "user_exists", "User with this username or email already exists");
        assert_eq!(added.status, 201);
        let hashes = |work: &BTreeMap<String, u64>| work["jwt_queue_wait_seconds_count{queue=\"hash\"}"];
        assert_eq!((hashes(&of_taken), hashes(&of_added)), (1, 1));
    }
}
