//! The attacks of RFC 9700, each in a test that begins with its section.

use http::Method;

use super::browser::{
    Browser, CALLBACK, CHALLENGE, Form, answer_of, authorize, is_told, service, service_with, stays_here,
};

#[test]
fn s2_1_and_4_1_only_a_registered_redirect_uri_is_ever_an_address_of_the_browser() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    for uri in [
        "https://app.example/CB",
        "https://APP.example/cb",
        "HTTPS://app.example/cb",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://app.example/cb/",
        "https://app.example/cb/../cb",
        "https://app.example/%63b",
        "https://app.example/x/%2e%2e/cb",
        "https://app.example/cb?x=1",
        "https://app.example/cb#f",
        "https://user@app.example/cb",
        "https://app.example@evil.example/cb",
        "https://app.example.evil.example/cb",
        "https://app.example./cb",
        "https://app.example\\@evil.example/cb",
        "https://[::1]/cb",
        "https://[::ffff:127.0.0.1]/cb",
        "https://\u{430}pp.example/cb",
        "https://xn--pp-7lc.example/cb",
        "http://app.example/cb",
        "//app.example/cb",
        "/cb",
        "javascript:alert(1)",
        " https://app.example/cb",
        "https://app.example/cb ",
        "https://app.example/cb\r\nx: y",
    ] {
        let answer = browser.get(&authorize("own", &[("redirect_uri", uri)]));
        let is_port = matches!(uri, "https://app.example:443/cb" | "https://app.example:8443/cb");
        let sentence = if is_port {
            "redirect_uri has another port"
        } else {
            "redirect_uri is not one of the addresses"
        };
        stays_here(&answer, 400, sentence);
    }
    stays_here(&browser.get(&authorize("two", &[("redirect_uri", "")])), 400, "redirect_uri is missing");
    stays_here(&browser.get(&authorize("none", &[])), 400, "client_id is not the id of a client");
    stays_here(&browser.get(&authorize("", &[])), 400, "client_id is missing");
}

#[test]
fn s2_1_a_native_app_may_use_any_port_of_its_loopback_address_and_nothing_else() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    for (uri, fits) in [
        ("http://127.0.0.1:51004/cb", true),
        ("http://127.0.0.1/cb", true),
        ("com.example.app:/cb", true),
        ("http://127.0.0.1:51004/other", false),
        ("http://localhost:51004/cb", false),
        ("http://[::1]:51004/cb", false),
        ("http://127.0.0.2:51004/cb", false),
        ("com.example.app:/cb2", false),
    ] {
        let answer = browser.follow(browser.get(&authorize("native", &[("redirect_uri", uri)]))).unwrap();
        assert_eq!(answer.status, if fits { 200 } else { 400 }, "{uri}: {}", answer.text());
        if fits {
            let address = browser.submit(&answer, &[("answer", "allow")]).unwrap_err();
            assert!(address.starts_with(&format!("{uri}?code=")), "{address}");
        }
    }
}

#[test]
fn s2_1_1_pkce_cannot_be_left_out_or_weakened() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    for more in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "s256")],
    ] {
        is_told(browser.open(&authorize("own", more)), "invalid_request");
    }
}

#[test]
fn s4_4_mix_up_each_answer_names_the_issuer() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let issuer = format!("http://localhost:{}", service.address().port());
    let granted = answer_of(&browser.open(&authorize("own", &[])).unwrap_err());
    let refused = answer_of(&browser.open(&authorize("own", &[("scope", "x")])).unwrap_err());
    assert_eq!((&granted["iss"], &refused["iss"]), (&issuer, &issuer));
}

#[test]
fn s4_5_code_injection_a_code_is_bound_to_its_challenge() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let code = browser.code(&authorize("own", &[]));
    let body = format!(
        "grant_type=authorization_code&client_id=own&code={code}&redirect_uri={CALLBACK}&code_verifier={}",
        "x".repeat(43)
    );
    let answer = browser.send(Method::POST, "/oauth/token", body, &[]);
    assert_eq!((answer.status, &answer.json()["error"]), (400, &"invalid_grant".into()), "{}", answer.text());
    assert_eq!(CHALLENGE.len(), 43);
}

