//! `/api/auth/*`: registering, logging in, the profile, refreshing.

use http::Method;
use jose::decode_unverified;
use serde_json::{Value, json};

use crate::support::{Client, Program, Service, folder_with_keys, jwt_generator, run, signed};

fn claims(token: &str) -> Value {
    serde_json::from_str(&decode_unverified(token).unwrap().1).unwrap()
}

fn log_in(client: &Client, username: &str, password: &str) -> crate::support::Answer {
    client.post("/api/auth/login", &json!({ "username": username, "password": password }))
}

fn refreshed(client: &Client) -> Client {
    let body = client.send(Method::POST, "/api/auth/refresh", &[], "").ok();
    client.bearing(body["data"]["access_token"].as_str().unwrap())
}

#[test]
fn a_newcomer_registers_logs_in_and_reads_the_profile() {
    let service = Service::start();
    let request = json!({ "username": " Ada ", "email": " Ada@Example.COM ", "password": "correct horse" });
    let registered = service.anonymous().post("/api/auth/register", &request);
    assert_eq!((registered.status, registered.header("cache-control")), (201, Some("no-store")));
    let user = registered.json()["data"]["user"].clone();
    let id = user["_id"].as_str().unwrap();
    assert!(id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    let expected = json!({
        "_id": id, "username": "Ada", "email": "ada@example.com",
        "createdAt": "2027-01-15T08:00:00.000Z", "updatedAt": "2027-01-15T08:00:00.000Z",
    });
    assert_eq!(user, expected);
    for login in ["Ada", "ada@example.com", "ADA@example.com", "  Ada  "] {
        assert_eq!(
            log_in(&service.anonymous(), login, "correct horse").ok()["data"]["user"],
            expected,
            "{login}"
        );
    }
    let token = registered.json()["data"]["token"]["access_token"].as_str().unwrap().to_owned();
    assert_eq!(service.anonymous().bearing(&token).get("/api/auth/profile").ok()["data"], expected);
    let claims = claims(&token);
    assert_eq!((claims["sub"].as_str(), claims["username"].as_str()), (Some(id), Some("Ada")));
    assert_eq!(claims["auth_time"], Service::START);
    assert!(claims["jti"].is_string() && claims.get("demo").is_none());
}

/// Seen: a user's token contained an email address that was not verified, and did not say so.
#[test]
fn a_users_token_says_that_the_address_is_not_verified_and_a_demo_token_says_nothing() {
    let service = Service::start();
    let user = service.user("alice");
    for token in [user.token(), refreshed(&user).token()] {
        assert_eq!(claims(token)["email_verified"], false);
        let (_, payload) = decode_unverified(token).unwrap();
        let original = r#"{"sub":""#.len() + 24;
        assert!(
            payload[original..].starts_with(r#"","username":"alice","email":"alice@example.com","iat":"#)
        );
        assert!(payload.ends_with(r#","email_verified":false}"#), "{payload}: what is ours stands behind");
    }
    let demo = service.anonymous().demo_token(&json!({}));
    assert!(claims(&demo).get("email_verified").is_none(), "it is no user's");
}

/// Seen before (issue 11, row 11): `admin`, `Admin` and one with a Cyrillic letter were three accounts, and two spellings
/// of one address were two.
#[test]
fn a_name_that_looks_like_the_name_of_another_user_is_refused() {
    let service = Service::start();
    service.user("admin");
    let taken = |name: &str, address: &str| {
        let request = json!({ "username": name, "email": address, "password": "secret123" });
        let answer = service.anonymous().post("/api/auth/register", &request);
        answer.is_refused(409, "user_exists", "User with this username or email already exists");
    };
    taken("Admin", "other@example.com");
    taken("another", "ADMIN@example.com");
    let mixed = json!({ "username": "\u{430}dmin", "email": "eve@example.com", "password": "secret123" });
    let sentence = "Username must be written in one script, such as Latin or Cyrillic, and not in a mixture";
    service.anonymous().post("/api/auth/register", &mixed).is_refused(400, "invalid_field", sentence);
    service.user("copa");
    taken("\u{441}\u{43e}\u{440}\u{430}", "other@example.com");
    let composed = json!({ "username": "renee", "email": "ren\u{e9}e@example.com", "password": "secret123" });
    assert_eq!(service.anonymous().post("/api/auth/register", &composed).status, 201);
    taken("another", "rene\u{301}e@example.com");
    service.user("modern");
    service.user("modem");
}

#[test]
fn a_name_logs_in_in_any_case() {
    let service = Service::start();
    service.user("Alice");
    for name in ["Alice", "alice", "ALICE"] {
        let body = log_in(&service.anonymous(), name, "secret-Alice").ok();
        assert_eq!(body["data"]["user"]["username"], "Alice", "{name}");
    }
}

#[test]
fn each_field_is_refused_with_what_to_change() {
    let service = Service::start();
    let long = "a".repeat(31);
    let too_long = "x".repeat(73);
    let characters = "Username must not contain control, invisible or direction-changing characters or symbols outside RFC 8265";
    let address = "Email must be a valid address, such as name@example.com";
    for (field, value, sentence) in [
        ("username", "ab", "Username must be 3 to 30 characters long"),
        ("username", long.as_str(), "Username must be 3 to 30 characters long"),
        ("username", "a@b.example", "Username must not contain '@'"),
        ("username", "ada\u{202e}", characters),
        ("username", "a\0da", characters),
        ("email", "nowhere", address),
        ("email", "a@b.example\r\nBcc: c@d.example", address),
        ("email", "a\0@b.example", address),
        ("password", "12345", "Password must be at least 6 characters long"),
        ("password", too_long.as_str(), "Password must be at most 72 bytes long"),
        ("password", "secret\0more", "Password must not contain a NUL character"),
    ] {
        let mut request = json!({ "username": "ada", "email": "ada@example.com", "password": "secret123" });
        request[field] = value.into();
        service.anonymous().post("/api/auth/register", &request).is_refused(400, "invalid_field", sentence);
    }
}

#[test]
fn a_password_of_72_bytes_works_and_none_is_ever_cut() {
    let service = Service::start();
    for (name, password) in
        [("bytes71", "p".repeat(71)), ("bytes72", "p".repeat(72)), ("umlauts", "ü".repeat(36))]
    {
        let request =
            json!({ "username": name, "email": format!("{name}@example.com"), "password": password });
        assert_eq!(service.anonymous().post("/api/auth/register", &request).status, 201);
        assert_eq!(log_in(&service.anonymous(), name, &password).status, 200);
        for other in
            [format!("{password}p"), format!("{password}\0"), password[..password.len() - 2].to_owned()]
        {
            log_in(&service.anonymous(), name, &other).is_refused(
                401,
                "invalid_credentials",
                "Invalid credentials",
            );
        }
    }
}

#[test]
fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let service = Service::start();
    service.user("alice");
    let wrong = log_in(&service.anonymous(), "alice", "wrong-one");
    let nobody = log_in(&service.anonymous(), "nobody", "wrong-one");
    wrong.is_refused(401, "invalid_credentials", "Invalid credentials");
    assert_eq!(wrong.body, nobody.body);
    let names = |answer: &crate::support::Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&wrong), names(&nobody));
}

#[test]
fn a_name_with_an_at_is_an_address_first() {
    let service = Service::start();
    service.user("alice");
    // In the original, a username could be the email address of another user. Here such a username is refused.
    let posing =
        json!({ "username": "alice@example.com", "email": "eve@example.com", "password": "secret123" });
    let answer = service.anonymous().post("/api/auth/register", &posing);
    answer.is_refused(400, "invalid_field", "Username must not contain '@'");
    assert_eq!(log_in(&service.anonymous(), "alice@example.com", "secret-alice").status, 200);
}

#[test]
fn of_many_who_register_the_same_name_at_once_one_succeeds() {
    let service = Service::start();
    for round in 0..8 {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..16)
                .map(|racer| {
                    let client = service.anonymous();
                    let email = if racer % 2 == 0 { format!("r{round}@example.com") } else { format!("r{round}x{racer}@example.com") };
                    let request = json!({ "username": format!("racer{round}"), "email": email, "password": "secret123" });
                    scope.spawn(move || client.post("/api/auth/register", &request).status)
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
    }
}

#[test]
fn refreshing_carries_the_login_on_and_gives_a_token_of_full_length() {
    let service = Service::start();
    let user = service.user("alice");
    service.at(1800);
    let fresh = refreshed(&user);
    let (old, new) = (claims(user.token()), claims(fresh.token()));
    assert_eq!(new["auth_time"], old["auth_time"]);
    assert_eq!(new["exp"], Service::START + 1800 + 3600);
    assert_eq!(new["sub"], old["sub"]);
    assert_ne!(new["jti"], old["jti"]);
    assert_eq!(fresh.get("/api/auth/profile").ok()["data"]["username"], "alice");
}

#[test]
fn a_session_ends_however_often_it_is_refreshed() {
    let service = Service::with(&[("SESSION_MAX_AGE", "2h"), ("JWT_EXPIRATION", "1h")]);
    let mut user = service.user("alice");
    for at in [3000, 6000, 7199] {
        service.at(at);
        user = refreshed(&user);
    }
    service.at(7200);
    let ended = user.send(Method::POST, "/api/auth/refresh", &[], "");
    ended.is_refused(401, "session_ended", "The session has ended; log in again");
    assert_eq!(user.get("/api/auth/profile").status, 200, "the token itself lives on");
    assert_eq!(log_in(&service.anonymous(), "alice", "secret-alice").status, 200);
}

#[test]
fn an_expired_token_refreshes_nothing() {
    let service = Service::start();
    let user = service.user("alice");
    service.at(3600);
    let refused = user.send(Method::POST, "/api/auth/refresh", &[], "");
    refused.is_refused(401, "invalid_token", "Token verification failed");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
}

#[test]
fn a_token_for_another_audience_opens_no_account() {
    let service = Service::start();
    let token = service.anonymous().demo_token(&json!({ "audience": "elsewhere" }));
    let answer = service.anonymous().bearing(&token).get("/api/auth/profile");
    answer.is_refused(401, "invalid_token", "Token verification failed");
}

/// A client may choose any subject. Its token must not give it the account of a user with this name.
#[test]
fn a_token_that_carries_a_client_id_opens_no_account() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "4")]);
    let user = program.client().register("alice");
    let id = user.get("/api/auth/profile").ok()["data"]["_id"].as_str().unwrap().to_owned();
    let mut command = jwt_generator(folder.path());
    let minted = run(command.args(["token", "mint", "--subject", &id]));
    let (header, claims) = jose::decode_unverified(minted.trim()).unwrap();
    let with = |more: &str| {
        let token = signed(&header, &claims.replace("\"jti\"", &format!("{more}\"jti\"")));
        program.client().bearing(&token)
    };
    assert_eq!(with("").get("/api/auth/profile").status, 200);
    for member in [r#""client_id":"c1","#, r#""client_id":"","#, r#""client_id":null,"#] {
        let client = with(member);
        client.get("/api/auth/profile").is_refused(401, "user_not_found", "User not found");
        let refreshed = client.send(Method::POST, "/api/auth/refresh", &[], "");
        refreshed.is_refused(401, "user_not_found", "User not found");
        let validated = client.send(Method::POST, "/api/auth/validate", &[], "");
        assert_eq!(validated.status, 200, "it is a sound token all the same");
    }
}

