//! Password guessing: when an attempt must wait, who is not hindered by it, and what all instances know of it.

mod addresses;
mod many;
mod shared;
mod waiting;

use http::Method;
use serde_json::json;

use crate::support::{Answer, Client, Service};

/// Proxies name the client, so that a test chooses its address. No rate limit answers before the guard does.
const BEHIND_A_PROXY: [(&str, &str); 3] =
    [("TRUSTED_PROXIES", "127.0.0.0/8"), ("TRUSTED_PROXY_HEADER", "x-forwarded-for"), ("RATE_LIMITS", "off")];
/// The address from which users register and log in.
const HOME: &str = "198.51.100.1";
/// The address of an attacker.
const ELSEWHERE: &str = "203.0.113.9";

/// A log-in from an address.
fn log_in(client: &Client, address: &str, name: &str, password: &str) -> Answer {
    let body = json!({ "username": name, "password": password }).to_string();
    let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
    client.send(Method::POST, "/api/auth/login", &headers, body)
}

/// A guess, which is wrong.
fn guess(client: &Client, address: &str, name: &str) -> Answer {
    log_in(client, address, name, "wrong-guess")
}

/// The user's own log-in from an address.
fn own_log_in(client: &Client, address: &str, name: &str) -> Answer {
    log_in(client, address, name, &format!("secret-{name}"))
}

/// Registers a user from [`HOME`].
fn register(client: &Client, name: &str) {
    let body = crate::support::client::registration(name).to_string();
    let headers = [("content-type", "application/json"), ("x-forwarded-for", HOME)];
    assert_eq!(client.send(Method::POST, "/api/auth/register", &headers, body).status, 201);
}

#[track_caller]
fn is_wrong(answer: &Answer) {
    answer.is_refused(401, "invalid_credentials", "Invalid credentials");
}

/// Asserts that an attempt came too early, and gives the seconds after which the next one may come.
#[track_caller]
fn must_wait(answer: &Answer) -> u64 {
    let secs = answer.header("retry-after").unwrap_or_else(|| panic!("{}", answer.text())).to_owned();
    let sentence = format!("Too many log-ins to this account have failed; try again in {secs} s");
    answer.is_refused(429, "login_throttled", &sentence);
    assert_eq!(answer.header("cache-control"), None);
    secs.parse().unwrap()
}

#[track_caller]
fn is_limited(answer: &Answer) {
    let sentence = "Too many log-ins to this account have failed; log in from where you have logged in before, or ask the \
                    operator to unlock the account";
    answer.is_refused(403, "login_limited", sentence);
    assert_eq!(answer.header("retry-after"), None, "time changes nothing");
}

/// The clock of a service, which moves on by as much as attempts must wait.
struct Patient<'a> {
    service: &'a Service,
    seconds: u64,
}

impl<'a> Patient<'a> {
    fn new(service: &'a Service) -> Self {
        Self { service, seconds: 0 }
    }

    fn wait(&mut self, seconds: u64) {
        self.seconds += seconds;
        self.service.at(self.seconds);
    }

    /// Guesses until so many guesses were answered. Gives the waits before them.
    fn guess(&mut self, address: &str, name: &str, times: usize) -> Vec<u64> {
        let client = self.service.anonymous();
        (0..times)
            .map(|_| {
                let mut answer = guess(&client, address, name);
                let mut waited = 0;
                if answer.status == 429 {
                    waited = must_wait(&answer);
                    self.wait(waited - 1);
                    assert_eq!(must_wait(&guess(&client, address, name)), 1, "a wait ends when it says");
                    self.wait(1);
                    answer = guess(&client, address, name);
                }
                is_wrong(&answer);
                waited
            })
            .collect()
    }
}
