//! `POST /oauth/token`: what every grant needs, and `client_credentials`.

use http::Method;
use jose::{Algorithm, ProtectedHeader, SigningKey, Typ};
use jwt_generator::oauth::JWT_BEARER;
use serde_json::{Value, json};

use super::{FORM, ISSUER, ask, form, machine, of, own_token, service};
use crate::clients::SECRET;
use crate::support::{Service, socket};

const PATH: &str = "/oauth/token";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn parts(token: &str) -> (String, Value) {
    let (header, claims) = jose::decode_unverified(token).unwrap();
    (header, serde_json::from_str(&claims).unwrap())
}

#[test]
fn a_client_gets_a_token_for_itself() {
    let service = service(&[], &[]);
    let answer = ask(&of(&service, "orders"), PATH, &[GRANT]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.ok();
    let token = body["access_token"].as_str().unwrap();
    let expected = json!({
        "access_token": token, "token_type": "Bearer", "expires_in": 3600,
        "scope": "orders.read orders.write profile email",
    });
    assert_eq!(body, expected);
    let (header, claims) = parts(token);
    assert_eq!(header, r#"{"alg":"RS256","typ":"at+jwt","kid":"default-key-id"}"#);
    let expected = json!({
        "sub": "orders", "iat": Service::START, "iss": ISSUER, "aud": "https://orders.example",
        "exp": Service::START + 3600, "jti": claims["jti"], "client_id": "orders", "rid": claims["rid"],
        "scope": "orders.read orders.write profile email",
    });
    assert_eq!(claims, expected);
}

#[test]
fn the_request_chooses_scopes_and_resources_of_the_client() {
    let service = service(&[], &[]);
    let resources = [("resource", "https://stock.example"), ("resource", "https://orders.example")];
    let params = [&[GRANT, ("scope", "orders.read")][..], &resources].concat();
    let body = ask(&of(&service, "orders"), PATH, &params).ok();
    assert_eq!(body["scope"], "orders.read");
    let (_, claims) = parts(body["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"], json!(["https://stock.example", "https://orders.example"]));
}

#[test]
fn the_metadata_of_a_client_decides_about_lifetime_type_and_claims() {
    let changes = json!({
        "access_token_lifetime": 60, "access_token_typ": "JWT", "claims": { "tier": "gold" }, "resources": [],
    });
    let service = service(&[machine("gold", &changes)], &[]);
    let body = ask(&of(&service, "gold"), PATH, &[GRANT]).ok();
    assert_eq!(body["expires_in"], 60);
    let (header, claims) = parts(body["access_token"].as_str().unwrap());
    assert_eq!(header, r#"{"alg":"RS256","typ":"JWT","kid":"default-key-id"}"#);
    assert_eq!((&claims["tier"], &claims["aud"]), (&json!("gold"), &json!("jwt-generator-api")));
}

#[test]
fn each_refusal_has_its_code_and_a_sentence() {
    let public = json!({
        "client_id": "phone", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
        "redirect_uris": ["https://app.example/cb"],
    });
    let other = machine("generator", &json!({ "grant_types": [], "generate": {} }));
    let service = service(&[public, other], &[]);
    let orders = of(&service, "orders");
    for (params, code, sentence) in [
        (&[("scope", "x")][..], "invalid_request", "grant_type is missing"),
        (&[("grant_type", "")], "invalid_request", "grant_type is missing"),
        (&[GRANT, GRANT], "invalid_request", "a parameter must not occur twice"),
        (&[GRANT, ("x", "1"), ("x", "2")], "invalid_request", "a parameter must not occur twice"),
        (
            &[("grant_type", "password")],
            "unsupported_grant_type",
            "The service does not support this grant_type; the discovery document lists those that it supports",
        ),
        (&[GRANT, ("scope", "admin")], "invalid_scope", "the client may not have one of these scopes"),
        (&[GRANT, ("scope", "a++b")], "invalid_scope", "scope must be names with one space between them"),
        (
            &[GRANT, ("scope", "openid")],
            "invalid_scope",
            "openid and offline_access need a user, and this grant has none",
        ),
        (
            &[GRANT, ("resource", "https://other.example")],
            "invalid_target",
            "The client may not have tokens for this resource",
        ),
    ] {
        ask(&orders, PATH, params).is_oauth_error(400, code, sentence);
    }
    let refused = ask(&of(&service, "generator"), PATH, &[GRANT]);
    refused.is_oauth_error(400, "unauthorized_client", "the client may not use this grant_type");
    let refused = ask(&service.anonymous(), PATH, &[GRANT, ("client_id", "phone")]);
    refused.is_oauth_error(400, "unauthorized_client", "the client may not use this grant_type");
}

#[test]
fn a_client_that_does_not_authenticate_learns_how() {
    let service = service(&[], &[]);
    let wrong = service.anonymous().with_secret("orders", "wrong");
    let unknown = service.anonymous().with_secret("stranger", SECRET);
    for client in [&wrong, &unknown, &service.anonymous()] {
        let refused = ask(client, PATH, &[GRANT]);
        refused.is_oauth_error(
            401,
            "invalid_client",
            "The client is unknown, or its authentication is not valid",
        );
        assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"client\", charset=\"UTF-8\""));
    }
}

/// Seen: such a header counted as absent, so that a request could authenticate by its form beside it.
#[test]
fn a_header_that_cannot_authenticate_a_client_is_not_absent() {
    let service = service(&[], &[]);
    let client = service.anonymous();
    let params = form(&[GRANT, ("client_id", "orders"), ("client_secret", SECRET), ("token", "x")]);
    for path in [PATH, "/oauth/introspect", "/oauth/revoke"] {
        let with = |values: &[&str]| {
            let own = values.iter().map(|value| ("authorization", *value));
            client.send(Method::POST, path, &own.chain([FORM]).collect::<Vec<_>>(), params.clone())
        };
        for odd in ["Bearer x", "Digest x", ""] {
            let refused = with(&[odd]);
            refused.is_oauth_error(
                401,
                "invalid_client",
                "The header Authorization must have the scheme Basic",
            );
            let challenge = refused.header("www-authenticate");
            assert_eq!(challenge, Some("Basic realm=\"client\", charset=\"UTF-8\""), "{path}");
        }
        let sentence = "The request must have one header Authorization";
        for two in [["Basic x", "Basic x"], ["Bearer x", ""]] {
            with(&two).is_oauth_error(400, "invalid_request", sentence);
        }
    }
    let mut stream = socket::connect(service.address());
    let length = params.len();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {}\r\ncontent-length: {length}\r\n",
        FORM.1
    );
    socket::send(
        &mut stream,
        [head.as_bytes(), b"authorization: B\xe4sic x\r\n\r\n", params.as_bytes()].concat(),
    );
    let answer = socket::until_closed(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("must have the scheme Basic"), "{answer}");
}

