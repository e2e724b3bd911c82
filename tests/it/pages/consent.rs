//! What a consent is about: nothing that a client gets passes it by.

use std::thread;

use jwt_generator::domain::{Initiator, LoginName};
use serde_json::{Value, json};

use super::browser::{
    Browser, Form, answer_of, authorize, counts, decoded, is_told, on_each_store, on_each_store_with,
    service, service_with,
};
use crate::oauth::registrations;
use crate::support::{Service, eventually};

const SILENT: (&str, &str) = ("prompt", "none");
const BY_NAME: &str = r#"{"userinfo":{"email":{"essential":true}},"id_token":{"email_verified":null}}"#;

/// The userinfo of an access token.
#[track_caller]
fn userinfo(service: &Service, tokens: &Value) -> Value {
    let token = tokens["access_token"].as_str().unwrap();
    service.anonymous().bearing(token).get("/oauth/userinfo").ok()
}

fn id_claims(tokens: &Value) -> Value {
    let (_, claims) = jose::decode_unverified(tokens["id_token"].as_str().unwrap()).unwrap();
    serde_json::from_str(&claims).unwrap()
}

/// Asks the user, who permits it, and returns what the page showed and the tokens.
#[track_caller]
fn allowed(browser: &Browser, client: &str, more: &[(&str, &str)]) -> (String, Value) {
    let page = browser.open(&authorize(client, more)).unwrap();
    let text = decoded(page.text());
    assert!(text.contains("to use your account?"), "{text}");
    let address = browser.submit(&page, &[("answer", "allow")]).unwrap_err();
    (text, browser.redeem(client, &answer_of(&address)["code"]))
}

/// The scopes of a client are its limit, whatever way it asks in (OpenID Connect Core §5.5).
#[test]
fn a_client_gets_no_claim_by_name_that_it_may_not_have_by_scope() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let names = r#"{"userinfo":{"email":null,"preferred_username":null},"id_token":{"email":null,"updated_at":null}}"#;
    let more = [("scope", "openid"), ("claims", names)];
    let (page, tokens) = allowed(&browser, "small", &more);
    assert!(page.contains("see your user name") && !page.contains("see your email address"), "{page}");
    let told = userinfo(&service, &tokens);
    assert_eq!(told, json!({ "sub": told["sub"], "preferred_username": "alice" }));
    let id_token = id_claims(&tokens);
    assert_eq!((&id_token["email"], id_token["updated_at"].is_u64()), (&Value::Null, true), "{id_token}");
}

#[test]
fn a_single_claim_is_asked_for_as_its_scope_is() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    allowed(&browser, "web", &[("scope", "openid")]);
    let more = [("scope", "openid"), ("claims", BY_NAME)];
    is_told(browser.open(&authorize("web", &[&more[..], &[SILENT]].concat())), "consent_required");
    let (page, tokens) = allowed(&browser, "web", &more);
    assert!(page.contains("see your email address"), "{page}");
    let told = userinfo(&service, &tokens);
    assert_eq!(told, json!({ "sub": told["sub"], "email": "alice@example.com" }), "and no other claim");
    assert_eq!(id_claims(&tokens)["email_verified"], false);
    let code = browser.code(&authorize("web", &[&more[..], &[SILENT]].concat()));
    assert_eq!(userinfo(&service, &browser.redeem("web", &code)), told, "the consent is remembered");
}

/// `id_token` of the parameter `claims` puts what an operator gave the user into the id token, within the scopes of the client.
#[test]
fn the_id_token_has_the_given_claims_that_a_request_names() {
    let folder = tempfile::tempdir().unwrap();
    let service = service_with(&[("DATA_DIR", folder.path().to_str().unwrap())]);
    let browser = Browser::of_user(&service, "alice");
    let changed = service.manage(async |registry| {
        let user = registry.find_user(&LoginName::from_text("alice")).await.unwrap().unwrap();
        let before = registry.find_claims(&user).await.unwrap();
        let change = r#"{"given_name":"Alice","family_name":"Doe","phone_number":"+4412345"}"#;
        registry.set_claims(user.id, before.changed_by(change).unwrap(), &Initiator::OPERATOR).await
    });
    changed.unwrap();
    let names = r#"{"id_token":{"given_name":{"essential":true},"phone_number":null,"birthdate":null}}"#;
    let (page, tokens) = allowed(&browser, "web", &[("scope", "openid"), ("claims", names)]);
    assert!(page.contains("see your user name and your profile"), "{page}");
    let told = id_claims(&tokens);
    assert_eq!((&told["given_name"], &told["family_name"]), (&json!("Alice"), &Value::Null), "{told}");
    assert_eq!((&told["phone_number"], &told["birthdate"]), (&Value::Null, &Value::Null), "{told}");
    assert_eq!(userinfo(&service, &tokens), json!({ "sub": told["sub"] }), "they are asked for one by one");
}

#[test]
fn a_request_without_openid_has_no_single_claims() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("web", &[("scope", "orders.read"), ("claims", BY_NAME)])).unwrap();
    assert!(!page.text().contains("see your email address"), "{}", page.text());
}

