//! Every event that API Gateway sends, let in and refused, each with its exact answer.

use serde_json::{Value, json};

use crate::support::{
    ARN, Function, Issuer, LONG_AGO, Outcome, Signer, changed, claims, policy, token_event,
};

/// An issuer, its good token, an expired one, and one that lacks a scope.
fn tokens() -> (Issuer, [String; 3]) {
    let mut signer = Signer::jose();
    signer.token("ES256", "a", &json!({}));
    let issuer = Issuer::start(signer.jwks(&[Some("a")]));
    let good = claims(&issuer);
    let tokens = [json!({}), json!({ "exp": LONG_AGO }), json!({ "scope": "read" })]
        .map(|changes| signer.token("ES256", "a", &changed(&good, &changes)));
    (issuer, tokens)
}

fn function(issuer: &Issuer, more: &[(&'static str, &str)]) -> Function {
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    Function::start(
        issuer.settings().into_iter().chain([("AUTHORIZER_SCOPES", "write".to_owned())]).chain(more),
    )
}

fn rest_request(token: &str) -> Value {
    let value = format!("Bearer {token}");
    json!({
        "type": "REQUEST", "methodArn": ARN, "resource": "/users/{id}", "path": "/users/7", "httpMethod": "GET",
        "headers": { "Host": "api.example.com", "Authorization": value },
        "multiValueHeaders": { "Host": ["api.example.com"], "Authorization": [value] },
        "queryStringParameters": {}, "pathParameters": { "id": "7" }, "stageVariables": null,
        "requestContext": { "stage": "prod", "identity": { "sourceIp": "192.0.2.1" } },
    })
}

fn http_v1(token: &str) -> Value {
    let value = format!("Bearer {token}");
    json!({
        "version": "1.0", "type": "REQUEST", "methodArn": ARN, "identitySource": value, "authorizationToken": value,
        "resource": "/users/{id}", "path": "/users/7", "httpMethod": "GET",
        "headers": { "authorization": value }, "queryStringParameters": {},
        "requestContext": { "stage": "prod" },
    })
}

fn http_v2(token: &str) -> Value {
    let value = format!("Bearer {token}");
    json!({
        "version": "2.0", "type": "REQUEST", "routeArn": ARN, "identitySource": [value], "routeKey": "GET /users/{id}",
        "rawPath": "/users/7", "rawQueryString": "", "cookies": ["a=b"], "headers": { "authorization": value },
        "requestContext": { "http": { "method": "GET" }, "stage": "prod" }, "pathParameters": { "id": "7" },
        "stageVariables": {},
    })
}

fn passed_on(issuer: &Issuer) -> Value {
    json!({ "sub": "ada", "iss": issuer.name(), "scope": "read write" })
}

#[test]
fn rest_apis_get_a_policy_or_the_word_for_401() {
    let (issuer, [good, expired, weak]) = tokens();
    let mut function = function(&issuer, &[]);
    for event in [token_event, rest_request] {
        let allowed = policy("Allow", "ada", &passed_on(&issuer));
        assert_eq!(function.ask(&event(&good)), Outcome::Answer(allowed));
        assert_eq!(function.ask(&event(&expired)), Outcome::Error("Unauthorized".to_owned()));
        let denied = policy("Deny", "nobody", &json!({ "reason": "missing_scope" }));
        assert_eq!(function.ask(&event(&weak)), Outcome::Answer(denied));
    }
    let nothing = json!({ "type": "REQUEST", "methodArn": ARN, "headers": {}, "multiValueHeaders": {} });
    assert_eq!(function.ask(&nothing), Outcome::Error("Unauthorized".to_owned()));
}

#[test]
fn http_apis_with_format_1_get_a_policy() {
    let (issuer, [good, expired, weak]) = tokens();
    let mut function = function(&issuer, &[]);
    let allowed = policy("Allow", "ada", &passed_on(&issuer));
    assert_eq!(function.ask(&http_v1(&good)), Outcome::Answer(allowed));
    for (token, reason) in [(&expired, "expired"), (&weak, "missing_scope")] {
        let denied = policy("Deny", "nobody", &json!({ "reason": reason }));
        assert_eq!(function.ask(&http_v1(token)), Outcome::Answer(denied));
    }
}

#[test]
fn http_apis_with_format_2_get_yes_or_no() {
    let (issuer, [good, expired, weak]) = tokens();
    let mut function = function(&issuer, &[]);
    let yes = json!({ "isAuthorized": true, "context": passed_on(&issuer) });
    assert_eq!(function.ask(&http_v2(&good)), Outcome::Answer(yes));
    for (token, reason) in [(&expired, "expired"), (&weak, "missing_scope")] {
        let no = json!({ "isAuthorized": false, "context": { "reason": reason } });
        assert_eq!(function.ask(&http_v2(token)), Outcome::Answer(no));
    }
}

#[test]
fn http_apis_with_format_2_get_a_policy_if_the_setting_says_so() {
    let (issuer, [good, expired, _]) = tokens();
    let mut function = function(&issuer, &[("AUTHORIZER_RESPONSE", "policy")]);
    let allowed = policy("Allow", "ada", &passed_on(&issuer));
    assert_eq!(function.ask(&http_v2(&good)), Outcome::Answer(allowed));
    let denied = policy("Deny", "nobody", &json!({ "reason": "expired" }));
    assert_eq!(function.ask(&http_v2(&expired)), Outcome::Answer(denied));
}

#[test]
fn an_answer_that_would_be_kept_by_something_else_is_no() {
    let (issuer, [good, ..]) = tokens();
    let mut function = function(&issuer, &[]);
    let event = changed(&http_v2(&good), &json!({ "identitySource": ["192.0.2.1"] }));
    let no = json!({ "isAuthorized": false, "context": { "reason": "identity_source" } });
    assert_eq!(function.ask(&event), Outcome::Answer(no));
    assert!(function.log().contains("set it to that header"), "{}", function.log());
    let yes = function.ask(&changed(&http_v2(&good), &json!({ "identitySource": null })));
    let Outcome::Answer(yes) = yes else { panic!("{yes:?}") };
    assert_eq!(yes["isAuthorized"], true, "nothing is kept where there is no identity source");
}

#[test]
fn two_headers_are_one_too_many() {
    let (issuer, [good, ..]) = tokens();
    let mut function = function(&issuer, &[]);
    let bearer = format!("Bearer {good}");
    let twice = json!({ "multiValueHeaders": { "Authorization": [bearer, bearer] } });
    let refused = function.ask(&changed(&rest_request(&good), &twice));
    assert_eq!(refused, Outcome::Error("Unauthorized".to_owned()));
    let joined = format!("{bearer},{bearer}");
    let joined = json!({ "headers": { "authorization": joined }, "identitySource": [joined] });
    let no = json!({ "isAuthorized": false, "context": { "reason": "several_tokens" } });
    assert_eq!(function.ask(&changed(&http_v2(&good), &joined)), Outcome::Answer(no));
}

#[test]
fn a_denied_token_is_logged_once_and_as_everyday() {
    let (issuer, [_, expired, weak]) = tokens();
    for (level, lines) in [("error", 0), ("info", 2)] {
        let mut function = function(&issuer, &[("AUTHORIZER_LOG_LEVEL", level)]);
        assert_eq!(function.judge(&expired), "401");
        assert_eq!(function.judge(&weak), "403 missing_scope");
        let log = function.log();
        assert!(!log.contains("ERROR"), "{log}");
        assert_eq!(log.lines().filter(|line| line.contains("denied: ")).count(), lines, "{log}");
        assert!(lines > 0 || log.is_empty(), "{log}");
    }
}

#[test]
fn neither_tokens_nor_claims_are_logged() {
    let (issuer, tokens) = tokens();
    let mut function = function(&issuer, &[("AUTHORIZER_LOG_LEVEL", "debug")]);
    for token in &tokens {
        function.judge(token);
    }
    function.ask_text("{\"type\": \"TOKEN\", \"authorizationToken\": \"Bearer eyJ0.secret\"");
    let log = function.log();
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    assert!(log.contains("expired") && log.contains("allowed"), "{log}");
    for secret in ["eyJ", "ada", "secret"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