#[test]
fn a_client_whose_keys_do_not_arrive_learns_when_to_try_again() {
    let keyed = json!({
        "client_id": "keyed", "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"],
        "jwks_uri": "http://127.0.0.1:1/jwks", "scope": "orders.read",
    });
    let service = service(&[keyed], &[]);
    let key = SigningKey::generate(Algorithm::Es256, 2048).unwrap();
    let exp = Service::START + 60;
    let claims = json!({ "iss": "keyed", "sub": "keyed", "aud": ISSUER, "exp": exp, "jti": "1" });
    let header = ProtectedHeader::encode(Algorithm::Es256, Typ::Jwt, "k");
    let input = jose::signing_input(&header, claims.to_string().as_bytes());
    let signature = key.sign(input.as_bytes()).unwrap();
    let assertion = jose::attach(input, &signature);
    let own = [("client_assertion_type", JWT_BEARER), ("client_assertion", &*assertion)];
    let refused = ask(&service.anonymous(), PATH, &[&[GRANT], &own[..]].concat());
    let sentence = "The client's assertion cannot be checked now; try again in 5 s";
    refused.is_oauth_error(503, "temporarily_unavailable", sentence);
    assert_eq!(refused.header("retry-after"), Some("5"));
}

#[test]
fn only_forms_are_read() {
    let service = service(&[], &[]);
    let orders = of(&service, "orders");
    let sentence = "The request body must be application/x-www-form-urlencoded, in UTF-8";
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded;charset=latin1"] {
        let refused = orders.send(Method::POST, PATH, &[("content-type", kind)], form(&[GRANT]));
        refused.is_oauth_error(400, "invalid_request", sentence);
    }
    let in_query = orders.send(Method::POST, "/oauth/token?grant_type=client_credentials", &[FORM], "");
    in_query.is_oauth_error(400, "invalid_request", "grant_type is missing");
    let refused = orders.get(PATH);
    refused.is_oauth_error(
        405,
        "invalid_request",
        "GET is not allowed on /oauth/token; the Allow header lists what is",
    );
    assert_eq!(refused.header("allow"), Some("POST"));
    orders.get("/oauth/nope").is_oauth_error(404, "invalid_request", "Route /oauth/nope not found");
}

