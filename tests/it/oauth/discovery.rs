//! The discovery documents.

use http::Method;
use serde_json::{Value, json};

use super::{ISSUER, service};
use crate::support::Service;

const BOTH: [&str; 2] = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

fn document(service: &Service, path: &str) -> Value {
    service.anonymous().get(path).ok()
}

#[test]
fn both_documents_say_what_is_switched_on() {
    let service = service(&[], &[("JWT_ALGORITHM", "RS256,ES256,ML-DSA-65")]);
    let document = document(&service, BOTH[0]);
    for (name, value) in [
        ("issuer", json!(ISSUER)),
        ("token_endpoint", json!("https://auth.example.com/oauth/token")),
        ("introspection_endpoint", json!("https://auth.example.com/oauth/introspect")),
        ("revocation_endpoint", json!("https://auth.example.com/oauth/revoke")),
        ("jwks_uri", json!("https://auth.example.com/.well-known/jwks.json")),
        ("id_token_signing_alg_values_supported", json!(["RS256", "ES256"])),
        ("subject_types_supported", json!(["public"])),
        (
            "acr_values_supported",
            json!(["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"]),
        ),
        ("scopes_supported", json!(["openid", "profile", "email", "address", "phone", "offline_access"])),
    ] {
        assert_eq!(document[name], value, "{name}");
    }
    let claims = document["claims_supported"].as_array().unwrap();
    for name in
        ["sub", "preferred_username", "email_verified", "given_name", "phone_number_verified", "address"]
    {
        assert!(claims.contains(&json!(name)), "{name}");
    }
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!("client_credentials")));
    let has_code = grants.contains(&json!("authorization_code"));
    for name in ["authorization_endpoint", "userinfo_endpoint", "code_challenge_methods_supported"] {
        assert_eq!(document.get(name).is_some(), has_code, "{name}");
    }
    assert_eq!(document, self::document(&service, BOTH[1]));
}

#[test]
fn caches_may_keep_a_document_for_an_hour_and_ask_again() {
    let service = service(&[], &[]);
    for path in BOTH {
        let answer = service.anonymous().get(path);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let tag = answer.header("etag").unwrap();
        let again = service.anonymous().send(Method::GET, path, &[("if-none-match", tag)], "");
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
}

#[test]
fn the_issuer_never_comes_from_the_request() {
    let service = service(&[], &[]);
    let spoofed =
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    let answer = service.anonymous().send(Method::GET, BOTH[0], &spoofed, "");
    assert_eq!(answer.ok()["issuer"], ISSUER);
}

#[test]
fn the_issuer_is_the_first_address_among_the_settings() {
    let port = |service: &Service| service.address().port();
    for (settings, issuer) in [
        (
            &[("ISSUER_URL", "https://a.example/"), ("JWT_ISSUER", "https://b.example")][..],
            Some("https://a.example/"),
        ),
        (
            &[("JWT_ISSUER", "https://b.example"), ("PUBLIC_URL", "https://c.example")],
            Some("https://b.example"),
        ),
        (&[("JWT_ISSUER", "our-company"), ("PUBLIC_URL", "https://c.example")], Some("https://c.example")),
        (&[("NODE_ENV", "production"), ("JWT_ISSUER", "https://b.example")], Some("https://b.example")),
        (&[], None),
    ] {
        let service = Service::with(settings);
        let local = format!("http://localhost:{}", port(&service));
        assert_eq!(document(&service, BOTH[0])["issuer"], issuer.unwrap_or(&local));
    }
}

#[test]
fn with_a_path_in_the_issuer_both_forms_of_the_address_answer() {
    let service = Service::with(&[("ISSUER_URL", "https://example.com/auth/")]);
    let expected = document(&service, BOTH[0]);
    assert_eq!(expected["issuer"], "https://example.com/auth/");
    assert_eq!(expected["token_endpoint"], "https://example.com/auth/oauth/token");
    for path in [
        "/auth/.well-known/openid-configuration",
        "/.well-known/openid-configuration/auth",
        "/.well-known/oauth-authorization-server/auth",
        "/auth/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(document(&service, path), expected, "{path}");
    }
    let token = service.anonymous().send(Method::POST, "/auth/oauth/token", &[], "");
    assert_eq!((token.status, &token.json()["error"]), (401, &json!("invalid_client")));
    assert_eq!(service.anonymous().get("/.well-known/openid-configuration/other").status, 404);
}

#[test]
fn endpoints_for_servers_may_have_another_address() {
    let service = service(&[], &[("INTERNAL_URL", "http://jwt-generator:3000/")]);
    let document = document(&service, BOTH[0]);
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["token_endpoint"], "http://jwt-generator:3000/oauth/token");
    assert_eq!(document["jwks_uri"], "http://jwt-generator:3000/.well-known/jwks.json");
}
