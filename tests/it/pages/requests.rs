//! Requests that are refused, and those parts of requests that are not.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jwt_generator::domain::{ClientId, ClientMetadata, Initiator};
use jwt_generator::oauth::read_metadata;
use serde_json::json;

use super::browser::{Browser, CALLBACK, Form, authorize, is_told, request, service, stays_here};
use crate::support::Service;

#[test]
fn the_client_reads_what_is_wrong_with_its_request() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let long = "n".repeat(513);
    for (more, error) in [
        (&[("response_type", "")][..], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("request", "x.y.z")], "request_not_supported"),
        (&[("request_uri", "https://app.example/r")], "request_uri_not_supported"),
        (&[("registration", "{}")], "registration_not_supported"),
        (&[("scope", "a  b")], "invalid_scope"),
        (&[("scope", "admin")], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("max_age", "x")], "invalid_request"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("claims", "x")], "invalid_request"),
        (&[("resource", "https://unknown.example")], "invalid_target"),
    ] {
        is_told(browser.open(&authorize("own", more)), error);
    }
    let answer = browser.get(&authorize("machine", &[]));
    stays_here(&answer, 400, "redirect_uri is not one of the addresses that the client registered");
}

/// Seen: a browser showed raw JSON.
#[test]
fn a_wrong_link_below_oauth_is_a_page_for_a_person_and_json_for_a_program() {
    let service = service();
    let browser = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let page = service.anonymous().send(Method::GET, "/oauth/nothing", &[browser], "");
    assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("There is no such page.") && page.text().contains("href=\"/account\""));
    let json = service.anonymous().get("/oauth/nothing");
    assert_eq!((json.status, json.header("content-type")), (404, Some("application/json; charset=utf-8")));
}

/// The person who runs the app needs to know what arrived.
#[test]
fn the_page_about_a_wrong_address_shows_the_address_the_client_and_the_request() {
    let service = service();
    let browser = Browser::of(&service);
    let page = browser.get(&authorize("own", &[("redirect_uri", "https://other.example/?<b>")]));
    let request_id = page.header("x-request-id").unwrap();
    for line in [
        "client_id: own",
        "redirect_uri: https://other.example/?&#60;b&#62;",
        &format!("request_id: {request_id}"),
    ] {
        assert!(page.text().contains(&format!("<code>{line}</code>")), "{line}: {}", page.text());
    }
    let port = browser.get(&authorize("own", &[("redirect_uri", "https://app.example:444/cb")]));
    stays_here(&port, 400, "only 127.0.0.1 and [::1] may have another port");
}

/// The task that reads the clients every hour has read them before this one was added, or changed.
#[test]
fn a_new_client_and_a_new_address_can_be_used_at_once() {
    let data = tempfile::tempdir().unwrap();
    let settings = [("DATA_DIR", data.path().to_str().unwrap()), ("KEY_REFRESH", "1h")];
    let metadata = |address: &str| {
        let metadata = json!({
            "token_endpoint_auth_method": "none", "redirect_uris": [address], "scope": "openid profile", "first_party": true,
        });
        read_metadata(metadata.as_object().unwrap().clone()).unwrap()
    };
    let id = ClientId::parse("new").unwrap();
    let service = Service::with(&settings);
    let browser = Browser::of_user(&service, "alice");
    service.manage_clients(async |clients| {
        let metadata = metadata("https://app.example/before");
        clients.create(Some(id.clone()), metadata, &Initiator::OPERATOR).await.map(drop).unwrap();
    });
    let before = [("redirect_uri", "https://app.example/before")];
    assert!(browser.open(&authorize("new", &before)).unwrap_err().contains("code="));
    drop(service);
    let service = Service::with(&settings);
    let browser = Browser::of(&service);
    browser.log_in(&browser.open("/oauth/login").unwrap(), "alice").unwrap();
    service.manage_clients(async |clients| {
        let change = |before: &mut ClientMetadata| *before = metadata(CALLBACK);
        clients.update(&id, 1, change, &Initiator::OPERATOR).await.map(drop).unwrap();
    });
    assert!(browser.open(&authorize("new", &[])).unwrap_err().contains("code="));
}