#[test]
fn without_a_database_accounts_are_off_and_tokens_are_on() {
    let service = Service::with(&[("SKIP_DATABASE", "true")]);
    let client = service.anonymous();
    let sentence = "Accounts need a database, and this server runs without one (SKIP_DATABASE=true)";
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": "secret123" });
    client.post("/api/auth/register", &registration).is_refused(503, "database_disabled", sentence);
    log_in(&client, "ada", "secret123").is_refused(503, "database_disabled", sentence);
    assert_eq!(client.get("/health").ok()["database_connected"], false);
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/auth/validate", &json!({ "token": token })).status, 200);
}

#[test]
fn a_full_queue_of_hashes_is_503_with_retry_after_and_the_rest_goes_on() {
    let service = Service::with(&[("BCRYPT_ROUNDS", "11")]);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let storm: Vec<_> = (0..120)
            .map(|n| {
                let client = service.anonymous();
                scope.spawn(move || log_in(&client, &format!("nobody{n}"), "wrong-one"))
            })
            .collect();
        let token = service.anonymous().demo_token(&json!({}));
        assert_eq!(service.anonymous().post("/api/token/validate", &json!({ "token": token })).status, 200);
        assert_eq!(service.anonymous().get("/health").status, 200);
        storm.into_iter().map(|login| login.join().unwrap()).collect()
    });
    let (busy, done): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
    assert!(!busy.is_empty() && !done.is_empty(), "{} busy, {} done", busy.len(), done.len());
    for answer in busy {
        answer.is_refused(503, "busy", "The server is busy; try again shortly");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    done.iter().for_each(|answer| answer.is_refused(401, "invalid_credentials", "Invalid credentials"));
}
