//! `POST /api/token/validate` and its aliases: each reason to refuse a token has its code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jose::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::support::{Service, signed};

const PATHS: [&str; 3] = ["/api/token/validate", "/token/validate", "/api/auth/validate"];

const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"default-key-id"}"#;

/// A valid token with the claims of `changes`. A claim with `null` is removed.
fn token(changes: &Value) -> String {
    let mut claims = json!({
        "sub": "x", "iss": "jwt-generator-app", "aud": "jwt-generator-api",
        "iat": Service::START, "exp": Service::START + 60,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    signed(HEADER, &claims.to_string())
}

#[test]
fn a_valid_token_is_shown_as_it_was_signed() {
    let service = Service::start();
    let token = token(&json!({ "custom": { "b": 1, "a": [true, 2.50] } }));
    let mut bodies = Vec::new();
    for path in PATHS {
        let in_body = service.anonymous().post(path, &json!({ "token": token }));
        let in_header = service.anonymous().bearing(&token).send(Method::POST, path, &[], "");
        assert_eq!(in_body.header("cache-control"), Some("no-store"));
        bodies.extend([in_body.ok(), in_header.ok()]);
    }
    let expected = json!({
        "success": true, "message": "Token is valid",
        "data": {
            "valid": true,
            "payload": bodies[0]["data"]["payload"],
            "decoded": {
                "header": { "alg": "RS256", "typ": "JWT", "kid": "default-key-id" },
                "payload": bodies[0]["data"]["payload"],
            },
        },
    });
    assert_eq!(bodies[0]["data"]["payload"]["custom"], json!({ "b": 1, "a": [true, 2.5] }));
    bodies.iter().for_each(|body| assert_eq!(*body, expected));
}

#[test]
fn each_fault_has_its_code() {
    let service = Service::start();
    let good = token(&json!({}));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let other_key = SigningKey::generate(Algorithm::Rs256, 2048).unwrap();
    let by_another = jose::attach(input.to_owned(), &other_key.sign(input.as_bytes()).unwrap());
    let claims = URL_SAFE_NO_PAD.decode(input.split_once('.').unwrap().1).unwrap();
    let claims = String::from_utf8(claims).unwrap();
    for (token, code) in [
        ("garbage".to_owned(), "malformed"),
        (format!("{good}="), "malformed"),
        (format!("{input}.{signature}.x"), "malformed"),
        (signed(HEADER, "[]"), "malformed"),
        (
            format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(&claims)),
            "unsupported_alg",
        ),
        (signed(r#"{"alg":"PS256","kid":"default-key-id"}"#, &claims), "unsupported_alg"),
        (signed(r#"{"alg":"RS256","kid":"another"}"#, &claims), "unknown_key"),
        (signed(r#"{"alg":"RS256"}"#, &claims), "unknown_key"),
        (by_another, "bad_signature"),
        (token(&json!({ "exp": Service::START })), "expired"),
        (token(&json!({ "nbf": Service::START + 1 })), "not_yet_valid"),
        (token(&json!({ "iss": "somebody" })), "wrong_issuer"),
        (token(&json!({ "aud": "elsewhere" })), "wrong_audience"),
        (token(&json!({ "exp": "tomorrow" })), "invalid_claim"),
        (token(&json!({ "exp": null })), "invalid_claim"),
        (token(&json!({ "sub": 7 })), "invalid_claim"),
        (
            signed(r#"{"alg":"RS256","kid":"default-key-id","crit":["exp"],"exp":1}"#, &claims),
            "unsupported_crit",
        ),
    ] {
        for path in PATHS {
            service.anonymous().post(path, &json!({ "token": token })).refuses_token(code);
        }
    }
}

#[test]
fn a_token_expires_to_the_second() {
    let service = Service::start();
    let token = service.anonymous().demo_token(&json!({ "expiresIn": 60 }));
    let validate = || service.anonymous().post(PATHS[0], &json!({ "token": token }));
    service.at(59);
    assert_eq!(validate().status, 200);
    service.at(60);
    validate().refuses_token("expired");
}

#[test]
fn clock_skew_is_forgiven_if_the_operator_says_so() {
    let service = Service::with(&[("CLOCK_SKEW", "30s")]);
    let client = service.anonymous();
    let validate = |changes| client.post(PATHS[0], &json!({ "token": token(&changes) }));
    assert_eq!(validate(json!({ "exp": Service::START - 29 })).status, 200);
    validate(json!({ "exp": Service::START - 30 })).refuses_token("expired");
    assert_eq!(validate(json!({ "nbf": Service::START + 30 })).status, 200);
    validate(json!({ "nbf": Service::START + 31 })).refuses_token("not_yet_valid");
}

#[test]
fn a_clock_that_was_set_back_does_not_spoil_tokens_issued_before() {
    let service = Service::start();
    service.at(3600);
    let token = service.anonymous().demo_token(&json!({}));
    service.at(0);
    assert_eq!(service.anonymous().post(PATHS[0], &json!({ "token": token })).status, 200);
}

#[test]
fn another_audience_can_be_asked_for() {
    let service = Service::start();
    let client = service.anonymous();
    let token = client.demo_token(&json!({ "audience": ["billing", "mail"] }));
    client.post(PATHS[0], &json!({ "token": token })).refuses_token("wrong_audience");
    assert_eq!(client.post(PATHS[0], &json!({ "token": token, "audience": "mail" })).status, 200);
    client.post(PATHS[0], &json!({ "token": token, "audience": "chat" })).refuses_token("wrong_audience");
}

#[test]
fn the_body_goes_before_the_header_and_no_token_is_a_refusal() {
    let service = Service::start();
    let good = token(&json!({}));
    let bearing = service.anonymous().bearing("garbage");
    assert_eq!(bearing.post(PATHS[0], &json!({ "token": good })).status, 200);
    for body in [json!({}), json!({ "token": "" })] {
        service.anonymous().post(PATHS[0], &body).is_refused(400, "missing_field", "Token is required");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(service.anonymous().send(Method::POST, PATHS[0], &form, format!("token={good}")).status, 200);
}