#[test]
fn s4_7_csrf_no_form_counts_without_the_token_of_its_browser() {
    let service = service();
    service.user("mallory");
    let (victim, attacker) = (Browser::of_user(&service, "alice"), Browser::of_user(&service, "bobby"));
    for browser in [&victim, &attacker] {
        let page = browser.open(&authorize("web", &[])).unwrap();
        assert!(page.text().contains("/oauth/consent"));
    }
    let foreign = Form::of(&attacker.open(&authorize("web", &[])).unwrap());
    let pages = [
        "/oauth/consent",
        "/oauth/choose",
        "/oauth/logout/confirm",
        "/oauth/login",
        "/oauth/register",
        "/account/password",
        "/account/sessions/end",
        "/account/consents/withdraw",
    ];
    for action in pages {
        for token in [foreign.value("csrf"), "", "x"] {
            let form = Form { action: action.to_owned(), fields: foreign.fields.clone() };
            let answer = victim.post(
                &form,
                &[
                    ("csrf", token),
                    ("answer", "allow"),
                    ("username", "mallory"),
                    ("password", "secret-mallory"),
                ],
            );
            stays_here(&answer, 403, "Your browser did not send the cookie that belongs to this form.");
        }
    }
    is_told(victim.open(&authorize("web", &[("prompt", "none")])), "consent_required");
}

#[test]
fn s4_7_csrf_log_in_a_form_of_another_site_has_no_cookie_and_logs_no_user_in() {
    let service = service();
    service.user("mallory");
    let attacker = Browser::of(&service);
    let form = Form::of(&attacker.open("/oauth/login").unwrap());
    let victim = Browser::of(&service);
    let answer = victim.post(&form, &[("username", "mallory"), ("password", "secret-mallory")]);
    stays_here(&answer, 403, "cookie");
    assert!(!victim.cookies.borrow().contains_key("session"));
}

#[test]
fn s4_7_session_fixation_a_log_in_gets_another_cookie_and_the_old_one_opens_nothing() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let before = browser.cookies.borrow()["session"].clone();
    let page = browser.open("/oauth/login").unwrap();
    browser.log_in(&page, "alice").unwrap();
    assert_ne!(browser.cookies.borrow()["session"], before);
    let attacker = Browser::of(&service);
    attacker.cookies.borrow_mut().insert("session".to_owned(), before);
    is_told(attacker.open(&authorize("own", &[("prompt", "none")])), "login_required");
    let chosen = "A".repeat(43);
    attacker.cookies.borrow_mut().insert("session".to_owned(), chosen.clone());
    let page = attacker.open("/oauth/login").unwrap();
    attacker.log_in(&page, "alice").unwrap();
    assert_ne!(attacker.cookies.borrow()["session"], chosen);
}

#[test]
fn s4_11_an_error_redirects_only_to_a_registered_address_and_never_without_a_valid_client() {
    let service = service();
    let browser = Browser::of(&service);
    let evil = [("redirect_uri", "https://evil.example/"), ("response_type", "token")];
    stays_here(&browser.get(&authorize("own", &evil)), 400, "redirect_uri");
    stays_here(&browser.get(&authorize("unknown", &evil)), 400, "client_id");
}

#[test]
fn s4_12_the_browser_is_never_asked_to_repeat_a_form() {
    let service = service();
    service.user("alice");
    let browser = Browser::of(&service);
    let page = browser.open(&authorize("own", &[])).unwrap();
    let answer = browser.post(&Form::of(&page), &[("username", "alice"), ("password", "secret-alice")]);
    assert_eq!(answer.status, 303, "307 would send the password on");
}