/// What was granted at the same moment ends as well.
#[test]
fn a_withdrawal_ends_each_grant_whenever_it_was_given() {
    let service = service_with(&[("RATE_LIMITS", "off")]);
    let browser = Browser::of_user(&service, "alice");
    let scope = ("scope", "openid offline_access");
    for _ in 0..5 {
        allowed(&browser, "web", &[scope]);
        let form = Form::to(&browser.open("/account").unwrap(), "/account/consents/withdraw");
        let (cookies, path) = (browser.cookies.borrow().clone(), authorize("web", &[scope, SILENT]));
        let asks = || {
            let other = Browser::of(&service);
            other.cookies.replace(cookies.clone());
            let addresses = (0..1000).map(|_| answer_of(&other.open(&path).unwrap_err()));
            addresses.map_while(|answer| answer.get("code").cloned()).collect::<Vec<_>>()
        };
        let codes: Vec<_> = thread::scope(|threads| {
            let racers: Vec<_> = (0..4).map(|_| threads.spawn(asks)).collect();
            browser.post(&form, &[]);
            racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
        });
        for code in codes {
            let answer = browser.try_redeem("web", &code);
            assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_grant")));
        }
    }
}

/// Without `openid`, a client with the grant `refresh_token` gets refresh tokens although it did not ask for `offline_access`.
#[test]
fn lasting_access_is_asked_for_also_without_openid() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let (page, tokens) = allowed(&browser, "web", &[("scope", "orders.read")]);
    assert!(tokens["refresh_token"].is_string());
    assert!(page.contains("stay connected when you are not using it"), "{page}");
    let (page, tokens) = allowed(&browser, "web", &[("scope", "openid orders.read")]);
    assert!(tokens.get("refresh_token").is_none());
    assert!(!page.contains("stay connected when you are not using it"), "{page}");
}

/// RFC 8707 §3: the user must see for which service a token is.
#[test]
fn the_resources_are_a_part_of_the_consent() {
    on_each_store(|service| {
        let browser = Browser::of_user(service, "alice");
        let (stock, orders) = (("resource", "https://stock.example"), ("resource", "https://orders.example"));
        let audience = |tokens: &Value| {
            let (_, claims) = jose::decode_unverified(tokens["access_token"].as_str().unwrap()).unwrap();
            serde_json::from_str::<Value>(&claims).unwrap()["aud"].clone()
        };
        let (page, tokens) = allowed(&browser, "shop", &[]);
        assert!(
            page.contains("use this access at https://stock.example") && !page.contains("orders.example")
        );
        assert_eq!(audience(&tokens), "https://stock.example");
        assert!(!browser.code(&authorize("shop", &[stock, SILENT])).is_empty());
        is_told(browser.open(&authorize("shop", &[orders, SILENT])), "consent_required");
        let page = browser.open(&authorize("shop", &[orders])).unwrap();
        let shown = [("shown", "openid profile  https://stock.example"), ("answer", "allow")];
        let page = browser.submit(&page, &shown).unwrap();
        assert!(page.text().contains("/oauth/consent"), "another resource was shown");
        let (page, tokens) = allowed(&browser, "shop", &[orders]);
        assert!(page.contains("use this access at https://orders.example"), "{page}");
        assert_eq!(audience(&tokens), "https://orders.example");
        for one in [stock, orders] {
            assert!(!browser.code(&authorize("shop", &[one, SILENT])).is_empty(), "{one:?}");
        }
        let account = decoded(browser.open("/account").unwrap().text());
        for one in [stock, orders] {
            assert!(account.contains(&format!("use this access at {}", one.1)), "{account}");
        }
    });
}

/// Everything happens in one second, so that no comparison of instants could tell the two clients apart.
#[test]
fn a_consent_counts_for_no_other_client_with_the_same_id() {
    on_each_store_with(&[("KEY_REFRESH", "1s")], |service| {
        let browser = Browser::of_user(service, "alice");
        registrations::create(service);
        let scope = ("scope", "openid orders.read");
        let path = authorize("phone", &[scope]);
        eventually("the client is known", || (browser.get(&path).status == 303).then_some(()));
        let (_, tokens) = allowed(&browser, "phone", &[scope]);
        assert!(!browser.code(&authorize("phone", &[scope, SILENT])).is_empty());
        registrations::delete(service);
        registrations::create(service);
        let token = tokens["access_token"].as_str().unwrap();
        eventually("the earlier client is gone", || (counts(service, token) == (401, false)).then_some(()));
        eventually("the next client is known", || (browser.get(&path).status == 303).then_some(()));
        is_told(browser.open(&authorize("phone", &[scope, SILENT])), "consent_required");
        assert!(browser.open("/account").unwrap().text().contains("You have not given any app access"));
        allowed(&browser, "phone", &[scope]);
        assert!(!browser.code(&authorize("phone", &[scope, SILENT])).is_empty());
    });
}
