//! The user at a known address and the attacker elsewhere, or behind the same address.

use super::{
    BEHIND_A_PROXY, ELSEWHERE, HOME, Patient, guess, is_limited, is_wrong, must_wait, own_log_in, register,
};
use crate::support::Service;

/// The second address from which the user logs in.
const WORK: &str = "2001:db8:1:2::1";

#[test]
fn the_user_logs_in_while_ten_thousand_addresses_guess() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    register(&client, "alice");
    let answers: Vec<u16> = (0..10_000)
        .map(|n| {
            if n % 1_000 == 0 {
                own_log_in(&client, HOME, "alice").ok();
            }
            guess(&client, &format!("203.{}.{}.7", n / 250, n % 250), "alice").status
        })
        .collect();
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 5, "so many guesses had a verdict");
    assert_eq!(answers.iter().filter(|status| **status == 429).count(), 9_995);
    own_log_in(&client, HOME, "alice").ok();
    must_wait(&own_log_in(&client, ELSEWHERE, "alice"));
}

#[test]
fn an_attacker_behind_the_users_own_address_is_stopped_like_any_other() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    register(&client, "alice");
    own_log_in(&client, WORK, "alice").ok();
    let mut patient = Patient::new(&service);
    let waits = patient.guess(HOME, "alice", 100);
    assert_eq!(waits[..9], [0, 0, 0, 0, 0, 1, 2, 4, 8]);
    patient.wait(900);
    is_limited(&own_log_in(&client, HOME, "alice"));
    own_log_in(&client, WORK, "alice").ok();
    is_wrong(&guess(&client, ELSEWHERE, "alice"));
}

#[test]
fn an_address_is_known_after_a_registration_or_a_log_in_and_not_after_a_failure() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    register(&client, "alice");
    own_log_in(&client, WORK, "alice").ok();
    let mut patient = Patient::new(&service);
    patient.guess(ELSEWHERE, "alice", 6);
    own_log_in(&client, HOME, "alice").ok();
    own_log_in(&client, WORK, "alice").ok();
    own_log_in(&client, "2001:db8:1:2:ffff::9", "alice").ok();
    must_wait(&own_log_in(&client, "2001:db8:1:3::1", "alice"));
    must_wait(&own_log_in(&client, ELSEWHERE, "alice"));
}

#[test]
fn an_address_is_known_to_the_account_that_logged_in_from_it_and_to_no_other() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    register(&client, "alice");
    own_log_in(&client, ELSEWHERE, "alice").ok();
    register(&client, "bob");
    let mut patient = Patient::new(&service);
    patient.guess(ELSEWHERE, "bob", 6);
    must_wait(&own_log_in(&client, "203.0.113.10", "bob"));
    own_log_in(&client, HOME, "bob").ok();
    own_log_in(&client, ELSEWHERE, "alice").ok();
}

#[test]
fn an_address_is_forgotten_thirty_days_after_the_last_log_in() {
    let service = Service::with(&BEHIND_A_PROXY);
    let client = service.anonymous();
    for name in ["alice", "bob"] {
        register(&client, name);
    }
    let mut patient = Patient::new(&service);
    patient.wait(29 * 86_400);
    own_log_in(&client, HOME, "alice").ok();
    patient.wait(2 * 86_400);
    for name in ["alice", "bob"] {
        patient.guess(ELSEWHERE, name, 6);
    }
    own_log_in(&client, HOME, "alice").ok();
    must_wait(&own_log_in(&client, HOME, "bob"));
}
