//! Limits by account: by the name that a request brings, whether such a user exists or not.

use serde_json::json;

use super::{LOGIN, Limited, ask, told};
use crate::support::client::registration;
use crate::support::{Program, folder_with_keys};

fn register(limited: &Limited, name: &str) {
    let answer = limited.ask("198.51.100.250", "/api/auth/register", &registration(name));
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn log_in(limited: &Limited, address: &str, name: &str) -> u16 {
    limited.ask(address, LOGIN, &json!({ "username": name, "password": format!("secret-{name}") })).status
}

#[test]
fn guesses_at_one_account_from_many_addresses_share_a_budget_and_an_unknown_name_is_treated_alike() {
    let limited = Limited::with("login=3/m per account");
    register(&limited, "ada");
    for (network, name) in [("198.51.100", "ada"), ("203.0.113", "no-such-user")] {
        let answers: Vec<_> =
            (1..=4).map(|number| limited.guess(&format!("{network}.{number}"), name)).collect();
        for (answer, left) in answers.iter().zip(["r=2", "r=1", "r=0"]) {
            answer.is_refused(401, "invalid_credentials", "Invalid credentials");
            let policy = "\"login-address\";q=60;w=60, \"login-account\";q=3;w=60";
            let limit = format!("\"login-address\";r=59;t=1, \"login-account\";{left};t=20");
            assert_eq!(told(answer), (Some(policy), Some(limit.as_str())));
        }
        answers[3].is_refused(429, "rate_limited", "Too many requests for this account; try again in 20 s");
        assert_eq!(answers[3].header("retry-after"), Some("20"));
    }
}

#[test]
fn spellings_of_one_name_share_a_budget() {
    let limited = Limited::with("login=2/m per account");
    let guess = |name| limited.guess("198.51.100.1", name).status;
    assert_eq!(["ada", " ADA ", "Ada"].map(guess), [401, 401, 429]);
    assert_eq!(["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"].map(guess), [401, 401, 429]);
    assert_eq!(guess("eve"), 401);
}

/// An attacker elsewhere uses up the budget of an account. Its owner still logs in from an address where the owner did so
/// before.
#[test]
fn an_owner_logs_in_from_a_familiar_address_while_strangers_are_refused() {
    let limited = Limited::with("login=3/m per account, off per address");
    register(&limited, "ada");
    assert_eq!(log_in(&limited, "203.0.113.1", "ada"), 200);
    let strangers = (1..=10).map(|number| limited.guess(&format!("198.51.100.{number}"), "ada").status);
    assert_eq!(strangers.filter(|status| *status == 401).count(), 2, "the owner's first log-in counts, too");
    assert_eq!(log_in(&limited, "203.0.113.1", "ada"), 200);
    assert_eq!(log_in(&limited, "198.51.100.11", "ada"), 429, "not even with the right password");
    let familiar = [(); 4].map(|()| limited.guess("203.0.113.1", "ada").status);
    assert_eq!(familiar, [401, 401, 429, 429], "an attacker behind the owner's address has no more guesses");
}

/// This is so after a restart, too, or if the instances are behind one proxy.
#[test]
fn an_owner_logs_in_at_an_instance_that_has_seen_no_log_in_while_strangers_are_refused() {
    let folder = folder_with_keys();
    let limits = "login=3/d per account, off per address";
    let settings = [("BCRYPT_ROUNDS", "4"), ("TRUSTED_PROXIES", "127.0.0.0/8"), ("RATE_LIMITS", limits)];
    let (one, other) = (Program::start(folder.path(), &settings), Program::start(folder.path(), &settings));
    let (one, other) = (one.client(), other.client());
    let right = json!({ "username": "ada", "password": "secret-ada" });
    assert_eq!(ask(&one, "203.0.113.1", "/api/auth/register", &registration("ada")).status, 201);
    assert_eq!(ask(&one, "203.0.113.1", LOGIN, &right).status, 200);
    let wrong = json!({ "username": "ada", "password": "a wrong one" });
    let guess = |number| ask(&other, &format!("198.51.100.{number}"), LOGIN, &wrong).status;
    assert_eq!([1, 2, 3, 4, 5].map(guess), [401, 401, 401, 429, 429]);
    assert_eq!(ask(&other, "203.0.113.1", LOGIN, &right).status, 200);
    assert_eq!(ask(&other, "198.51.100.4", LOGIN, &right).status, 429, "not even with the right password");
}

/// As many log-ins again are admitted for addresses that the account knows, also if this instance has seen no log-in from there.
#[test]
fn strangers_who_use_up_the_global_budget_keep_no_user_out_of_a_known_address() {
    let limited = Limited::with("login=3/d global, off per address, off per account; register=off");
    register(&limited, "ada");
    assert_eq!(
        [1, 2, 3, 4].map(|n| limited.guess(&format!("203.0.113.{n}"), "eve").status),
        [401, 401, 401, 429]
    );
    assert_eq!(log_in(&limited, "203.0.113.5", "ada"), 429, "the account does not know this address");
    assert_eq!([(); 4].map(|()| log_in(&limited, "198.51.100.250", "ada")), [200, 200, 200, 429]);
    assert_eq!(
        limited.guess("198.51.100.250", "eve").status,
        429,
        "another account does not know the address"
    );
}

#[test]
fn registrations_of_one_name_share_a_budget() {
    let limited = Limited::with("register=2/h per account");
    let status = || limited.ask("198.51.100.1", "/api/auth/register", &registration("ada")).status;
    assert_eq!([status(), status(), status()], [201, 409, 429]);
}

#[test]
fn registrations_of_one_email_address_share_a_budget_whatever_their_names_are() {
    let limited = Limited::with("register=3/h per account");
    let status = |name: &str, email: &str, password: &str| {
        let body = json!({ "username": name, "email": email, "password": password });
        limited.ask("198.51.100.1", "/api/auth/register", &body).status
    };
    assert_eq!(status("ada", "ada@example.com", "secret-ada"), 201);
    assert_eq!(status("eve", "ADA@Example.com", "secret-eve"), 409);
    assert_eq!(status("tom", " ada@example.com ", "short"), 400, "a faulty registration does not count");
    assert_eq!(status("tom", " ada@example.com ", "secret-tom"), 409);
    assert_eq!(status("bob", "ada@example.com", "secret-bob"), 429);
    assert_eq!(status("bob", "bob@example.com", "secret-bob"), 201);
}

/// Seen: an attacker used up the budget of an email address with faulty registrations, and its owner could not register.
#[test]
fn registrations_from_elsewhere_keep_no_user_from_registering() {
    let limited = Limited::with("register=2/d per account, off per address");
    register(&limited, "eve");
    let body = json!({ "username": "eve", "email": "ada@example.com", "password": "secret-eve" });
    let attack = |address: &str| limited.ask(address, "/api/auth/register", &body).status;
    assert_eq!([(); 3].map(|()| attack("203.0.113.1")), [409, 409, 429]);
    let network = ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"].map(attack);
    assert_eq!(network, [409, 409, 429], "the addresses of one network share it");
    register(&limited, "ada");
}

/// Guesses at one account are refused one by one, and do not use up what all accounts share.
#[test]
fn a_flood_of_guesses_at_one_account_leaves_the_global_budget_to_others() {
    let limited = Limited::with("login=1/d per account, 3/d global");
    let ada = [1, 2, 3, 4, 5].map(|number| limited.guess(&format!("198.51.100.{number}"), "ada").status);
    assert_eq!(ada, [401, 429, 429, 429, 429]);
    let others = ["eve", "bob", "tom"].map(|name| limited.guess("198.51.100.9", name).status);
    assert_eq!(others, [401, 401, 429]);
}
