//! The public keys, for verifiers.

use http::Method;
use jose::{Jwk, VerifyingKey};
use serde_json::json;

use crate::support::{Program, Service, folder_with_keys, read};

const JWKS: [&str; 4] =
    ["/api/jwks", "/api/jwks.json", "/api/.well-known/jwks.json", "/.well-known/jwks.json"];
const POST_QUANTUM: &str = "/api/jwks/post-quantum";

#[test]
fn the_key_set_is_one_document_on_all_its_paths() {
    let service = Service::start();
    let first = service.anonymous().get(JWKS[0]);
    for path in JWKS {
        let answer = service.anonymous().get(path);
        assert_eq!((answer.status, &answer.body), (200, &first.body));
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=86400"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let keys = first.json()["keys"].clone();
    let key = VerifyingKey::from_jwk(&Jwk::from_json(&keys[0].to_string()).unwrap()).unwrap();
    assert_eq!(key.to_spki_pem(), read("tests/data/adoption/keys/public-key.pem"));
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(keys[0].get(private).is_none(), "{private} is published");
    }
}

#[test]
fn a_cache_that_has_the_documents_gets_304() {
    let service = Service::start();
    for path in JWKS.into_iter().chain([POST_QUANTUM, "/api/public-key", "/api/public-key.pem"]) {
        let tag = service.anonymous().get(path).header("etag").unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag} is no strong tag");
        let ask = |tags: &str| service.anonymous().send(Method::GET, path, &[("if-none-match", tags)], "");
        for tags in [tag.as_str(), &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
            let answer = ask(tags);
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{tags}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            let head = service.anonymous().send(Method::HEAD, path, &[("if-none-match", tags)], "");
            assert_eq!((head.status, head.header("content-length")), (304, None));
            assert_eq!(answer.header("cache-control"), Some("public, max-age=86400"));
        }
        assert_eq!(ask("\"x\"").status, 200);
        assert_eq!(ask("").status, 200);
    }
}

/// Seen: the answers did not say whether they may be cached, so each cache decided by itself.
#[test]
fn health_is_never_kept_and_key_information_for_a_minute() {
    let service = Service::start();
    let health = service.anonymous().get("/health");
    assert_eq!((health.status, health.header("cache-control")), (200, Some("no-store")));
    let info = service.anonymous().get("/api/key-info");
    assert_eq!((info.status, info.header("cache-control")), (200, Some("public, max-age=60")));
    let tag = info.header("etag").unwrap();
    let ask =
        |tag: &str| service.anonymous().send(Method::GET, "/api/key-info", &[("if-none-match", tag)], "");
    let known = ask(tag);
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag)));
    assert_eq!(known.header("cache-control"), Some("public, max-age=60"));
    assert_eq!((ask("\"x\"").status, ask("\"x\"").body), (200, info.body));
}

#[test]
fn two_instances_on_the_same_keys_publish_the_same_bytes_and_tags() {
    let (one, another) = (Service::start(), Service::start());
    let (one, another) = (one.anonymous().get(JWKS[0]), another.anonymous().get(JWKS[0]));
    assert_eq!((one.header("etag"), &one.body), (another.header("etag"), &another.body));
}

#[test]
fn the_public_key_is_the_originals_file() {
    let service = Service::start();
    for path in ["/api/public-key", "/api/public-key.pem"] {
        let answer = service.anonymous().get(path);
        assert_eq!(answer.header("content-type"), Some("application/x-pem-file; charset=utf-8"));
        assert_eq!(answer.text(), read("tests/data/adoption/keys/public-key.pem"));
    }
}

#[test]
fn a_key_keeps_its_instant_over_restarts() {
    let folder = folder_with_keys();
    let info = || Program::start(folder.path(), &[]).client().get("/api/key-info").ok();
    let first = info();
    assert_eq!(first, info());
    let expected = json!({
        "kid": "default-key-id", "kty": "RSA", "alg": "RS256", "use": "sig", "key_ops": ["verify"],
        "created_at": first["data"]["created_at"], "status": "active",
        "keys": [{
            "kid": "default-key-id", "alg": "RS256", "status": "active",
            "published_at": first["data"]["created_at"], "activates_at": first["data"]["created_at"],
            "activated_at": first["data"]["created_at"],
        }],
    });
    assert_eq!(first["data"], expected);
}

#[test]
fn public_keys_are_for_all_origins_whatever_is_allowed() {
    let service = Service::with(&[("ALLOWED_ORIGINS", "https://app.example.com")]);
    for path in JWKS.into_iter().chain([POST_QUANTUM, "/api/public-key", "/api/public-key.pem"]) {
        let answer = service.anonymous().send(Method::GET, path, &[("origin", "https://else.example")], "");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(answer.header("vary"), None, "one answer serves every cache");
        let asks = [("origin", "https://else.example"), ("access-control-request-method", "GET")];
        let preflight = service.anonymous().send(Method::OPTIONS, path, &asks, "");
        assert_eq!(preflight.header("access-control-allow-origin"), Some("*"), "{path}");
    }
}
