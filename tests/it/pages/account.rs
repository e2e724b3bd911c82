//! The page on which users look after their accounts.

use std::collections::BTreeSet;

use http::Method;
use jwt_generator::store::sqlite::Sqlite;
use serde_json::json;

use super::browser::{
    Browser, Form, answer_of, authorize, counts, decoded, is_told, on_each_store, service, service_with,
};

const SILENT: [(&str, &str); 1] = [("prompt", "none")];

#[test]
fn a_user_without_a_session_logs_in_first() {
    let service = service();
    service.user("alice");
    let browser = Browser::of(&service);
    let page = browser.open("/account").unwrap();
    let page = browser.log_in(&page, "alice").unwrap();
    assert!(page.text().contains("Your account") && page.text().contains("alice@example.com"));
}

#[test]
fn a_user_ends_the_session_of_another_browser() {
    let service = service();
    let first = Browser::of_user(&service, "alice");
    let second = Browser::of(&service);
    let page = second.open("/oauth/login").unwrap();
    second.log_in(&page, "alice").unwrap();
    let page = first.open("/account").unwrap();
    let forms: Vec<_> =
        Form::all(&page).into_iter().filter(|form| form.action == "/account/sessions/end").collect();
    assert_eq!(forms.len(), 3, "one for each browser, and one for all others");
    let forms: Vec<_> = forms.into_iter().filter(|form| form.value("session") != "others").collect();
    let is_this = |form: &&Form| {
        let (before, _) = page.text().split_once(form.value("session")).unwrap();
        before.rsplit_once("<li>").unwrap().1.contains("this browser")
    };
    let other = forms.iter().find(|form| !is_this(form)).unwrap();
    let page = first.follow(first.post(other, &[])).unwrap();
    assert!(page.text().contains("The browser is logged out."));
    is_told(second.open(&authorize("own", &SILENT)), "login_required");
    let this = forms.iter().find(is_this).unwrap();
    let page = first.follow(first.post(this, &[])).unwrap();
    assert!(page.text().contains("You are logged out"), "{}", page.text());
}

/// A thief cannot hide a session behind others.
#[test]
fn a_user_has_as_many_sessions_as_the_page_lists() {
    let folder = tempfile::tempdir().unwrap();
    let service = service_with(&[("DATA_DIR", folder.path().to_str().unwrap())]);
    Browser::of_user(&service, "alice");
    let database = rusqlite::Connection::open(folder.path().join(Sqlite::FILE)).unwrap();
    let insert = "INSERT INTO browser_sessions (key, revision, user, expires_at, details)
                  SELECT randomblob(32), 1, user, expires_at + 1, json_set(details, '$.id', lower(hex(randomblob(16))))
                  FROM browser_sessions LIMIT 1";
    for _ in 0..100 {
        assert_eq!(database.execute(insert, []).unwrap(), 1);
    }
    service.at(10);
    let browser = Browser::of(&service);
    let page = browser.open("/oauth/login").unwrap();
    let page = browser.log_in(&page, "alice").unwrap();
    let ends_one = |form: &Form| form.action == "/account/sessions/end" && form.value("session") != "others";
    let listed = Form::all(&page).iter().filter(|form| ends_one(form)).count();
    assert_eq!((listed, page.text().matches("<span class=\"mark\">this browser").count()), (100, 1));
    let count = "SELECT count(*) FROM browser_sessions";
    assert_eq!(database.query_row(count, [], |row| row.get::<_, u32>(0)).unwrap(), 100);
}

/// A browser may call itself as it likes.
#[test]
fn a_name_that_a_browser_gives_itself_is_marked() {
    let service = service();
    service.user("alice");
    let browser = Browser::of(&service);
    let form = Form::of(&browser.open("/oauth/login").unwrap());
    let fields = [("csrf", form.value("csrf")), ("username", "alice"), ("password", "secret-alice")];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    browser.send(Method::POST, "/oauth/login", body, &[("user-agent", "This browser (keep it)")]);
    let page = decoded(browser.open("/account").unwrap().text());
    assert!(
        page.contains("<strong>Unknown browser, which calls itself “This browser (keep it)”</strong>"),
        "{page}"
    );
}

