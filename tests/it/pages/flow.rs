//! The code flow from the request to the tokens (RFC 6749 §4.1, OpenID Connect Core §3.1).

use jose::decode_unverified;
use serde_json::Value;

use super::browser::{
    Browser, CALLBACK, Form, answer_of, authorize, decoded, is_told, service, service_with,
};
use crate::oauth::registrations::{create, delete};
use crate::support::{Service, eventually};

fn claims(token: &Value) -> Value {
    serde_json::from_str(&decode_unverified(token.as_str().unwrap()).unwrap().1).unwrap()
}

#[test]
fn a_user_logs_in_consents_and_the_client_gets_tokens() {
    let service = service();
    service.user("alice");
    let browser = Browser::of(&service);
    let page = browser.open(&authorize("web", &[("nonce", "n-1")])).unwrap();
    assert!(decoded(page.text()).contains("Log in to continue to App <web>."), "{}", page.text());
    let page = browser.log_in(&page, "alice").unwrap();
    let text = decoded(page.text());
    assert!(text.contains("Allow App <web> to use your account?") && text.contains("see your user name"));
    let address = browser.submit(&page, &[("answer", "allow")]).unwrap_err();
    let answer = answer_of(&address);
    assert_eq!(answer["state"], "a b&c");
    assert_eq!(answer["iss"], format!("http://localhost:{}", service.address().port()));
    let tokens = browser.redeem("web", &answer["code"]);
    let id_token = claims(&tokens["id_token"]);
    assert_eq!((&id_token["nonce"], &id_token["amr"][0]), (&Value::from("n-1"), &Value::from("pwd")));
    assert_eq!(id_token["auth_time"], Service::START);
    let again = answer_of(&browser.open(&authorize("web", &[])).unwrap_err());
    assert!(again.contains_key("code"), "the session and the consent are remembered");
}

#[test]
fn a_new_user_registers_on_the_way_to_the_client() {
    let service = service();
    let browser = Browser::of(&service);
    let page = browser.open(&authorize("own", &[])).unwrap();
    let query = Form::of(&page).value("request").to_owned();
    let page = browser.open(&format!("/oauth/register?request={query}")).unwrap();
    let wrong = [("username", "al"), ("email", "no address"), ("password", "")];
    let page = browser.submit(&page, &wrong).unwrap();
    assert_eq!(page.status, 400);
    let text = page.text();
    for part in [
        "must have 3 to 30 characters",
        "This is not an email address.",
        "Fill in this field.",
        "aria-invalid",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(Form::of(&page).value("email"), "no address");
    let right = [("username", "alice"), ("email", "alice@example.com"), ("password", "correct horse")];
    let answer = answer_of(&browser.submit(&page, &right).unwrap_err());
    assert!(answer.contains_key("code"), "the operator's own app asks for no consent");
}

#[test]
fn a_user_who_does_not_permit_it_returns_with_an_error() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("web", &[])).unwrap();
    is_told(browser.submit(&page, &[("answer", "deny")]), "access_denied");
    is_told(browser.open(&authorize("web", &[("prompt", "none")])), "consent_required");
}

#[test]
fn more_scopes_need_another_consent_and_the_client_may_ask_for_one() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("web", &[])).unwrap();
    browser.submit(&page, &[("answer", "allow")]).unwrap_err();
    let page = browser.open(&authorize("web", &[("scope", "openid orders.read")])).unwrap();
    assert!(decoded(page.text()).contains("use the permission “orders.read”"));
    let page = browser.open(&authorize("web", &[("prompt", "consent")])).unwrap();
    assert!(page.text().contains("/oauth/consent"));
}

#[test]
fn a_request_without_interaction_needs_a_session() {
    let service = service();
    is_told(Browser::of(&service).open(&authorize("own", &[("prompt", "none")])), "login_required");
    let browser = Browser::of_user(&service, "alice");
    assert!(!browser.code(&authorize("own", &[("prompt", "none")])).is_empty());
}

#[test]
fn a_client_may_demand_another_log_in() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    for more in [("prompt", "login"), ("max_age", "0")] {
        service.at(100);
        let page = browser.open(&authorize("own", &[more])).unwrap();
        assert!(decoded(page.text()).contains("App <own> asks you to log in again."), "{}", page.text());
        assert_eq!(Form::of(&page).value("username"), "alice");
        let answer = answer_of(&browser.log_in(&page, "alice").unwrap_err());
        let id_token = claims(&browser.redeem("own", &answer["code"])["id_token"]);
        assert_eq!(id_token["auth_time"], Service::START + 100);
    }
    service.at(160);
    assert!(!browser.code(&authorize("own", &[("max_age", "60")])).is_empty());
    service.at(161);
    assert!(browser.open(&authorize("own", &[("max_age", "60")])).unwrap().text().contains("/oauth/login"));
}

/// OpenID Connect Core §3.1.2.1: the greatest age holds whenever the request goes on, not only the first time.
#[test]
fn a_log_in_for_a_request_counts_for_five_minutes() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    for (start, more) in [(1000, ("prompt", "login")), (2000, ("max_age", "0")), (3000, ("max_age", "60"))] {
        service.at(start);
        let page = browser.open(&authorize("own", &[more])).unwrap();
        let path = format!("/oauth/continue?request={}", Form::of(&page).value("request"));
        browser.log_in(&page, "alice").unwrap_err();
        service.at(start + 299);
        assert!(!browser.code(&path).is_empty(), "{more:?}");
        service.at(start + 300);
        let page = browser.open(&path).unwrap();
        assert!(page.text().contains("asks you to log in again"), "{more:?}: {}", page.text());
    }
}

