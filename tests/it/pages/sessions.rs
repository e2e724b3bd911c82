//! The sessions of browsers.

use http::Method;
use jwt_generator::domain::{Initiator, LoginName, Password, PasswordPolicy};
use serde_json::Value;

use super::browser::{
    Browser, Form, authorize, counts, decoded, is_told, on_each_store, service, service_with, stays_here,
};
use crate::support::Service;

const SILENT: [(&str, &str); 1] = [("prompt", "none")];

#[track_caller]
fn has_session(browser: &Browser) -> bool {
    browser.open(&authorize("own", &SILENT)).unwrap_err().contains("?code=")
}

#[test]
fn a_session_ends_when_it_is_not_used_and_at_its_age() {
    let settings = [("BROWSER_SESSION_LIFETIME", "1000s"), ("BROWSER_SESSION_IDLE_LIFETIME", "100s")];
    let service = service_with(&settings);
    let browser = Browser::of_user(&service, "alice");
    for at in (0..=950).step_by(95) {
        service.at(at);
        assert!(has_session(&browser), "{at}");
    }
    service.at(999);
    assert!(has_session(&browser));
    service.at(1000);
    assert!(!has_session(&browser));
    let other = Browser::of_user(&service, "bobby");
    service.at(1099);
    assert!(has_session(&other));
    service.at(1199);
    assert!(!has_session(&other));
}

#[test]
fn another_password_ends_the_sessions_of_the_user() {
    on_each_store(|service| {
        let browser = Browser::of_user(service, "alice");
        assert!(has_session(&browser));
        service.at(10);
        let password = Password::parse("second-secret", PasswordPolicy::ORIGINAL).unwrap();
        service.manage(async |users| {
            let name = LoginName::from_text("alice");
            users.set_password(&name, password, &Initiator::OPERATOR).await.unwrap()
        });
        assert!(!has_session(&browser));
    });
}

/// Everything that was granted in a browser ends with its session, however often the user has logged in there.
#[test]
fn a_second_log_in_of_the_same_user_goes_on_with_the_session() {
    on_each_store(|service| {
        let browser = Browser::of_user(service, "alice");
        let tokens = |scope: &str, path: &[(&str, &str)]| {
            let path = [&[("scope", scope)], path].concat();
            browser.redeem("own", &browser.code(&authorize("own", &path)))
        };
        let (online, lasting) = (tokens("openid", &[]), tokens("orders.read", &[]));
        service.at(10);
        let page = browser.open(&authorize("own", &[("prompt", "login")])).unwrap();
        browser.log_in(&page, "alice").unwrap_err();
        let later = tokens("openid", &[("prompt", "none")]);
        let access = |tokens: &Value| counts(service, tokens["access_token"].as_str().unwrap());
        assert_eq!((access(&online), access(&later)), ((200, true), (200, true)));
        let page = browser.open("/account").unwrap();
        let sessions = Form::all(&page).into_iter().filter(|form| form.action == "/account/sessions/end");
        assert_eq!(sessions.count(), 1, "{}", page.text());
        let hint = online["id_token"].as_str().unwrap();
        let page = browser.open(&format!("/oauth/logout?id_token_hint={hint}")).unwrap();
        assert!(page.text().contains("You are logged out"), "{}", page.text());
        for tokens in [&online, &later] {
            assert_eq!(access(tokens), (401, false));
        }
        assert_eq!(access(&lasting), (401, false));
        let refused = browser.refresh("own", &lasting["refresh_token"]);
        refused.is_oauth_error(400, "invalid_grant", "the grant has ended");
    });
}

#[test]
fn a_log_in_of_another_user_logs_the_first_one_out() {
    on_each_store(|service| {
        let browser = Browser::of_user(service, "alice");
        service.user("bobby");
        let tokens = browser.redeem("own", &browser.code(&authorize("own", &[("scope", "openid")])));
        let before = browser.cookies.borrow().clone();
        let page = browser.open("/oauth/login").unwrap();
        browser.log_in(&page, "bobby").unwrap();
        assert_eq!(counts(service, tokens["access_token"].as_str().unwrap()), (401, false));
        assert!(has_session(&browser));
        let old = Browser::of(service);
        old.cookies.replace(before);
        assert!(!has_session(&old));
    });
}

#[test]
fn a_deleted_user_has_no_session() {
    on_each_store(|service| {
        let browser = Browser::of_user(service, "alice");
        assert!(has_session(&browser));
        service.manage(async |users| {
            let user = users.find_user(&LoginName::from_text("alice")).await.unwrap().unwrap();
            users.delete_user(user.id, &Initiator::OPERATOR).await.unwrap()
        });
        assert!(!has_session(&browser));
    });
}

