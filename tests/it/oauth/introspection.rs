//! `POST /oauth/introspect`.

use http::Method;
use serde_json::{Value, json};

use super::{FORM, ISSUER, ask, form, machine, new_user, of, own_token, service, token_of_user};
use crate::clients::generator;
use crate::support::{Client, Service};

const PATH: &str = "/oauth/introspect";

#[track_caller]
pub(super) fn introspected(client: &Client, token: &str) -> Value {
    ask(client, PATH, &[("token", token)]).ok()
}

#[test]
fn a_client_learns_what_an_access_token_says() {
    let service = service(&[machine("stock", &json!({}))], &[]);
    let token = own_token(&of(&service, "orders"));
    let (_, claims) = jose::decode_unverified(&token).unwrap();
    let mut expected: Value = serde_json::from_str(&claims).unwrap();
    expected.as_object_mut().unwrap().remove("rid").unwrap();
    expected["active"] = json!(true);
    expected["token_type"] = json!("Bearer");
    for id in ["orders", "stock"] {
        let answer = ask(&of(&service, id), PATH, &[("token", &token), ("token_type_hint", "refresh_token")]);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.ok(), expected, "{id}");
    }
}

#[test]
fn a_generated_token_and_a_token_of_a_user_are_active_too() {
    let service = service(&[generator("mailer", &json!({ "claims": ["*"] }))], &[]);
    let wanted = json!({ "claims": { "role": "y" } });
    let generated = of(&service, "mailer").post("/api/token/generate", &wanted).ok();
    let told = introspected(&of(&service, "orders"), generated["data"]["access_token"].as_str().unwrap());
    assert_eq!(
        (&told["active"], &told["token_type"], &told["role"]),
        (&json!(true), &json!("Bearer"), &json!("y"))
    );
    assert_eq!(told["client_id"], "mailer");
    let user = new_user(&service, "alice");
    let told = introspected(&of(&service, "orders"), &token_of_user(&service, &user, &json!({})));
    assert_eq!((&told["active"], &told["sub"], told.get("gid")), (&json!(true), &json!(user), None));
}

#[test]
fn what_is_no_valid_access_token_is_not_active_and_nothing_more_is_said() {
    let service = service(&[], &[]);
    let orders = of(&service, "orders");
    let token = own_token(&orders);
    let log_in = service.user("alice").token().to_owned();
    let unknown = token_of_user(&service, "0123456789abcdef01234567", &json!({ "client_id": "gone" }));
    for not_one in ["x", "a.b.c", &token[..token.len() - 8], &log_in, &unknown] {
        assert_eq!(introspected(&orders, not_one), json!({ "active": false }), "{not_one}");
    }
    service.at(3600);
    assert_eq!(introspected(&orders, &token), json!({ "active": false }), "it has expired");
}

#[test]
fn only_a_client_that_authenticates_may_ask() {
    let public = json!({
        "client_id": "phone", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
        "redirect_uris": ["https://app.example/cb"],
    });
    let service = service(&[public], &[]);
    let sentence = "The client is unknown, or its authentication is not valid";
    for params in [&[("token", "x")][..], &[("token", "x"), ("client_id", "phone")]] {
        ask(&service.anonymous(), PATH, params).is_oauth_error(401, "invalid_client", sentence);
    }
    ask(&of(&service, "orders"), PATH, &[]).is_oauth_error(400, "invalid_request", "token is missing");
}

/// RFC 9701 §5: the answer is nested, so that no verifier takes it for the token.
#[test]
fn the_answer_is_signed_if_the_request_or_the_client_wants_it() {
    let signer = machine("signer", &json!({ "introspection_signed_response_alg": "RS256" }));
    let service = service(&[signer], &[]);
    let token = own_token(&of(&service, "orders"));
    let accept = [FORM, ("accept", "application/token-introspection+jwt")];
    for (id, headers, algorithm) in [("orders", &accept[..], "RS256"), ("signer", &[FORM][..], "RS256")] {
        for (token, is_active) in [(token.as_str(), true), ("x", false)] {
            let answer = of(&service, id).send(Method::POST, PATH, headers, form(&[("token", token)]));
            assert_eq!(
                answer.header("content-type"),
                Some("application/token-introspection+jwt"),
                "{}",
                answer.text()
            );
            let (header, claims) = jose::decode_unverified(answer.text()).unwrap();
            assert!(
                header.starts_with(&format!(r#"{{"alg":"{algorithm}","typ":"token-introspection+jwt","#)),
                "{header}"
            );
            let claims: Value = serde_json::from_str(&claims).unwrap();
            let told = &claims["token_introspection"];
            let expected =
                json!({ "iss": ISSUER, "aud": id, "iat": Service::START, "token_introspection": told });
            assert_eq!(claims, expected);
            assert_eq!(told["active"], json!(is_active));
        }
    }
}
