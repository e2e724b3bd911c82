//! `POST /api/token/generate`.

use http::Method;
use jose::decode_unverified;
use serde_json::{Value, json};

use crate::support::{Client, Service};

const PATH: &str = "/api/token/generate";

/// The claims of a token, and the answer about its lifetime.
#[track_caller]
fn generated(client: &Client, request: &Value) -> (Value, u64) {
    let answer = client.post(PATH, request);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.ok();
    let (_, claims) = decode_unverified(body["data"]["access_token"].as_str().unwrap()).unwrap();
    (serde_json::from_str(&claims).unwrap(), body["data"]["expires_in"].as_u64().unwrap())
}

#[test]
fn a_demo_token_holds_the_originals_claims_and_says_what_it_is() {
    let service = Service::start();
    let (claims, expires_in) =
        generated(&service.anonymous(), &json!({ "username": "ada", "email": "ada@example.com" }));
    let jti = claims["jti"].as_str().unwrap();
    assert!(jti.len() == 32 && jti.bytes().all(|b| b.is_ascii_hexdigit()));
    let expected = json!({
        "sub": "demo-user-id", "username": "ada", "email": "ada@example.com",
        "iat": Service::START, "iss": "jwt-generator-app", "aud": "jwt-generator-api", "exp": Service::START + 3600,
        "jti": jti, "demo": true,
    });
    assert_eq!((claims, expires_in), (expected, 3600));
}

#[test]
fn the_header_is_the_originals() {
    let service = Service::start();
    let (header, _) = decode_unverified(&service.anonymous().demo_token(&json!({}))).unwrap();
    assert_eq!(header, r#"{"alg":"RS256","typ":"JWT","kid":"default-key-id"}"#);
}

#[test]
fn no_two_tokens_have_the_same_jti() {
    let service = Service::start();
    let client = service.anonymous();
    assert_ne!(generated(&client, &json!({})).0["jti"], generated(&client, &json!({})).0["jti"]);
}

#[test]
fn subject_audience_lifetime_and_claims_are_the_callers() {
    let service = Service::start();
    let request = json!({
        "subject": "job-7", "audience": ["a", "b"], "expiresIn": 90,
        "claims": { "roles": ["x", "y"], "deep": { "n": 1.50, "é": null } },
    });
    let (claims, expires_in) = generated(&service.anonymous(), &request);
    assert_eq!(claims["sub"], "job-7");
    assert_eq!(claims["aud"], json!(["a", "b"]));
    assert_eq!((claims["exp"].as_u64(), expires_in), (Some(Service::START + 90), 90));
    assert_eq!(claims["roles"], json!(["x", "y"]));
    assert_eq!(claims["deep"], json!({ "n": 1.5, "é": null }));
    assert_eq!(claims["demo"], true);
}

#[test]
fn one_audience_is_a_string_and_a_list_of_one_is_too() {
    let service = Service::start();
    let client = service.anonymous();
    assert_eq!(generated(&client, &json!({ "audience": "a" })).0["aud"], "a");
    assert_eq!(generated(&client, &json!({ "audience": ["a"] })).0["aud"], "a");
}

#[test]
fn a_lifetime_may_be_text_as_in_jwt_expiration() {
    let service = Service::start();
    let client = service.anonymous();
    for (text, seconds) in [("15m", 900), ("2 hours", 7200), ("60", 60), ("1d", 86_400)] {
        assert_eq!(generated(&client, &json!({ "expiresIn": text })).1, seconds, "{text}");
    }
}

#[test]
fn a_lifetime_above_the_operators_limit_is_refused() {
    let service = Service::with(&[("MAX_TOKEN_LIFETIME", "2h")]);
    let client = service.anonymous();
    assert_eq!(generated(&client, &json!({ "expiresIn": 7200 })).1, 7200);
    for too_long in [json!(7201), json!("1d")] {
        let answer = client.post(PATH, &json!({ "expiresIn": too_long }));
        answer.is_refused(400, "invalid_field", "expiresIn must be at most 7200 seconds");
    }
}

#[test]
fn what_is_no_lifetime_is_refused() {
    let service = Service::start();
    for wrong in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!("soon"),
        json!("-1h"),
    ] {
        let answer = service.anonymous().post(PATH, &json!({ "expiresIn": wrong }));
        answer.is_refused(
            400,
            "invalid_field",
            "expiresIn must be a whole number of seconds above 0, or a length of time such as \"15m\"",
        );
    }
}