/// OpenID Connect Core §6.1: the refusal goes to the client with what the query says, and else with what the object says.
#[test]
fn a_request_object_is_refused_as_the_client_expects_the_answer() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = encode(
        r#"{"response_type":"code","client_id":"own","state":"of the object","response_mode":"form_post"}"#,
    );
    let unsigned = format!("{}.{claims}.", encode(r#"{"alg":"none"}"#));
    let signed = format!("{}.{claims}.{}", encode(r#"{"alg":"RS256"}"#), encode("a signature"));
    for object in [&unsigned, &signed] {
        let posted = |more: &[(&str, &str)]| {
            let more = [&[("request", object.as_str())], more].concat();
            let page = browser.open(&authorize("own", &more)).unwrap();
            let form = Form::of(&page);
            assert_eq!((form.action.as_str(), form.value("error")), (CALLBACK, "request_not_supported"));
            form.value("state").to_owned()
        };
        assert_eq!(posted(&[("state", "")]), "of the object");
        assert_eq!(posted(&[]), "a b&c");
        assert_eq!(posted(&[("response_mode", "form_post")]), "a b&c");
        let address = browser.open(&authorize("own", &[("request", object), ("response_mode", "query")]));
        is_told(address, "request_not_supported");
        let elsewhere = [("request", object.as_str()), ("redirect_uri", "https://other.example/cb")];
        let answer = browser.get(&authorize("own", &elsewhere));
        stays_here(&answer, 400, "redirect_uri is not one of the addresses that the client registered");
    }
}

#[test]
fn unknown_parameters_and_hints_are_tolerated() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    for more in [
        ("foo", "bar"),
        ("display", "popup"),
        ("ui_locales", "se"),
        ("claims_locales", "se de"),
        ("login_hint", "bob"),
        ("acr_values", "1 2"),
        ("scope", "openid unknown"),
        ("claims", r#"{"userinfo":{"name":{"essential":true}}}"#),
    ] {
        assert!(!browser.code(&authorize("own", &[more])).is_empty(), "{more:?}");
    }
}

#[test]
fn a_request_may_come_as_a_form_without_the_cookie_and_goes_on_by_a_request_of_our_own() {
    let service = service();
    let browser = Browser::of_user(&service, "alice");
    let stranger = Browser::of(&service);
    let answer = stranger.send(
        Method::POST,
        "/oauth/authorize",
        request("own", &[]),
        &[("origin", "https://app.example")],
    );
    let location = answer.header("location").unwrap();
    assert_eq!(
        (answer.status, location),
        (303, format!("/oauth/authorize?{}", request("own", &[])).as_str())
    );
    assert!(!browser.code(location).is_empty());
}

#[test]
fn what_is_repeated_or_too_long_is_refused_on_a_page() {
    let service = service();
    let browser = Browser::of(&service);
    let path = authorize("own", &[]);
    stays_here(&browser.get(&format!("{path}&state=x")), 400, "a parameter must not occur twice");
    stays_here(&browser.get(&format!("{path}&x=1&x=1")), 400, "a parameter must not occur twice");
    stays_here(&browser.get(&format!("{path}&x={}", "y".repeat(6 * 1024))), 400, "too many bytes");
    let many: String = (0..65).map(|n| format!("&p{n}=1")).collect();
    stays_here(&browser.get(&format!("{path}{many}")), 400, "too many parameters");
}

#[test]
fn a_page_that_was_open_for_an_hour_is_too_old_and_a_changed_request_is_refused() {
    let service = service();
    let browser = Browser::of(&service);
    let answer = browser.get(&authorize("own", &[]));
    let location = answer.header("location").unwrap();
    assert_eq!(browser.get(location).status, 200);
    for changed in
        [format!("{location}A"), location.replacen("request=", "request=AA", 1), "/oauth/continue".to_owned()]
    {
        stays_here(&browser.get(&changed), 400, "This page is too old.");
    }
    service.at(3599);
    assert_eq!(browser.get(location).status, 200);
    service.at(3600);
    stays_here(&browser.get(location), 400, "This page is too old.");
}
