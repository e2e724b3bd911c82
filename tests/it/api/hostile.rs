//! Hostile input: each JSON type in each field, texts that are nearly JSON, strings that have broken programs. The answer to
//! a mistake of the caller is a 4xx with a sentence, never a 5xx, and the service continues.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Service, json_texts, naughty_strings};

const JSON: (&str, &str) = ("content-type", "application/json");
const FIELDS: [(&str, &[&str]); 5] = [
    ("/api/token/generate", &["username", "email", "subject", "audience", "expiresIn", "claims"]),
    ("/api/token/validate", &["token", "audience"]),
    ("/api/auth/validate", &["token"]),
    ("/api/auth/register", &["username", "email", "password"]),
    ("/api/auth/login", &["username", "password"]),
];

#[track_caller]
fn is_clean(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text());
    let body = answer.json();
    if answer.status >= 400 {
        assert_eq!(body["success"], false, "{what}");
        assert!(body["error"].is_string() && body["code"].is_string(), "{what}: {body}");
    }
}

/// A body with one wrong field.
fn with_field(path: &str, field: &str, value: &Value) -> Value {
    let mut body = match path {
        "/api/auth/register" => {
            json!({ "username": "ada", "email": "ada@example.com", "password": "secret123" })
        }
        "/api/auth/login" => json!({ "username": "ada", "password": "secret123" }),
        _ => json!({}),
    };
    body[field] = value.clone();
    body
}

#[test]
fn any_json_type_in_any_field_is_a_4xx() {
    let service = Service::start();
    for (path, fields) in FIELDS {
        for field in fields {
            for value in [
                json!(null),
                json!(0),
                json!(-1),
                json!(1.5),
                json!(1e300),
                json!(true),
                json!(false),
                json!([]),
                json!([1]),
                json!([null]),
                json!([["a"]]),
                json!({}),
                json!({ "$gt": "" }),
                json!({ "$regex": ".*" }),
                json!({ "$ne": null }),
                json!({ "length": 7 }),
                json!({ "toString": "x" }),
                json!({ "__proto__": { "a": 1 } }),
            ] {
                let answer = service.anonymous().post(path, &with_field(path, field, &value));
                let fits = matches!((*field, &value), ("claims", Value::Object(_)))
                    || (*field == "expiresIn" && value.as_u64().is_some_and(|seconds| seconds > 0));
                let expected = if fits { 200 } else { 400 };
                assert_eq!(answer.status, expected, "{path} {field} {value}: {}", answer.text());
                is_clean(&answer, field);
            }
        }
    }
}

#[test]
fn h9_texts_that_are_nearly_json_are_refused_and_json_is_not() {
    let service = Service::start();
    let client = service.anonymous();
    let texts = json_texts();
    assert!(texts.len() > 300);
    for (path, _) in FIELDS {
        for (name, text) in &texts {
            let answer = client.send(Method::POST, path, &[JSON], text.clone());
            is_clean(&answer, name);
            if name.starts_with("n_") && !text.is_empty() {
                let expected = if text.len() > 100 * 1024 { 413 } else { 400 };
                assert_eq!(answer.status, expected, "{path} {name}");
            }
            // The text as the value of a member. Text that is JSON is not refused as malformed.
            let body = [b"{\"unknown\":", text.as_slice(), b"}"].concat();
            let answer = client.send(Method::POST, path, &[JSON], body);
            is_clean(&answer, name);
            if name.starts_with("y_") {
                assert_ne!(answer.json()["code"], "malformed_body", "{path} {name}: {}", answer.text());
            }
        }
    }
}

#[test]
fn h10_bytes_that_are_no_utf_8_are_refused() {
    let service = Service::start();
    let utf16: Vec<u8> = "{\"username\":\"ada\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        &b"{\"username\":\"\x80\"}"[..],
        b"{\"username\":\"\xc0\xaf\"}",
        b"{\"username\":\"\xe2\x82\"}",
        b"{\"username\":\"\xed\xa0\x80\"}",
        b"{\"username\":\"\xf5\x80\x80\x80\"}",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{\"username\":\"ada\"}",
        b"{\"username\":\"\\ud800\"}",
        b"{\"username\":\"\\udc00\\ud800\"}",
        &utf16,
    ] {
        for (path, _) in FIELDS {
            let answer = service.anonymous().send(Method::POST, path, &[JSON], bytes);
            assert_eq!(answer.status, 400, "{path} {bytes:?}");
            is_clean(&answer, path);
        }
    }
}

#[test]
fn h9_naughty_strings_are_kept_to_the_letter_or_refused() {
    let service = Service::start();
    let client = service.anonymous();
    let strings = naughty_strings();
    assert!(strings.len() > 400);
    for text in &strings {
        let answer = client.post(
            "/api/token/generate",
            &json!({ "username": text, "subject": text, "claims": { "x": text } }),
        );
        let token = answer.ok()["data"]["access_token"].as_str().unwrap().to_owned();
        let payload =
            client.post("/api/token/validate", &json!({ "token": token })).ok()["data"]["payload"].clone();
        assert_eq!(payload["x"], text.as_str());
        let or_default = |default: &str| if text.is_empty() { default.to_owned() } else { text.clone() };
        assert_eq!(
            (&payload["username"], &payload["sub"]),
            (&or_default("demo-user").into(), &or_default("demo-user-id").into())
        );
        for (path, fields) in FIELDS {
            for field in fields {
                is_clean(&client.post(path, &with_field(path, field, &json!(text))), text);
            }
        }
    }
}

#[test]
fn h8_deep_wide_and_long_texts_cost_nothing_but_a_refusal() {
    let service = Service::start();
    let deep = format!("{{\"claims\":{}{}}}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let brackets = "[".repeat(100_000);
    let wide = format!("{{{}}}", (0..10_000).map(|n| format!("\"m{n}\":1")).collect::<Vec<_>>().join(","));
    let escapes = format!("{{\"username\":\"{}\"}}", "\\u0061".repeat(16_000));
    let twice = format!("{{{}}}", vec!["\"a\":1"; 10_000].join(","));
    for body in [deep, brackets, wide, escapes, twice] {
        for (path, _) in FIELDS {
            let answer = service.anonymous().send(Method::POST, path, &[JSON], body.clone());
            is_clean(&answer, path);
            assert!((400..500).contains(&answer.status), "{path}");
        }
    }
    assert_eq!(service.anonymous().get("/health").status, 200);
}
