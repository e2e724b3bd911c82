//! `POST /oauth/revoke`, and what a denied token can no longer do.

use jwt_generator::domain::{Initiator, LoginName};
use serde_json::json;

use super::granter::Place;
use super::introspection::introspected;
use super::{ask, machine, new_user, of, own_token, service, token_of_user};
use crate::clients::generator;
use crate::pages::browser::{Browser, Form};
use crate::support::eventually;

const PATH: &str = "/oauth/revoke";

#[test]
fn a_revoked_token_is_refused_at_once() {
    let service = service(&[], &[]);
    let orders = of(&service, "orders");
    let (token, other) = (own_token(&orders), own_token(&orders));
    for _ in 0..2 {
        let revoked = ask(&orders, PATH, &[("token", &token), ("token_type_hint", "access_token")]);
        assert_eq!((revoked.status, revoked.text()), (200, ""), "the second time as well");
        assert_eq!(introspected(&orders, &token), json!({ "active": false }));
    }
    assert_eq!(introspected(&orders, &other)["active"], json!(true));
}

#[test]
fn a_generated_token_can_be_revoked_and_is_then_not_valid() {
    let service = service(&[generator("mailer", &json!({}))], &[]);
    let mailer = of(&service, "mailer");
    let generated = mailer.post("/api/token/generate", &json!({})).ok();
    let token = generated["data"]["access_token"].as_str().unwrap();
    service.anonymous().post("/api/token/validate", &json!({ "token": token })).ok();
    assert_eq!(ask(&mailer, PATH, &[("token", token)]).status, 200);
    service.anonymous().post("/api/token/validate", &json!({ "token": token })).refuses_token("revoked");
}

#[test]
fn a_client_revokes_only_its_own_tokens() {
    let service = service(&[machine("stock", &json!({}))], &[]);
    let token = own_token(&of(&service, "orders"));
    let refused = ask(&of(&service, "stock"), PATH, &[("token", &token)]);
    refused.is_oauth_error(400, "unauthorized_client", "the token was issued to another client");
    assert_eq!(introspected(&of(&service, "orders"), &token)["active"], json!(true));
}

/// RFC 7009 §2.2: there is nothing that the client could do about it.
#[test]
fn a_token_that_is_not_valid_counts_as_revoked() {
    let service = service(&[], &[]);
    let orders = of(&service, "orders");
    for token in ["x", "a.b.c", service.user("alice").token()] {
        assert_eq!(ask(&orders, PATH, &[("token", token)]).status, 200, "{token}");
    }
    ask(&orders, PATH, &[]).is_oauth_error(400, "invalid_request", "token is missing");
    let sentence = "The client is unknown, or its authentication is not valid";
    ask(&service.anonymous(), PATH, &[("token", "x")]).is_oauth_error(401, "invalid_client", sentence);
}

#[test]
fn without_a_database_a_token_is_checked_and_cannot_be_revoked() {
    let service = service(&[], &[("SKIP_DATABASE", "true")]);
    let orders = of(&service, "orders");
    let token = own_token(&orders);
    assert_eq!(introspected(&orders, &token)["active"], json!(true));
    let refused = ask(&orders, PATH, &[("token", &token)]);
    assert_eq!((refused.status, &refused.json()["error"]), (503, &json!("temporarily_unavailable")));
    assert_eq!(introspected(&orders, &token)["active"], json!(true));
}

/// The sessions of a user end at the command line, in another process.
#[test]
fn a_log_out_by_an_operator_ends_the_access_tokens_of_the_user_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let service = service(&[], &[("DATA_DIR", data), ("KEY_REFRESH", "1s")]);
    let user = new_user(&service, "alice");
    let token = token_of_user(&service, &user, &json!({}));
    assert_eq!(introspected(&of(&service, "orders"), &token)["active"], json!(true));
    service.manage(async |registry| {
        let name = LoginName::from_text("alice");
        registry.log_out(&name, &Initiator::OPERATOR).await.unwrap();
    });
    eventually("the denial", || {
        (introspected(&of(&service, "orders"), &token)["active"] == json!(false)).then_some(())
    });
    let refused = service.anonymous().bearing(&token).get("/oauth/userinfo");
    refused.is_oauth_error(401, "invalid_token", "Token verification failed");
}

/// The instance that changes the password need not read its own denial first.
#[test]
fn a_new_password_ends_the_access_tokens_of_the_user_at_once() {
    let place = Place::new(&[("KEY_REFRESH", "1h")]);
    let tokens = place.tokens("app", "openid orders.read");
    let web = of(&place.service, "web");
    assert_eq!(introspected(&web, &tokens.access)["active"], json!(true));
    let browser = Browser::at(&place.service.anonymous());
    browser.log_in(&browser.open("/oauth/login").unwrap(), "alice").unwrap();
    let form = Form::to(&browser.open("/account").unwrap(), "/account/password");
    let typed = [("current_password", "secret-alice"), ("new_password", "another secret")];
    assert_eq!(browser.post(&form, &typed).status, 303);
    assert_eq!(introspected(&web, &tokens.access), json!({ "active": false }));
}
