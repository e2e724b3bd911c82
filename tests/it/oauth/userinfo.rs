//! `GET` and `POST /oauth/userinfo`.

use http::Method;
use jwt_generator::domain::{Initiator, LoginName};
use serde_json::{Value, json};

use super::{FORM, ISSUER, ask, form, machine, new_user, of, own_token, service, token_of_user};
use crate::support::Service;

const PATH: &str = "/oauth/userinfo";

#[test]
fn the_scopes_of_the_token_give_claims_about_its_user() {
    let service = service(&[], &[]);
    let user = new_user(&service, "alice");
    let told = |scope: &str| {
        let token = token_of_user(&service, &user, &json!({ "scope": scope }));
        let answer = service.anonymous().bearing(&token).get(PATH);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.ok()
    };
    assert_eq!(told("openid"), json!({ "sub": user }));
    let profile = json!({ "sub": user, "preferred_username": "alice", "updated_at": Service::START });
    assert_eq!(told("openid profile address phone"), profile);
    let email = json!({ "sub": user, "email": "alice@example.com", "email_verified": false });
    assert_eq!(told("openid email"), email);
}

/// Gives a user claims beside the service, as a command does.
fn give_claims(service: &Service, name: &str, change: &str) {
    let by = &Initiator::OPERATOR;
    let given = service.manage(async |registry| {
        let user = registry.find_user(&LoginName::from_text(name)).await.unwrap().unwrap();
        let before = registry.find_claims(&user).await.unwrap();
        registry.set_claims(user.id, before.changed_by(change).unwrap(), by).await
    });
    given.unwrap();
}

#[test]
fn the_claims_that_an_operator_gave_the_user_come_with_their_scopes() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&[], &[("DATA_DIR", folder.path().to_str().unwrap())]);
    let user = new_user(&service, "alice");
    let told = |scope: &str| {
        let token = token_of_user(&service, &user, &json!({ "scope": scope }));
        service.anonymous().bearing(&token).get(PATH).ok()
    };
    let address = json!({ "street_address": "1 High St", "locality": "London", "country": "GB" });
    let given = json!({
        "given_name": "Alice", "zoneinfo": "Europe/London", "phone_number": "+441234567", "address": address,
    });
    service.at(60);
    give_claims(&service, "alice", &given.to_string());
    let profile = json!({
        "sub": user, "preferred_username": "alice", "updated_at": Service::START + 60,
        "given_name": "Alice", "zoneinfo": "Europe/London",
    });
    assert_eq!(told("openid profile"), profile);
    assert_eq!(told("openid address"), json!({ "sub": user, "address": address }));
    let phone = json!({ "sub": user, "phone_number": "+441234567", "phone_number_verified": false });
    assert_eq!(told("openid phone"), phone);
    assert_eq!(told("openid"), json!({ "sub": user }));
    give_claims(&service, "alice", r#"{"given_name":null,"address":null,"phone_number_verified":true}"#);
    assert_eq!(told("openid address"), json!({ "sub": user }));
    assert_eq!(told("openid phone")["phone_number_verified"], true);
}

#[test]
fn the_token_may_come_in_the_header_or_in_a_form() {
    let service = service(&[], &[]);
    let token = token_of_user(&service, &new_user(&service, "alice"), &json!({ "scope": "openid" }));
    let bearing = service.anonymous().bearing(&token);
    let expected = bearing.get(PATH).ok();
    assert_eq!(bearing.send(Method::POST, PATH, &[], "").ok(), expected);
    assert_eq!(ask(&service.anonymous(), PATH, &[("access_token", &token)]).ok(), expected);
    let twice = bearing.send(Method::POST, PATH, &[FORM], form(&[("access_token", &token)]));
    let sentence = "The access token must be in the header Authorization or in the form, not in both";
    twice.is_oauth_error(400, "invalid_request", sentence);
}

#[test]
fn each_refusal_has_its_challenge() {
    let service = service(&[], &[]);
    let user = new_user(&service, "alice");
    let required = service.anonymous().get(PATH);
    required.is_oauth_error(401, "invalid_token", "Access token is required");
    assert_eq!(required.header("www-authenticate"), Some("Bearer"));
    for token in [
        "x".to_owned(),
        service.user("bob").token().to_owned(),
        token_of_user(&service, "0123456789abcdef01234567", &json!({})),
        token_of_user(&service, &user, &json!({ "client_id": "gone" })),
        token_of_user(&service, &user, &json!({ "exp": Service::START })),
    ] {
        let refused = service.anonymous().bearing(&token).get(PATH);
        refused.is_oauth_error(401, "invalid_token", "Token verification failed");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    let sentence = "The access token needs the scope openid, and must be one of a user";
    for token in
        [own_token(&of(&service, "orders")), token_of_user(&service, &user, &json!({ "scope": "profile" }))]
    {
        let refused = service.anonymous().bearing(&token).get(PATH);
        refused.is_oauth_error(403, "insufficient_scope", sentence);
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"openid\"";
        assert_eq!(refused.header("www-authenticate"), Some(challenge));
    }
}

#[test]
fn a_client_may_get_the_claims_signed() {
    let signer = machine("signer", &json!({ "userinfo_signed_response_alg": "RS256" }));
    let service = service(&[signer], &[]);
    let user = new_user(&service, "alice");
    let token = token_of_user(&service, &user, &json!({ "client_id": "signer", "scope": "openid" }));
    let answer = service.anonymous().bearing(&token).get(PATH);
    assert_eq!(answer.header("content-type"), Some("application/jwt"));
    let (header, claims) = jose::decode_unverified(answer.text()).unwrap();
    assert_eq!(header, r#"{"alg":"RS256","kid":"default-key-id"}"#);
    let claims: Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims, json!({ "sub": user, "iss": ISSUER, "aud": "signer" }));
}
