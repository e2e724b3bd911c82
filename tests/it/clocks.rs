//! C1 to C3 and C5: clocks that jump, that are wrong at the start, and that differ between instances.

use std::time::Duration;

use jwt_generator::domain::Timestamp;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Service, eventually};

const HOUR: u64 = 3600;

fn validate(client: &Client, token: &str) -> Answer {
    client.post("/api/token/validate", &json!({ "token": token }))
}

fn log_in(client: &Client, password: &str) -> Answer {
    client.post("/api/auth/login", &json!({ "username": "alice", "password": password }))
}

fn states(client: &Client) -> Vec<String> {
    let info = client.get("/api/key-info").ok();
    let keys = info["data"]["keys"].as_array().unwrap();
    keys.iter().map(|key| key["status"].as_str().unwrap().to_owned()).collect()
}

fn claims(token: &str) -> Value {
    serde_json::from_str(&jose::decode_unverified(token).unwrap().1).unwrap()
}

/// A key signs for two hours. The first successor is published for 24 hours before it signs, because caches keep the key set of
/// the original for so long. Each address gets ten tokens a day.
fn service_with_rotation() -> Service {
    Service::with(&[
        ("KEY_ROTATION", "2h"),
        ("KEY_REFRESH", "1s"),
        ("JWKS_MAX_AGE", "1s"),
        ("VERIFIER_CACHE", "0"),
        ("CLOCK_SKEW", "0"),
        ("RATE_LIMITS", "generate=10/d per address"),
        ("TRUSTED_PROXIES", "203.0.113.1"),
    ])
}

/// Uses up the tokens of a day.
fn use_up(client: &Client) {
    while client.post("/api/token/generate", &json!({})).status == 200 {}
}

/// A budget is refilled by the uptime, whatever the clock says.
fn a_tenth_of_a_day_later_there_is_another_token(service: &Service) {
    let client = service.anonymous();
    client.post("/api/token/generate", &json!({})).is_refused_with(429);
    service.clock.set_uptime(service.clock.uptime() + Duration::from_secs(24 * HOUR / 10));
    // The keys were read two hours ago now, so that the service must read them again before it signs.
    eventually("the keys are read again", || (client.get("/health").ok()["signing"] == true).then_some(()));
    assert_eq!(validate(&client, &client.demo_token(&json!({}))).status, 200);
}

#[test]
fn c1_a_clock_that_jumps_an_hour_back_locks_out_neither_tokens_nor_users_nor_clients() {
    let service = service_with_rotation();
    let client = service.anonymous();
    eventually("the next key is published", || (states(&client) == ["active", "published"]).then_some(()));
    service.at(25 * HOUR);
    eventually("the next key signs", || (states(&client) == ["retired", "active"]).then_some(()));
    let (user, token) = (service.user("alice"), client.demo_token(&json!({})));
    (0..5).for_each(|_| log_in(&client, "wrong-one").is_refused_with(401));
    use_up(&client);

    service.at(24 * HOUR);
    assert_eq!(validate(&client, &token).status, 200);
    assert_eq!(user.get("/api/auth/profile").status, 200);
    let alice = log_in(&client, "secret-alice").ok();
    assert_eq!(validate(&client, alice["data"]["token"]["access_token"].as_str().unwrap()).status, 200);
    assert_eq!(states(&client), ["retired", "active"], "no key changes twice");
    service.at(25 * HOUR);
    assert_eq!(validate(&client, &token).status, 200);
    assert_eq!(states(&client), ["retired", "active"]);
    a_tenth_of_a_day_later_there_is_another_token(&service);
}

#[test]
fn c2_a_clock_that_jumps_two_hours_ahead_ends_old_tokens_and_changes_keys_once() {
    let service = service_with_rotation();
    let client = service.anonymous();
    eventually("the next key is published", || (states(&client) == ["active", "published"]).then_some(()));
    service.at(23 * HOUR);
    let (user, token) = (service.user("alice"), client.demo_token(&json!({})));
    (0..5).for_each(|_| log_in(&client, "wrong-one").is_refused_with(401));
    use_up(&client);

    service.at(25 * HOUR);
    validate(&client, &token).refuses_token("expired");
    user.get("/api/auth/profile").is_refused(401, "invalid_token", "Token verification failed");
    let alice = log_in(&client, "secret-alice").ok();
    let alice = client.bearing(alice["data"]["token"]["access_token"].as_str().unwrap());
    assert_eq!(alice.get("/api/auth/profile").status, 200);
    eventually("the next key signs", || (states(&client) == ["retired", "active"]).then_some(()));
    assert_eq!(validate(&client, alice.token()).status, 200, "its key is still published");
    a_tenth_of_a_day_later_there_is_another_token(&service);
}

#[test]
fn c3_a_service_that_starts_in_1970_or_2100_issues_tokens_of_the_asked_length() {
    for seconds in [0, 1, (1 << 31) - 1, 1 << 31, 4_102_444_800, 1 << 32] {
        let service = Service::started_at(seconds, &[]);
        let client = service.anonymous();
        let token = client.demo_token(&json!({ "expiresIn": 600 }));
        let claims = claims(&token);
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(seconds), &json!(seconds + 600)));
        assert_eq!(validate(&client, &token).status, 200, "{seconds}");
        assert_eq!(service.user("alice").get("/api/auth/profile").status, 200, "{seconds}");
        assert_eq!(log_in(&client, "secret-alice").status, 200, "{seconds}");
        assert_eq!(client.get("/api/jwks").ok()["keys"].as_array().unwrap().len(), 1, "{seconds}");
        assert_eq!(client.get("/health").status, 200, "{seconds}");
        service.clock.set(Timestamp::from_secs(seconds + 600));
        validate(&client, &token).refuses_token("expired");
    }
}

/// Both services have the keys of the original.
#[test]
fn c5_instances_whose_clocks_are_45_seconds_apart_accept_each_others_tokens() {
    let slow = Service::start();
    let fast = Service::started_at(Service::START + 45, &[]);
    for (issuer, verifier) in [(&fast, &slow), (&slow, &fast)] {
        let token = issuer.anonymous().demo_token(&json!({ "expiresIn": 60 }));
        assert_eq!(validate(&verifier.anonymous(), &token).status, 200);
        assert_eq!(claims(&token)["nbf"], Value::Null, "nothing in the future");
    }
}