#[test]
fn the_user_chooses_the_account() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("own", &[("prompt", "select_account")])).unwrap();
    assert!(page.text().contains("Continue as alice"));
    let answer = answer_of(&browser.submit(&page, &[]).unwrap_err());
    assert!(answer.contains_key("code"));
}

#[test]
fn a_client_names_the_user_whom_it_expects() {
    let service = service();
    let (alice, bob) = (Browser::of_user(&service, "alice"), Browser::of_user(&service, "bobby"));
    let id_token = alice.redeem("own", &alice.code(&authorize("own", &[])))["id_token"].clone();
    let (id_token, subject) = (id_token.as_str().unwrap().to_owned(), claims(&id_token)["sub"].clone());
    let claims = format!(r#"{{"id_token":{{"sub":{{"value":{subject}}}}}}}"#);
    for more in [("id_token_hint", id_token.as_str()), ("claims", &claims)] {
        assert!(!alice.code(&authorize("own", &[more, ("prompt", "none")])).is_empty());
        is_told(bob.open(&authorize("own", &[more, ("prompt", "none")])), "login_required");
    }
    is_told(
        alice.open(&authorize("own", &[("id_token_hint", "x.y.z"), ("prompt", "none")])),
        "login_required",
    );
}

/// OpenID Connect Core §3.1.2.1, `id_token_hint`: a hint must never lead the user in a circle of log-ins.
#[test]
fn a_log_in_of_another_user_than_the_expected_one_is_told_to_the_client() {
    let service = service();
    let alice = Browser::of_user(&service, "alice");
    let tokens = alice.redeem("own", &alice.code(&authorize("own", &[])));
    let (hint, subject) = (tokens["id_token"].as_str().unwrap(), claims(&tokens["id_token"])["sub"].clone());
    let claims = format!(r#"{{"id_token":{{"sub":{{"value":{subject}}}}}}}"#);
    service.user("bobby");
    for more in [("id_token_hint", hint), ("claims", &claims)] {
        for browser in [Browser::of(&service), Browser::of_user(&service, &format!("user-{}", more.0.len()))]
        {
            let page = browser.open(&authorize("own", &[more])).unwrap();
            is_told(browser.log_in(&page, "bobby"), "login_required");
            let page = browser.open(&authorize("own", &[more])).unwrap();
            let answer = answer_of(&browser.log_in(&page, "alice").unwrap_err());
            assert!(answer.contains_key("code"));
        }
    }
}

/// The key of an old id token may be gone.
#[test]
fn a_hint_that_cannot_be_checked_counts_as_absent_if_the_user_may_be_asked() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let hint = ("id_token_hint", "x.y.z");
    assert!(!browser.code(&authorize("own", &[hint])).is_empty());
    let stranger = Browser::of(&service);
    let page = stranger.open(&authorize("own", &[hint])).unwrap();
    assert!(answer_of(&stranger.log_in(&page, "alice").unwrap_err()).contains_key("code"));
    is_told(browser.open(&authorize("own", &[hint, ("prompt", "none")])), "login_required");
}

#[test]
fn the_answer_may_come_by_a_form() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("own", &[("response_mode", "form_post")])).unwrap();
    let form = Form::of(&page);
    assert_eq!((form.action.as_str(), form.value("state")), (CALLBACK, "a b&c"));
    assert!(!form.value("code").is_empty() && !form.value("iss").is_empty());
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self' https://app.example;") && policy.contains("script-src 'sha256-")
    );
    assert!(page.text().contains("<noscript><button"));
    let page =
        browser.open(&authorize("own", &[("response_mode", "form_post"), ("scope", "nothing")])).unwrap();
    assert_eq!(Form::of(&page).value("error"), "invalid_scope");
}

#[test]
fn the_class_of_the_log_in_is_told_if_a_client_asks_for_it() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let acr = |more| {
        claims(&browser.redeem("own", &browser.code(&authorize("own", more)))["id_token"])["acr"].clone()
    };
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    assert_eq!(acr(&[("acr_values", "1 2")]), password);
    assert_eq!(acr(&[]), Value::Null);
    let demanded = r#"{"id_token":{"acr":{"essential":true,"values":["phr"]}}}"#;
    is_told(browser.open(&authorize("own", &[("claims", demanded)])), "unmet_authentication_requirements");
}

#[test]
fn a_consent_to_a_deleted_client_does_not_count_for_the_next_one_with_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let data = ("DATA_DIR", folder.path().to_str().unwrap());
    let service = service_with(&[data, ("KEY_REFRESH", "1s")]);
    let (browser, path) = (Browser::of_user(&service, "alice"), authorize("phone", &[("scope", "openid")]));
    create(&service);
    let page =
        eventually("the client is known", || browser.open(&path).ok().filter(|page| page.status == 200));
    browser.submit(&page, &[("answer", "allow")]).expect_err("the browser returns to the client");
    assert!(!browser.code(&path).is_empty(), "the consent is remembered");
    delete(&service);
    service.at(10);
    create(&service);
    let page =
        eventually("the next client is known", || browser.open(&path).ok().filter(|page| page.status == 200));
    assert_eq!(Form::of(&page).action, "/oauth/consent");
}