#[test]
fn s4_14_consent_cannot_be_passed_by() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let page = browser.open(&authorize("web", &[])).unwrap();
    let form = Form::of(&page);
    let path = format!("/oauth/continue?request={}", form.value("request"));
    assert!(browser.open(&path).unwrap().text().contains("/oauth/consent"), "the page comes again");
    let more = [("shown", "openid"), ("answer", "allow")];
    assert!(
        browser.submit(&page, &more).unwrap().text().contains("/oauth/consent"),
        "something else was shown"
    );
    let none = browser.submit(&page, &[("answer", "")]).unwrap();
    assert!(none.text().contains("/oauth/consent"));
    let native = authorize("native", &[("redirect_uri", "http://127.0.0.1:5/cb")]);
    let page = browser.open(&native).unwrap();
    browser.submit(&page, &[("answer", "allow")]).unwrap_err();
    let again = browser.open(&native).unwrap();
    assert!(again.text().contains("/oauth/consent"), "an app that cannot prove itself asks each time");
}

#[test]
fn s4_7_a_request_of_a_browser_without_cookies_passes_by_no_log_in() {
    let service = service();
    let victim = Browser::of_user(&service, "alice");
    service.at(10);
    let sealed = Browser::of(&service).get(&authorize("own", &[("prompt", "login")]));
    let path = sealed.header("location").unwrap().replace("/oauth/login", "/oauth/continue");
    let page = victim.open(&path).unwrap();
    assert!(page.text().contains("asks you to log in again"), "{}", page.text());
}

/// A request that an attacker has sealed in another browser does not take the user's next log-in for its own.
#[test]
fn s4_7_a_request_of_another_browser_begins_anew_in_this_one() {
    let service = service();
    let attacker = Browser::of(&service);
    let sealed = |prompt| {
        let answer = attacker.get(&authorize("own", &[("prompt", prompt)]));
        answer.header("location").unwrap().replace("/oauth/login", "/oauth/continue")
    };
    let (log_in, choose) = (sealed("login"), sealed("select_account"));
    service.at(10);
    let victim = Browser::of_user(&service, "alice");
    let page = victim.open(&log_in).unwrap();
    assert!(page.text().contains("asks you to log in again"), "{}", page.text());
    assert!(victim.open(&choose).unwrap().text().contains("Continue as alice"));
    let address = victim.log_in(&page, "alice").unwrap_err();
    assert!(answer_of(&address).contains_key("code"), "one log-in is enough");
}

#[test]
fn s4_16_clickjacking_no_page_may_be_framed_and_no_page_runs_foreign_code() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let consent = browser.get(&authorize("web", &[])).header("location").unwrap().to_owned();
    for (path, form_action) in [
        ("/oauth/login", "form-action 'self'"),
        (&consent, "form-action 'self' https://app.example"),
        ("/oauth/logout", "form-action 'self'"),
        ("/account", "form-action 'self'"),
        ("/oauth/authorize", "form-action 'self'"),
    ] {
        let page = browser.get(path);
        let policy = page.header("content-security-policy").unwrap();
        let expected = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; {form_action}"
        );
        assert_eq!(policy, expected, "{path}");
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "unsafe-none"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        assert!(page.header("permissions-policy").is_some_and(|policy| policy.contains("camera=()")));
        assert!(page.header("access-control-allow-origin").is_none(), "{path}");
    }
}

#[test]
fn s4_16_over_https_the_cookies_are_bound_to_the_host() {
    let service = service_with(&[("ISSUER_URL", "https://auth.example.com/id")]);
    service.user("alice");
    let browser = Browser::of(&service);
    let page = browser.get("/oauth/login");
    let form = page.header("set-cookie").unwrap();
    assert!(
        form.starts_with("__Host-form=") && form.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"),
        "{form}"
    );
    let form = Form::of(&page);
    assert_eq!(form.action, "/id/oauth/login");
    let answer = browser.post(&form, &[("username", "alice"), ("password", "secret-alice")]);
    assert_eq!(answer.header("location"), Some("/id/account"));
    let session = answer.header("set-cookie").unwrap();
    assert!(session.starts_with("__Host-session=") && session.contains("Secure"), "{session}");
}
