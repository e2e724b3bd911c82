//! Logging out at the request of a client (OpenID Connect RP-Initiated Logout).

use http::Method;

use super::browser::{Browser, Form, authorize, counts, is_told, on_each_store, service, stays_here};

const BACK: &str = "https%3A%2F%2Fapp.example%2Fout%3Fx%3D1";
const SILENT: [(&str, &str); 1] = [("prompt", "none")];

fn id_token(browser: &Browser) -> String {
    let tokens = browser.redeem("own", &browser.code(&authorize("own", &[])));
    tokens["id_token"].as_str().unwrap().to_owned()
}

#[test]
fn a_client_that_shows_the_id_token_of_the_session_logs_the_user_out() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let tokens = browser.redeem("own", &browser.code(&authorize("own", &[])));
    let (hint, access) = (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let userinfo = || service.anonymous().bearing(access).get("/oauth/userinfo").status;
    assert_eq!(userinfo(), 200);
    let path = format!("/oauth/logout?id_token_hint={hint}&post_logout_redirect_uri={BACK}&state=a%20b");
    assert_eq!(browser.open(&path).unwrap_err(), "https://app.example/out?x=1&state=a+b");
    assert!(!browser.cookies.borrow().contains_key("session"));
    is_told(browser.open(&authorize("own", &SILENT)), "login_required");
    assert_eq!(userinfo(), 401, "the tokens of the session are refused");
    assert_eq!(browser.open(&path).unwrap_err(), "https://app.example/out?x=1&state=a+b", "again");
}

#[test]
fn without_a_valid_hint_the_user_is_asked() {
    let service = service();
    let (browser, other) = (Browser::of_user(&service, "alice"), Browser::of_user(&service, "bobby"));
    let foreign = id_token(&other);
    for hint in ["x.y.z".to_owned(), String::new(), foreign] {
        let path =
            format!("/oauth/logout?client_id=own&id_token_hint={hint}&post_logout_redirect_uri={BACK}");
        let page = browser.open(&path).unwrap();
        assert!(
            page.text().contains("Do you want to log out?")
                && page.text().contains("You are logged in as alice.")
        );
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.ends_with("form-action 'self' https://app.example"), "{policy}");
        let page = browser.submit(&page, &[("answer", "stay")]).unwrap();
        assert!(page.text().contains("You are still logged in"));
    }
    assert!(!browser.code(&authorize("own", &SILENT)).is_empty());
    let page = browser.open(&format!("/oauth/logout?client_id=own&post_logout_redirect_uri={BACK}")).unwrap();
    assert_eq!(browser.submit(&page, &[("answer", "log_out")]).unwrap_err(), "https://app.example/out?x=1");
    is_told(browser.open(&authorize("own", &SILENT)), "login_required");
}

#[test]
fn only_an_exact_address_of_a_known_client_is_returned_to() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let hint = id_token(&browser);
    for (query, part) in [
        (
            format!("id_token_hint={hint}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fout"),
            "registered",
        ),
        (format!("id_token_hint={hint}&post_logout_redirect_uri={BACK}%26y%3D2"), "registered"),
        (format!("post_logout_redirect_uri={BACK}"), "needs client_id or a valid id_token_hint"),
        (format!("client_id=unknown&post_logout_redirect_uri={BACK}"), "client_id is not the id of a client"),
        (format!("client_id=web&id_token_hint={hint}"), "client_id is not the client of the id_token_hint"),
        ("state=a&state=b".to_owned(), "must not occur twice"),
    ] {
        stays_here(&browser.get(&format!("/oauth/logout?{query}")), 400, part);
    }
    assert!(!browser.code(&authorize("own", &SILENT)).is_empty());
}

#[test]
fn a_request_by_a_form_goes_on_by_a_request_of_our_own() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let stranger = Browser::of(&service);
    let answer = stranger.send(Method::POST, "/oauth/logout", "client_id=own&ui_locales=de".to_owned(), &[]);
    let location = answer.header("location").unwrap().to_owned();
    assert_eq!((answer.status, location.as_str()), (303, "/oauth/logout?client_id=own&ui_locales=de"));
    assert!(browser.open(&location).unwrap().text().contains("Möchtest du dich abmelden?"));
    assert!(stranger.open(&location).unwrap().text().contains("Du bist abgemeldet"));
}

/// OpenID Connect Core §11: the user is away, and the client goes on.
#[test]
fn a_grant_with_offline_access_gives_good_tokens_after_a_log_out() {
    let ends: [fn(&Browser); 2] = [
        |browser| {
            let page = browser.open("/oauth/logout").unwrap();
            let page = browser.submit(&page, &[("answer", "log_out")]).unwrap();
            assert!(page.text().contains("You are logged out"));
        },
        |browser| {
            let form = Form::to(&browser.open("/account").unwrap(), "/account/sessions/end");
            browser.follow(browser.post(&form, &[])).unwrap();
        },
    ];
    on_each_store(|service| {
        for (number, log_out) in ends.iter().enumerate() {
            let browser = Browser::of_user(service, &format!("alice{number}"));
            let tokens =
                |scope: &str| browser.redeem("own", &browser.code(&authorize("own", &[("scope", scope)])));
            let (offline, online) = (tokens("openid offline_access"), tokens("openid"));
            log_out(&browser);
            let refreshed = browser.refresh("own", &offline["refresh_token"]).ok();
            for (tokens, good) in [(&refreshed, true), (&offline, true), (&online, false)] {
                let expected = if good { (200, true) } else { (401, false) };
                assert_eq!(counts(service, tokens["access_token"].as_str().unwrap()), expected, "{tokens}");
            }
        }
    });
}