#[test]
fn claims_of_the_service_are_refused_and_not_dropped() {
    let service = Service::start();
    let of_the_token = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "demo"];
    let of_the_user = ["username", "email", "email_verified", "auth_time"];
    for name in of_the_token.into_iter().chain(of_the_user) {
        let answer = service.anonymous().post(PATH, &json!({ "claims": { name: "mine" } }));
        let sentence = format!("claims must not contain '{name}': the service sets it");
        answer.is_refused(400, "invalid_field", &sentence);
    }
    for name in ["Demo", "EXP", "Aud", "\u{17f}ub", "\u{212a}id", "Auth_Time"] {
        let status = service.anonymous().post(PATH, &json!({ "claims": { name: false } })).status;
        assert_eq!(status, if name == "\u{212a}id" { 200 } else { 400 }, "{name}");
    }
    let escaped = service.anonymous().send(
        Method::POST,
        PATH,
        &[("content-type", "application/json")],
        r#"{"claims":{"\u0069ss":"mine"}}"#,
    );
    escaped.is_refused(400, "invalid_field", "claims must not contain 'iss': the service sets it");
}

#[test]
fn claims_must_be_an_object_of_at_most_4_kib() {
    let service = Service::start();
    let client = service.anonymous();
    let sized = |bytes: usize| json!({ "claims": { "x": "y".repeat(bytes - r#"{"x":""}"#.len()) } });
    assert_eq!(client.post(PATH, &sized(4096)).status, 200);
    client.post(PATH, &sized(4097)).is_refused(
        400,
        "invalid_field",
        "claims must be at most 4096 bytes of JSON",
    );
    for wrong in ["[]", "1", "\"text\"", "true", r#"{"a":1,"a":2}"#, r#"{"a":{"b":1,"b":2}}"#] {
        let body = format!(r#"{{"claims":{wrong}}}"#);
        let answer = client.send(Method::POST, PATH, &[("content-type", "application/json")], body);
        answer.is_refused(400, "invalid_field", "claims must be a JSON object without duplicate members");
    }
}

#[test]
fn a_token_that_no_verifier_would_take_is_refused() {
    let service = Service::start();
    let client = service.anonymous();
    let sentence = "the token would be too long; ask for fewer or shorter claims and audiences";
    let audiences = |count: usize| json!({ "audience": vec!["x".repeat(1000); count] });
    client.post(PATH, &audiences(32)).is_refused(400, "invalid_field", sentence);
    let largest = client.demo_token(&audiences(10));
    let asked = json!({ "token": largest, "audience": "x".repeat(1000) });
    assert_eq!(client.post("/api/token/validate", &asked).status, 200, "what is issued is accepted");
}

#[test]
fn production_has_no_demo_tokens_unless_they_are_allowed() {
    let service = Service::with(&[("NODE_ENV", "production")]);
    let sentence = "Demo tokens are off on this server, because everyone can get one; a client gets tokens with its credentials, and the operator can allow demo tokens with DEMO_TOKENS=true";
    service.anonymous().post(PATH, &json!({})).is_refused(403, "demo_tokens_disabled", sentence);
    service.anonymous().post("/token/generate", &json!({})).is_refused(403, "demo_tokens_disabled", sentence);
    let allowed = Service::with(&[("NODE_ENV", "production"), ("DEMO_TOKENS", "true")]);
    assert_eq!(allowed.anonymous().post(PATH, &json!({})).status, 200);
    assert_eq!(Service::with(&[("NODE_ENV", " Production ")]).anonymous().post(PATH, &json!({})).status, 403);
    let off = Service::with(&[("DEMO_TOKENS", "false")]);
    assert_eq!(off.anonymous().post(PATH, &json!({})).status, 403);
}

#[test]
fn a_demo_token_belongs_to_no_user_on_the_accounts_paths() {
    let service = Service::start();
    let user = service.user("alice");
    let profile = user.get("/api/auth/profile").ok();
    let id = profile["data"]["_id"].as_str().unwrap();
    let posing = service.anonymous().demo_token(&json!({ "subject": id, "username": "alice" }));
    let posing = service.anonymous().bearing(&posing);
    posing.get("/api/auth/profile").is_refused(401, "user_not_found", "User not found");
    posing.send(Method::POST, "/api/auth/refresh", &[], "").is_refused(
        401,
        "user_not_found",
        "User not found",
    );
}

#[test]
fn every_algorithm_signs_what_the_service_itself_accepts() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let service = Service::with(&[("JWT_ALGORITHM", algorithm), ("KEYS_DIR", keys.to_str().unwrap())]);
        let client = service.anonymous();
        let token = client.demo_token(&json!({}));
        let validated = client.post("/api/token/validate", &json!({ "token": token })).ok();
        assert_eq!(validated["data"]["decoded"]["header"]["alg"], algorithm);
        assert_eq!(client.get("/api/jwks").ok()["keys"][0]["alg"], algorithm);
        assert_eq!(client.get("/api/key-info").ok()["data"]["alg"], algorithm);
    }
}