#[test]
fn a_user_logs_out_everywhere_else_and_each_row_says_which_log_in_it_ends() {
    let service = service();
    let here = Browser::of_user(&service, "alice");
    let others: Vec<_> = [60, 120]
        .map(|later| {
            service.at(later);
            let browser = Browser::of(&service);
            let page = browser.open("/oauth/login").unwrap();
            browser.log_in(&page, "alice").unwrap();
            browser
        })
        .into();
    let page = here.open("/account").unwrap();
    let labels: BTreeSet<_> =
        page.text().split("aria-label=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(labels.len(), 3, "{labels:?}");
    let forms = Form::all(&page);
    let all_others =
        forms.iter().find(|form| form.fields.iter().any(|(_, value)| value == "others")).unwrap();
    let page = here.follow(here.post(all_others, &[])).unwrap();
    assert!(page.text().contains("All other browsers are logged out."), "{}", page.text());
    assert!(!page.text().contains("Log out everywhere else"), "there are no others");
    for other in &others {
        is_told(other.open(&authorize("own", &SILENT)), "login_required");
    }
    assert!(!here.code(&authorize("own", &SILENT)).is_empty());
}

#[test]
fn no_user_ends_the_session_of_another_user() {
    let service = service();
    let (alice, bob) = (Browser::of_user(&service, "alice"), Browser::of_user(&service, "bobby"));
    let of_bob = Form::to(&bob.open("/account").unwrap(), "/account/sessions/end");
    let form = Form::to(&alice.open("/account").unwrap(), "/account/sessions/end");
    alice.post(&form, &[("session", of_bob.value("session"))]);
    assert!(!bob.code(&authorize("own", &SILENT)).is_empty());
}

#[test]
fn a_user_withdraws_a_consent_and_the_client_loses_its_access() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("web", &[("scope", "openid profile offline_access")])).unwrap();
    let address = browser.submit(&page, &[("answer", "allow")]).unwrap_err();
    let tokens = browser.redeem("web", &answer_of(&address)["code"]);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let page = browser.open("/account").unwrap();
    assert!(
        decoded(page.text()).contains("App <web>")
            && page.text().contains("stay connected when you are not using it")
    );
    let form = Form::to(&page, "/account/consents/withdraw");
    let page = browser.follow(browser.post(&form, &[])).unwrap();
    assert!(
        page.text().contains("The app no longer has access.")
            && page.text().contains("You have not given any app access.")
    );
    is_told(browser.open(&authorize("web", &SILENT)), "consent_required");
    let body = format!("grant_type=refresh_token&client_id=web&refresh_token={refresh}");
    let answer = browser.send(Method::POST, "/oauth/token", body, &[]);
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_grant")), "{}", answer.text());
}

/// The operator's own apps ask for no consent, and their access is seen and removed all the same.
#[test]
fn an_app_that_asks_for_no_consent_is_listed_while_it_has_a_grant() {
    on_each_store(|service| {
        let browser = Browser::of_user(service, "alice");
        let account = || decoded(browser.open("/account").unwrap().text());
        let code = browser.code(&authorize("own", &[("scope", "openid email offline_access")]));
        assert!(account().contains("You have not given any app access"), "the code was not used");
        let tokens = browser.redeem("own", &code);
        let page = account();
        for part in ["App <own>", "Has had access since", "see your email address"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let form = Form::to(&browser.open("/account").unwrap(), "/account/consents/withdraw");
        let page = browser.follow(browser.post(&form, &[])).unwrap();
        assert!(page.text().contains("You have not given any app access"), "{}", page.text());
        let refused = browser.refresh("own", &tokens["refresh_token"]);
        refused.is_oauth_error(400, "invalid_grant", "the grant has ended");
        assert_eq!(counts(service, tokens["access_token"].as_str().unwrap()), (401, false));
    });
}

/// One user and one client, however often the browser asks: the table of grants has a bound, and so have the denials.
#[test]
fn a_user_keeps_the_hundred_last_grants_to_a_client_and_one_denial_ends_their_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let service = service_with(&[("DATA_DIR", folder.path().to_str().unwrap()), ("RATE_LIMITS", "off")]);
    let browser = Browser::of_user(&service, "alice");
    let path = authorize("web", &[("scope", "openid offline_access")]);
    let allowed = || {
        let page = browser.open(&path).unwrap();
        let address = browser.submit(&page, &[("answer", "allow")]).unwrap_err();
        browser.redeem("web", &answer_of(&address)["code"])
    };
    let tokens = || browser.redeem("web", &browser.code(&path));
    let first = allowed();
    let unused: Vec<_> = (0..20).map(|_| tokens()).collect();
    service.at(1);
    let kept: Vec<_> = (0..99).map(|_| tokens()).collect();
    browser.refresh("web", &first["refresh_token"]).ok();
    let last = &tokens();
    for ended in &unused {
        let refused = browser.refresh("web", &ended["refresh_token"]);
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!("invalid_grant")));
    }
    for kept in [&first, &kept[0], &kept[98], last] {
        browser.refresh("web", &kept["refresh_token"]).ok();
    }
    let count = |query: &str| {
        let database = rusqlite::Connection::open(folder.path().join(Sqlite::FILE)).unwrap();
        database.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM grants"), 101);
    service.at(10);
    let form = Form::to(&browser.open("/account").unwrap(), "/account/consents/withdraw");
    for made_up in ["no-such-client", "own"] {
        browser.follow(browser.post(&form, &[("client_id", made_up)])).unwrap();
        assert_eq!(count("SELECT count(*) FROM denials"), 0, "{made_up} has nothing that could be denied");
    }
    browser.follow(browser.post(&form, &[])).unwrap();
    assert_eq!(count("SELECT count(*) FROM denials"), 1);
    for tokens in [&first, &unused[0], &kept[0], last] {
        assert_eq!(counts(&service, tokens["access_token"].as_str().unwrap()), (401, false));
        assert_eq!(browser.refresh("web", &tokens["refresh_token"]).status, 400);
    }
    service.at(11);
    assert_eq!(counts(&service, allowed()["access_token"].as_str().unwrap()), (200, true));
}

