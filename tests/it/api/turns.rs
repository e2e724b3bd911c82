//! Password hashes are made in turns: a client that asks for many does not keep other users from logging in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope};

use http::Method;
use serde_json::{Value, json};

use crate::support::client::registration;
use crate::support::socket::{connect, is_readable, send, until_closed};
use crate::support::{Client, Service, eventually};

/// Users that log in during an attack.
const USERS: usize = 20;
/// More connections than hashes may wait or be made at once.
const SPARE_CONNECTIONS: usize = 40;

/// A request to `/api/auth/…` and the address that the proxy names as its client, if there is a proxy.
struct Asked {
    operation: &'static str,
    body: Value,
    client: Option<String>,
}

impl Asked {
    fn send(&self, client: &Client) -> u16 {
        let json = ("Content-Type", "application/json");
        let named = self.client.as_deref().map(|address| ("X-Forwarded-For", address));
        let headers: Vec<_> = std::iter::once(json).chain(named).collect();
        let path = format!("/api/auth/{}", self.operation);
        client.send(Method::POST, &path, &headers, self.body.to_string()).status
    }
}

/// Ends the attack, also if the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn log_in(name: &str, password: &str, client: Option<String>) -> Asked {
    Asked { operation: "login", body: json!({ "username": name, "password": password }), client }
}

/// A service with the users.
fn service_with_users(proxy: bool) -> Service {
    let proxies = proxy.then_some(("TRUSTED_PROXIES", "127.0.0.1"));
    let settings = [("BCRYPT_ROUNDS", "8"), ("RATE_LIMITS", "off")];
    let service = Service::with(&settings.into_iter().chain(proxies).collect::<Vec<_>>());
    (0..USERS).for_each(|user| drop(service.user(&format!("user{user}"))));
    service
}

/// The right log-in of a user. Behind a proxy each user has an address.
fn own_log_in(user: usize, proxy: bool) -> Asked {
    let name = format!("user{user}");
    log_in(&name, &format!("secret-{name}"), proxy.then(|| format!("203.0.113.{user}")))
}

/// The statuses of the log-ins of all users, while many connections repeat what `attack` makes of a number.
fn log_ins_during(service: &Service, proxy: bool, attack: impl Fn(usize) -> Asked + Sync) -> Vec<u16> {
    let connections = available_parallelism().unwrap().get() + SPARE_CONNECTIONS;
    let (over, answers, next) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let attacker = || {
        let client = Client::new(service.anonymous().base());
        while !over.load(Ordering::Relaxed) {
            attack(next.fetch_add(1, Ordering::Relaxed)).send(&client);
            answers.fetch_add(1, Ordering::Relaxed);
        }
    };
    let user = |user: usize| own_log_in(user, proxy).send(&Client::new(service.anonymous().base()));
    scope(|scope| {
        let _end = Ends(&over);
        (0..connections).for_each(|_| drop(scope.spawn(attacker)));
        let under_way = || (answers.load(Ordering::Relaxed) > 2 * connections).then_some(());
        eventually("the attack is under way", under_way);
        let users: Vec<_> = (0..USERS).map(|number| scope.spawn(move || user(number))).collect();
        users.into_iter().map(|user| user.join().unwrap()).collect()
    })
}

#[test]
fn users_log_in_while_many_connections_guess_one_password() {
    let service = service_with_users(false);
    service.user("victim");
    let statuses = log_ins_during(&service, false, |_| log_in("victim", "wrong-one", None));
    assert_eq!(statuses, [200; USERS]);
}

#[test]
fn users_log_in_while_one_address_tries_one_name_after_the_other() {
    let service = service_with_users(true);
    let attack = |number| log_in(&format!("name{number}"), "wrong-one", Some("198.51.100.7".to_owned()));
    assert_eq!(log_ins_during(&service, true, attack), [200; USERS]);
}

#[test]
fn users_log_in_while_each_attempt_of_an_ipv6_network_has_an_address_and_a_name_of_its_own() {
    let service = service_with_users(true);
    let address = |number| format!("2001:db8:1:{:x}::1", number % 0x1_0000);
    let attack = |number| log_in(&format!("name{number}"), "wrong-one", Some(address(number)));
    assert_eq!(log_ins_during(&service, true, attack), [200; USERS]);
}

/// An attacker with so many networks keeps out users at addresses from which they have never logged in.
#[test]
fn users_log_in_from_known_addresses_while_each_attempt_has_a_network_and_a_name_of_its_own() {
    let service = service_with_users(true);
    for user in 0..USERS {
        assert_eq!(own_log_in(user, true).send(&service.anonymous()), 200);
    }
    let address = |number| format!("2001:db8:{:x}::1", number % 0x1_0000);
    let attack = |number| log_in(&format!("name{number}"), "wrong-one", Some(address(number)));
    assert_eq!(log_ins_during(&service, true, attack), [200; USERS]);
}

/// If the proxy is not named, all clients have its address.
#[test]
fn users_log_in_while_others_register_one_user_after_the_other() {
    let service = service_with_users(false);
    let attack = |number| {
        let body = registration(&format!("newcomer{number}"));
        Asked { operation: "register", body, client: None }
    };
    assert_eq!(log_ins_during(&service, false, attack), [200; USERS]);
}

/// Log-ins keep every thread for hashes busy. Requests that need no hash are answered in the meantime.
#[test]
fn p8_in_a_storm_of_log_ins_other_requests_are_answered_before_the_waiting_log_ins() {
    let service = Service::with(&[("BCRYPT_ROUNDS", "12"), ("RATE_LIMITS", "off")]);
    let client = service.anonymous();
    let connections = available_parallelism().unwrap().get() + SPARE_CONNECTIONS;
    let mut storm: Vec<_> = (0..connections).map(|_| connect(service.address())).collect();
    for (number, stream) in storm.iter_mut().enumerate() {
        let body = json!({ "username": format!("name{number}"), "password": "wrong-one" }).to_string();
        let head =
            "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close";
        send(stream, format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }
    eventually("log-ins above the limit of the queue are refused", || {
        storm.iter().any(is_readable).then_some(())
    });
    for _ in 0..5 {
        let token = client.demo_token(&json!({}));
        assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
        for path in ["/health", "/livez", "/readyz", "/api/jwks"] {
            client.get(path).ok();
        }
    }
    let waiting = storm.iter().filter(|stream| !is_readable(stream)).count();
    assert!(waiting > 0, "no log-in was waiting any more");
    let answers: Vec<_> = storm.iter_mut().map(until_closed).collect();
    for answer in &answers {
        let busy = answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 1\r\n");
        assert!(busy || answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    let answer = client.post("/api/auth/login", &json!({ "username": "another", "password": "wrong-one" }));
    answer.is_refused(401, "invalid_credentials", "Invalid credentials");
}