#[test]
fn browsers_of_every_origin_may_ask_for_tokens_and_none_for_introspection() {
    let service = service(&[], &[]);
    let origin = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    let allowed = |path: &str| {
        let answer = service.anonymous().send(Method::OPTIONS, path, &origin, "");
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    for path in [PATH, "/oauth/revoke", "/oauth/userinfo", "/.well-known/openid-configuration"] {
        assert_eq!(allowed(path).as_deref(), Some("*"), "{path}");
    }
    assert_eq!(allowed("/oauth/introspect"), None);
}

#[test]
fn a_client_has_a_budget_of_its_own() {
    let settings = [("RATE_LIMITS", "oauth_token=2/m per client")];
    let service = service(&[machine("stock", &json!({}))], &settings);
    let orders = of(&service, "orders");
    for left in [1, 0] {
        let answer = ask(&orders, PATH, &[GRANT]);
        assert_eq!(answer.status, 200);
        let told = answer.header("ratelimit").unwrap().to_owned();
        assert!(told.starts_with(&format!("\"oauth_token-client\";r={left};")), "{told}");
    }
    let refused = ask(&orders, PATH, &[GRANT]);
    let sentence = "Too many requests from this client; try again in 30 s";
    refused.is_oauth_error(429, "temporarily_unavailable", sentence);
    assert_eq!(refused.header("retry-after"), Some("30"));
    let unknown = service.anonymous().with_secret("orders", "wrong");
    assert_eq!(ask(&unknown, PATH, &[GRANT]).status, 401, "a stranger uses up no budget of a client");
    own_token(&of(&service, "stock"));
}

/// Seen: a stranger named a public client again and again, and its users were refused.
#[test]
fn a_client_without_a_secret_has_a_budget_for_each_address() {
    let settings = [("RATE_LIMITS", "revoke=2/d per client"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let phone = json!({
        "client_id": "phone", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
        "redirect_uris": ["https://app.example.com/cb"],
    });
    let service = service(&[phone], &settings);
    let revoke = |address: &str| {
        let headers = [FORM, ("x-forwarded-for", address)];
        let body = form(&[("client_id", "phone"), ("token", "any")]);
        service.anonymous().send(Method::POST, "/oauth/revoke", &headers, body).status
    };
    assert_eq!([(); 3].map(|()| revoke("203.0.113.9")), [200, 200, 429]);
    assert_eq!(["198.51.100.1", "198.51.100.2", "203.0.113.9"].map(revoke), [200, 200, 429]);
}

#[test]
fn without_an_https_issuer_oauth_is_off_in_production_and_the_rest_runs() {
    let clients = json!([machine("orders", &json!({}))]);
    for settings in [
        &[("NODE_ENV", "production")][..],
        &[("NODE_ENV", "production"), ("ISSUER_URL", "http://auth.example.com")],
    ] {
        let service = Service::with_clients(&clients, settings);
        let sentence = "The OAuth endpoints are off on this server: in production its ISSUER_URL must be an https address";
        ask(&of(&service, "orders"), PATH, &[GRANT]).is_oauth_error(404, "invalid_request", sentence);
        let refused = service.anonymous().get("/.well-known/openid-configuration");
        refused.is_refused(404, "oauth_off", sentence);
        service.user("alice").get("/api/auth/profile").ok();
    }
}