#[test]
fn an_operators_log_out_ends_the_sessions_of_browsers() {
    on_each_store(|service| {
        let (browser, other) = (Browser::of_user(service, "alice"), Browser::of_user(service, "bobby"));
        service.at(10);
        service.manage(async |users| {
            users.log_out(&LoginName::from_text("alice"), &Initiator::OPERATOR).await.unwrap()
        });
        assert!(!has_session(&browser));
        assert!(has_session(&other));
    });
}

#[test]
fn the_cookie_is_no_token_and_a_token_is_no_cookie() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let cookie = browser.cookies.borrow()["session"].clone();
    let answer = service.anonymous().bearing(&cookie).get("/api/auth/profile");
    assert_eq!(answer.status, 401);
    let token = service.user("bobby").token().to_owned();
    let other = Browser::of(&service);
    let answer = other.send(
        Method::GET,
        &authorize("own", &SILENT),
        String::new(),
        &[("authorization", &format!("Bearer {token}"))],
    );
    is_told(other.follow(answer), "login_required");
}

/// The page as it is for a log-in that fails.
fn refused(service: &Service, name: &str, password: &str) -> (u16, String, String) {
    let browser = Browser::of(service);
    let page = browser.open("/oauth/login").unwrap();
    let answer = browser.post(&Form::of(&page), &[("username", name), ("password", password)]);
    assert!(!browser.cookies.borrow().contains_key("session"));
    let text = decoded(answer.text());
    let alert = text.split_once("role=\"alert\">").unwrap().1.split_once("</p>").unwrap().0.to_owned();
    (answer.status, alert, answer.header("retry-after").unwrap_or_default().to_owned())
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_refused_alike_and_count_as_at_the_api() {
    let service = service();
    service.user("alice");
    let wrong = (400, "The user name or the password is wrong.".to_owned(), String::new());
    assert_eq!(refused(&service, "alice", "wrong"), wrong);
    assert_eq!(refused(&service, "unknown-name", "wrong"), wrong);
    let until_it_waits =
        (0..20).map(|_| refused(&service, "alice", "wrong")).find(|(status, ..)| *status != 400);
    let (status, alert, retry_after) = until_it_waits.unwrap();
    assert_eq!(status, 429);
    assert_eq!(
        alert,
        format!("Too many log-ins to this account have failed. Try again in {}.", in_words(&retry_after))
    );
    let login = serde_json::json!({ "username": "alice", "password": "secret-alice" });
    assert_eq!(
        service.anonymous().post("/api/auth/login", &login).status,
        429,
        "the API counts the same failures"
    );
}

#[test]
fn limits_are_told_on_the_page() {
    let service = service_with(&[("RATE_LIMITS", "login=1/m per account")]);
    refused(&service, "unknown-name", "wrong");
    let (status, alert, retry_after) = refused(&service, "unknown-name", "wrong");
    assert_eq!(
        (status, alert),
        (429, format!("Too many requests. Try again in {}.", in_words(&retry_after)))
    );
}

/// The seconds of `Retry-After` as the pages tell them, up to a minute.
fn in_words(retry_after: &str) -> String {
    match retry_after {
        "1" => "1 second".to_owned(),
        "60" => "1 minute".to_owned(),
        secs => format!("{secs} seconds"),
    }
}

#[test]
fn the_answers_of_the_pages_have_the_headers_about_the_budget_of_the_account() {
    let service = service_with(&[("RATE_LIMITS", "login=5/d per account")]);
    service.user("alice");
    let browser = Browser::of(&service);
    let left = |password: &str| {
        let page = browser.open("/oauth/login").unwrap();
        let answer = browser.post(&Form::of(&page), &[("username", "alice"), ("password", password)]);
        answer.header("ratelimit").and_then(|told| told.split(";t=").next()).map(str::to_owned)
    };
    assert_eq!(left("wrong").as_deref(), Some("\"login-account\";r=4"));
    assert_eq!(left("secret-alice").as_deref(), Some("\"login-account\";r=3"));
}

#[test]
fn without_a_database_the_pages_say_that_the_service_cannot_answer() {
    let service = service_with(&[("SKIP_DATABASE", "true")]);
    let browser = Browser::of(&service);
    let page = browser.open("/oauth/login").unwrap();
    let answer = browser.post(&Form::of(&page), &[("username", "alice"), ("password", "secret-alice")]);
    stays_here(&answer, 503, "The service cannot answer at the moment.");
}
