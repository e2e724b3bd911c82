//! How long an attempt must wait, and what ends it.

use jwt_generator::domain::{Initiator, LoginName};
use serde_json::json;

use super::{
    BEHIND_A_PROXY, ELSEWHERE, HOME, Patient, guess, is_limited, is_wrong, must_wait, own_log_in, register,
};
use crate::support::{Program, Service, folder_with_keys, jwt_generator, run};

const WAITS: [u64; 16] = [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900];

#[test]
fn after_five_failures_the_next_attempts_wait_longer_and_longer() {
    let service = Service::with(&BEHIND_A_PROXY);
    register(&service.anonymous(), "alice");
    let mut patient = Patient::new(&service);
    assert_eq!(patient.guess(ELSEWHERE, "alice", 16), WAITS);
    assert_eq!(patient.guess(ELSEWHERE, "alice", 3), [900; 3], "a quarter of an hour is the longest wait");
}

#[test]
fn the_name_in_any_case_and_the_address_mean_the_same_account() {
    let service = Service::with(&BEHIND_A_PROXY);
    register(&service.anonymous(), "alice");
    let client = service.anonymous();
    for name in ["alice", "ALICE", "  Alice ", "alice@example.com", "Alice@Example.com"] {
        is_wrong(&guess(&client, ELSEWHERE, name));
    }
    must_wait(&guess(&client, ELSEWHERE, "alice"));
}

#[test]
fn an_attempt_that_must_wait_is_refused_even_with_the_right_password() {
    let service = Service::with(&BEHIND_A_PROXY);
    register(&service.anonymous(), "alice");
    let mut patient = Patient::new(&service);
    patient.guess(ELSEWHERE, "alice", 5);
    assert_eq!(must_wait(&own_log_in(&service.anonymous(), ELSEWHERE, "alice")), 1);
    assert_eq!(must_wait(&own_log_in(&service.anonymous(), ELSEWHERE, "alice")), 1, "it is not counted");
    patient.wait(1);
    own_log_in(&service.anonymous(), ELSEWHERE, "alice").ok();
}

#[test]
fn a_log_in_begins_the_count_anew() {
    let service = Service::with(&BEHIND_A_PROXY);
    register(&service.anonymous(), "alice");
    let client = service.anonymous();
    for _ in 0..3 {
        (0..4).for_each(|_| is_wrong(&guess(&client, ELSEWHERE, "alice")));
        own_log_in(&client, ELSEWHERE, "alice").ok();
    }
}

#[test]
fn after_a_hundred_failures_only_known_addresses_may_try_until_an_operator_unlocks_the_user() {
    let folder = tempfile::tempdir().unwrap();
    let data = [("DATA_DIR", folder.path().to_str().unwrap())];
    let service = Service::with(&[&BEHIND_A_PROXY[..], &data].concat());
    let client = service.anonymous();
    register(&client, "alice");
    let mut patient = Patient::new(&service);
    patient.guess(ELSEWHERE, "alice", 100);
    patient.wait(20 * 86_400);
    for address in [ELSEWHERE, "203.0.113.10"] {
        is_limited(&own_log_in(&client, address, "alice"));
        is_limited(&guess(&client, address, "alice"));
    }
    own_log_in(&client, HOME, "alice").ok();
    is_limited(&own_log_in(&client, ELSEWHERE, "alice"));
    service.manage(async |users| {
        let alice = LoginName::from_text("alice");
        users.unlock_user(&alice, &Initiator::OPERATOR).await.unwrap();
    });
    is_wrong(&guess(&client, ELSEWHERE, "alice"));
    own_log_in(&client, ELSEWHERE, "alice").ok();
}

/// All that an attacker sees of guesses until an account is limited, and of two more.
fn seen_by_an_attacker(service: &Service, names: &[&str]) -> Vec<String> {
    let (mut patient, client) = (Patient::new(service), service.anonymous());
    let (mut seen, mut limited) = (Vec::new(), 0);
    while limited < 3 {
        let answer = guess(&client, ELSEWHERE, names[seen.len() % names.len()]);
        let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
        headers.retain(|(name, _)| *name != "x-request-id" && *name != "date");
        headers.sort();
        seen.push(format!("{} {headers:?} {}", answer.status, answer.text()));
        limited += usize::from(answer.status == 403);
        if answer.status == 429 {
            patient.wait(must_wait(&answer));
        }
    }
    seen
}

#[test]
fn a_name_that_no_user_has_behaves_like_a_users() {
    let (one, other) = (Service::with(&BEHIND_A_PROXY), Service::with(&BEHIND_A_PROXY));
    for name in ["alice", "bob"] {
        register(&one.anonymous(), name);
    }
    for names in [&["alice", "ALICE", " Alice"][..], &["bob@example.com", "Bob@Example.COM"]] {
        assert_eq!(seen_by_an_attacker(&one, names), seen_by_an_attacker(&other, names), "{names:?}");
    }
}

#[test]
fn the_command_unlocks_a_user_while_the_server_runs() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4"), ("RATE_LIMITS", "off")]);
    let client = program.client();
    client.register("alice");
    let users = |subcommand: &str| {
        let mut command = jwt_generator(folder.path());
        let shown = run(command.args(["users", subcommand, "--json", "Alice@example.com"]));
        serde_json::from_str::<serde_json::Value>(&shown).unwrap()
    };
    let nothing = users("unlock");
    assert_eq!((&nothing["username"], &nothing["forgottenFailures"]), (&json!("alice"), &json!(0)));
    // Each answer is a failure more: on a slow machine a wait can end before the next attempt comes, and the next wait is
    // twice as long.
    let mut answers = 0;
    while guess(&client, HOME, "alice").status == 401 {
        answers += 1;
    }
    assert!(answers >= 5, "{answers}");
    assert_eq!(users("show")["failedLogIns"]["count"], answers);
    assert_eq!(users("unlock")["forgottenFailures"], answers);
    assert_eq!(users("show")["failedLogIns"], json!({ "count": 0, "waitSeconds": 0, "limited": false }));
    (0..4).for_each(|_| is_wrong(&guess(&client, HOME, "alice")));
    assert_eq!(own_log_in(&client, HOME, "alice").status, 200);
}
