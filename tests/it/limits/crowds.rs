//! Many accounts from one address, and one account from many addresses.

use std::io::Write;
use std::thread;

use serde_json::json;

use super::{LOGIN, Limited};
use crate::support::client::registration;
use crate::support::socket::{connect, until_closed};

const CROWD: u32 = 10_000;

/// Sends a guess for each number on one connection without waiting for the answers. Returns how many were admitted and how
/// many were refused.
fn guesses(limited: &Limited, of: impl Fn(u32) -> (String, String)) -> (usize, usize) {
    let mut stream = connect(limited.service.address());
    let mut writing = stream.try_clone().unwrap();
    let requests: String = (1..=CROWD)
        .map(|number| {
            let (address, name) = of(number);
            let body = json!({ "username": name, "password": "a wrong one" }).to_string();
            let (length, close) = (body.len(), if number == CROWD { "Connection: close\r\n" } else { "" });
            format!(
                "POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Forwarded-For: {address}\r\n\
                 {close}Content-Length: {length}\r\n\r\n{body}"
            )
        })
        .collect();
    let writer = thread::spawn(move || writing.write_all(requests.as_bytes()));
    let answers = until_closed(&mut stream);
    writer.join().unwrap().unwrap();
    let count = |status: &str| answers.matches(&format!("HTTP/1.1 {status} ")).count();
    (count("401"), count("429"))
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
