//! Many accounts from one address, and one account from many addresses.

use std::thread;

use http::Method;
use serde_json::json;

use super::{LOGIN, Limited};
use crate::support::client::registration;

const CROWD: u32 = 10_000;
const THREADS: u32 = 8;

/// Makes a guess for each number, from an address and for a name. Returns how many the rate limits admitted and how many they
/// refused. The guard against guesses may have refused some of those that they admitted.
fn guesses(limited: &Limited, of: impl Fn(u32) -> (String, String) + Sync) -> (usize, usize) {
    let is_limited = |number: u32| {
        let ((address, name), client) = (of(number), limited.service.anonymous());
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address.as_str())];
        let body = json!({ "username": name, "password": "a wrong one" }).to_string();
        // The server may close the connection after a refusal, because it has not read the body.
        let answers =
            std::iter::repeat_with(|| client.try_send(Method::POST, LOGIN, &headers, body.as_str()));
        let answer = answers.take(100).find_map(Result::ok).unwrap();
        assert!(matches!(answer.status, 401 | 429), "{}", answer.text());
        answer.json()["code"] == "rate_limited"
    };
    let limited: Vec<_> = thread::scope(|scope| {
        let part = |first: u32| (first..=CROWD).step_by(THREADS as usize).map(is_limited).collect::<Vec<_>>();
        let threads: Vec<_> = (1..=THREADS).map(|first| scope.spawn(move || part(first))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let refused = limited.iter().filter(|limited| **limited).count();
    (limited.len() - refused, refused)
}

#[test]
fn ten_thousand_accounts_from_one_address_are_one_client() {
    let limited = Limited::with("");
    let (admitted, refused) =
        guesses(&limited, |number| ("198.51.100.1".to_owned(), format!("user{number}")));
    assert_eq!((admitted, refused), (60, CROWD as usize - 60));
    assert_eq!(limited.guess("198.51.100.2", "user1").status, 401, "other clients are not refused");
}

#[test]
fn one_account_from_ten_thousand_addresses_is_one_account_and_its_owner_logs_in() {
    let limited = Limited::with("");
    let registered = limited.ask("203.0.113.1", "/api/auth/register", &registration("ada"));
    assert_eq!(registered.status, 201, "{}", registered.text());
    let log_in = |address: &str| {
        limited.ask(address, LOGIN, &json!({ "username": "ada", "password": "secret-ada" })).status
    };
    assert_eq!(log_in("203.0.113.1"), 200);
    let (admitted, refused) = guesses(&limited, |number| {
        (format!("198.51.{}.{}", number / 250, number % 250 + 1), "ada".to_owned())
    });
    assert_eq!((admitted, refused), (59, CROWD as usize - 59));
    assert_eq!(log_in("203.0.113.1"), 200);
}
