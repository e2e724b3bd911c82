//! Limits by account: by the name that a request brings, whether such a user exists or not.

use serde_json::json;

use super::{LOGIN, Limited, ask, told};
use crate::support::client::registration;
use crate::support::{Program, folder_with_keys};

const REGISTER: &str = "/api/auth/register";

fn register(limited: &Limited, name: &str) {
    let answer = limited.ask("198.51.100.250", REGISTER, &registration(name));
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
    assert_eq!(ask(&one, "203.0.113.1", REGISTER, &registration("ada")).status, 201);
    assert_eq!(ask(&one, "203.0.113.1", LOGIN, &right).status, 200);
    let wrong = json!({ "username": "ada", "password": "a wrong one" });
    let guess = |number| ask(&other, &format!("198.51.100.{number}"), LOGIN, &wrong).status;
    assert_eq!([1, 2, 3, 4, 5].map(guess), [401, 401, 401, 429, 429]);
    assert_eq!(ask(&other, "203.0.113.1", LOGIN, &right).status, 200);
    assert_eq!(ask(&other, "198.51.100.4", LOGIN, &right).status, 429, "not even with the right password");
}

/// Strangers log in so many times, and then are refused.
fn use_up_global(limited: &Limited, times: u32) {
    let guess = |number| limited.guess(&format!("203.0.113.{number}"), &format!("stranger{number}")).status;
    assert!((1..=times).all(|number| guess(number) == 401));
    assert_eq!(guess(200), 429);
}

/// As many log-ins again are admitted for addresses that the account knows, also if this instance has seen no log-in from there.
/// One network may use a small part of them.
#[test]
fn strangers_who_use_up_the_global_budget_keep_no_user_out_of_a_known_address() {
    let limited = Limited::with("login=16/d global, off per address, off per account; register=off");
    register(&limited, "ada");
    use_up_global(&limited, 16);
    assert_eq!(log_in(&limited, "203.0.113.5", "ada"), 429, "the account does not know this address");
    assert_eq!([(); 4].map(|()| log_in(&limited, "198.51.100.250", "ada")), [200, 200, 429, 429]);
    assert_eq!(
        limited.guess("198.51.100.250", "eve").status,
        429,
        "another account does not know the address"
    );
}

/// Seen: four accounts of one subscriber, with eight known /64s each, used up what known addresses share.
#[test]
fn the_known_addresses_of_one_network_leave_the_budget_of_known_addresses_to_others() {
    let limited = Limited::with("login=16/d global, off per address, off per account; register=off");
    register(&limited, "ada");
    let eve = |n: u32| format!("2001:db8:1:{n}::1");
    for n in 1..=4 {
        let registered = limited.ask(&eve(n), REGISTER, &registration(&format!("eve{n}")));
        assert_eq!(registered.status, 201);
    }
    use_up_global(&limited, 16);
    let admitted =
        (1..=40).filter(|n| log_in(&limited, &eve(n % 4 + 1), &format!("eve{}", n % 4 + 1)) == 200);
    assert_eq!(admitted.count(), 2);
    assert_eq!(log_in(&limited, "198.51.100.250", "ada"), 200);
}

/// Such a log-in costs no hash. Accounts that must wait are of no use to an attacker.
#[test]
fn log_ins_that_must_wait_take_nothing_of_the_budget_of_known_addresses() {
    let limited = Limited::with("login=64/d global, off per address, off per account; register=off");
    register(&limited, "ada");
    let eve = |n: u32| (format!("192.0.2.{n}"), format!("eve{n}"));
    let codes = |n: u32, times: usize| {
        let ((home, name), mut codes) = (eve(n), Vec::new());
        codes.extend((0..times).map(|_| limited.guess(&home, &name).json()["code"].clone()));
        codes
    };
    for n in 1..=9 {
        let (home, name) = eve(n);
        assert_eq!(limited.ask(&home, REGISTER, &registration(&name)).status, 201);
        assert_eq!(codes(n, 5), ["invalid_credentials"; 5]);
    }
    use_up_global(&limited, 64 - 9 * 5);
    for n in 1..=9 {
        assert_eq!(codes(n, 8), ["login_throttled"; 8]);
    }
    assert_eq!(log_in(&limited, "198.51.100.250", "ada"), 200);
}

/// Seen: each log-in with an invented name that the global limit refused cost three reads.
#[test]
fn refused_log_ins_of_one_network_cause_few_reads_of_the_database() {
    let limited = Limited::with("login=1/d global, off per address, off per account");
    use_up_global(&limited, 1);
    let reads = || {
        let metrics = limited.service.admin().get("/metrics").text().to_owned();
        let of_verb = |line: &&str| {
            line.starts_with("jwt_store_call_duration_seconds_count{verb=\"find_login_throttle\"")
        };
        let counts = metrics
            .lines()
            .filter(of_verb)
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
        counts.sum::<f64>()
    };
    let before = reads();
    let network = |n: u32| format!("2001:db8:1:{n:x}::1");
    assert!((1..=100).all(|n| limited.guess(&network(n), &format!("invented{n}")).status == 429));
    let of_network = reads() - before;
    assert!((1.0..=30.0).contains(&of_network), "{of_network}");
}

/// The verdict of the budget that decides counts, and no other.
#[test]
fn a_log_in_that_the_budget_of_known_addresses_admits_does_not_count_as_refused() {
    let limited = Limited::with("login=8/d global, off per address, off per account");
    register(&limited, "ada");
    use_up_global(&limited, 8);
    assert_eq!(log_in(&limited, "198.51.100.250", "ada"), 200);
    let metrics = limited.service.admin().get("/metrics").text().to_owned();
    for (verdict, count) in [("admitted", 9), ("refused", 1)] {
        let line = format!(
            "\njwt_rate_limit_verdicts_total{{group=\"login\",scope=\"global\",verdict=\"{verdict}\"}} {count}\n"
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

#[test]
fn registrations_of_one_name_share_a_budget() {
    let limited = Limited::with("register=2/h per account");
    let status = || limited.ask("198.51.100.1", REGISTER, &registration("ada")).status;
    assert_eq!([status(), status(), status()], [201, 409, 429]);
}

#[test]
fn registrations_of_one_email_address_share_a_budget_whatever_their_names_are() {
    let limited = Limited::with("register=3/h per account");
    let status = |name: &str, email: &str, password: &str| {
        let body = json!({ "username": name, "email": email, "password": password });
        limited.ask("198.51.100.1", REGISTER, &body).status
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
    let attack = |address: &str| limited.ask(address, REGISTER, &body).status;
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
