//! What ends a session before its time: another password, or an operator who logs a user out. Seen before (issue 11, row
//! 5): after a password change the old token still opened the profile and refreshed itself for 30 days.

use http::Method;
use jose::decode_unverified;
use jwt_generator::domain::{Initiator, LoginName, Password, PasswordPolicy, Timestamp};
use serde_json::{Value, json};

use crate::support::{Answer, Client, Service, mongod};

/// A service on each store; the folder keeps the SQLite file.
fn on_each_store(test: impl Fn(&Service)) {
    let folder = tempfile::tempdir().unwrap();
    test(&Service::with(&[("DATA_DIR", folder.path().to_str().unwrap())]));
    test(&Service::with(&[("MONGODB_URI", &mongod::new_database())]));
}

fn refresh(client: &Client) -> Answer {
    client.send(Method::POST, "/api/auth/refresh", &[], "")
}

#[track_caller]
fn is_logged_out(client: &Client) {
    for answer in [client.get("/api/auth/profile"), refresh(client)] {
        answer.is_refused(401, "invalid_token", "Token verification failed");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
}

#[track_caller]
fn is_logged_in(client: &Client) {
    assert_eq!(client.get("/api/auth/profile").status, 200);
    assert_eq!(refresh(client).status, 200);
}

#[track_caller]
fn log_in(service: &Service, password: &str) -> Client {
    let login = json!({ "username": "alice", "password": password });
    let body = service.anonymous().post("/api/auth/login", &login).ok();
    service.anonymous().bearing(body["data"]["token"]["access_token"].as_str().unwrap())
}

fn change_password(service: &Service, password: &str) {
    let password = Password::parse(password, PasswordPolicy::ORIGINAL).unwrap();
    service.manage(async |users| {
        users.set_password(&LoginName::from_text("alice"), password, &Initiator::OPERATOR).await.unwrap()
    });
}

fn log_out(service: &Service) {
    service.manage(async |users| {
        users.log_out(&LoginName::from_text("alice"), &Initiator::OPERATOR).await.unwrap()
    });
}

#[test]
fn another_password_ends_every_session_and_a_log_in_with_it_begins_one() {
    on_each_store(|service| {
        let old = service.user("alice");
        service.at(600);
        let refreshed = refresh(&old).ok()["data"]["access_token"].as_str().unwrap().to_owned();
        is_logged_in(&old);
        change_password(service, "second-secret");
        is_logged_out(&old);
        is_logged_out(&service.anonymous().bearing(&refreshed));
        service.at(601);
        is_logged_in(&log_in(service, "second-secret"));
        is_logged_out(&old);
    });
}

#[test]
fn within_the_second_of_a_change_old_tokens_are_ended_and_new_ones_are_good() {
    on_each_store(|service| {
        let now = Timestamp::from_millis(Service::START * 1000 + 400);
        service.clock.set(now);
        let first = service.user("alice");
        change_password(service, "second-secret");
        is_logged_out(&first);
        let second = log_in(service, "second-secret");
        let claims: Value = serde_json::from_str(&decode_unverified(second.token()).unwrap().1).unwrap();
        assert_eq!(
            (claims["iat"].as_u64(), claims["auth_time"].as_u64()),
            (Some(Service::START), Some(Service::START + 1))
        );
        let validated = service.anonymous().post("/api/token/validate", &json!({ "token": second.token() }));
        assert_eq!(validated.status, 200);
        is_logged_in(&second);
        // Another change in the same second ends that one, too.
        change_password(service, "third-secret");
        is_logged_out(&second);
        let third = log_in(service, "third-secret");
        is_logged_in(&third);
        log_out(service);
        is_logged_out(&third);
        is_logged_in(&log_in(service, "third-secret"));
    });
}

#[test]
fn an_operator_logs_a_user_out_and_leaves_others_alone() {
    on_each_store(|service| {
        let (alice, bob) = (service.user("alice"), service.user("bob"));
        log_out(service);
        is_logged_out(&alice);
        is_logged_in(&bob);
        service.at(1);
        is_logged_in(&log_in(service, "secret-alice"));
    });
}

#[test]
fn a_hash_of_higher_cost_is_no_other_password() {
    let folder = tempfile::tempdir().unwrap();
    let data = ("DATA_DIR", folder.path().to_str().unwrap());
    let alice = Service::with(&[data]).user("alice");
    let service = Service::with(&[data, ("BCRYPT_ROUNDS", "5")]);
    let alice = service.anonymous().bearing(alice.token());
    service.at(60);
    is_logged_in(&log_in(&service, "secret-alice"));
    let profile = alice.get("/api/auth/profile").ok()["data"].clone();
    assert_eq!(profile["updatedAt"], "2027-01-15T08:01:00.000Z", "the hash was raised");
    assert_eq!(refresh(&alice).status, 200);
}