/// Grants are counted, but a code that was just given out is not a grant that is no longer used.
#[test]
fn codes_that_are_on_their_way_all_give_tokens() {
    let service = service_with(&[("RATE_LIMITS", "off")]);
    let browser = Browser::of_user(&service, "alice");
    let codes: Vec<_> = (0..150).map(|_| browser.code(&authorize("own", &SILENT))).collect();
    for code in codes {
        browser.redeem("own", &code);
    }
}

/// A browser that asks in a loop, and uses no code: the table of grants has a bound.
#[test]
fn a_user_with_a_thousand_codes_of_a_client_waits_until_they_expire() {
    let folder = tempfile::tempdir().unwrap();
    let service = service_with(&[("DATA_DIR", folder.path().to_str().unwrap())]);
    let browser = Browser::of_user(&service, "alice");
    let path = authorize("own", &SILENT);
    let first = browser.code(&path);
    let database = rusqlite::Connection::open(folder.path().join(Sqlite::FILE)).unwrap();
    let insert = "INSERT INTO grants (id, revision, client, user, forget_at, terms, stage)
                  SELECT randomblob(16), revision, client, user, forget_at, terms, stage FROM grants LIMIT 1";
    for _ in 0..999 {
        assert_eq!(database.execute(insert, []).unwrap(), 1);
    }
    is_told(browser.open(&path), "temporarily_unavailable");
    browser.redeem("own", &first);
    browser.code(&path);
    is_told(browser.open(&path), "temporarily_unavailable");
    service.at(60);
    browser.code(&path);
}

#[test]
fn another_password_logs_the_user_out_everywhere_but_here() {
    let service = service();
    let (here, elsewhere) = (Browser::of_user(&service, "alice"), Browser::of(&service));
    let page = elsewhere.open("/oauth/login").unwrap();
    elsewhere.log_in(&page, "alice").unwrap();
    let submit = |current: &str, new: &str| {
        let form = Form::to(&here.open("/account").unwrap(), "/account/password");
        here.follow(here.post(&form, &[("current_password", current), ("new_password", new)])).unwrap()
    };
    let page = submit("wrong", "another secret");
    assert_eq!(page.status, 400);
    assert!(page.text().contains("The password is wrong.") && !page.text().contains("another secret"));
    let page = submit("secret-alice", "short");
    assert!(page.text().contains("The password must have at least 6 characters."));
    service.at(10);
    let page = submit("secret-alice", "another secret");
    assert!(page.text().contains("Your password is changed."), "{}", page.text());
    assert!(!here.code(&authorize("own", &SILENT)).is_empty());
    is_told(elsewhere.open(&authorize("own", &SILENT)), "login_required");
    let log_in = |password: &str| {
        service
            .anonymous()
            .post("/api/auth/login", &json!({ "username": "alice", "password": password }))
            .status
    };
    assert_eq!((log_in("secret-alice"), log_in("another secret")), (401, 200));
}
