//! What answers say of limits.

use http::Method;
use jwt_generator::http::{Dialect, Operation, operations};
use jwt_generator::limits::Group;
use serde_json::json;

use super::{GENERATE, Limited, told};
use crate::support::Service;
use crate::support::client::registration;
use crate::support::socket::{connect, send, until_closed};

const CLIENT: &str = "198.51.100.7";
const POLICY: Option<&str> = Some("\"generate-address\";q=3;w=60");

#[test]
fn an_answer_says_what_is_left_and_a_refusal_says_when_to_come_back() {
    let limited = Limited::with("generate=3/m per address");
    for left in ["r=2;t=20", "r=1;t=20", "r=0;t=20"] {
        let answer = limited.ask(CLIENT, GENERATE, &json!({}));
        assert_eq!(answer.status, 200);
        assert_eq!(told(&answer), (POLICY, Some(format!("\"generate-address\";{left}").as_str())));
        assert_eq!(answer.header("retry-after"), None);
    }
    for _ in 0..2 {
        let refused = limited.ask(CLIENT, GENERATE, &json!({}));
        refused.is_refused(429, "rate_limited", "Too many requests from this address; try again in 20 s");
        assert_eq!(told(&refused), (POLICY, Some("\"generate-address\";r=0;t=20")));
        assert_eq!(refused.header("retry-after"), Some("20"));
        assert_eq!(refused.header("cache-control"), None);
    }
    // Buckets count in ticks of 16 µs: on the second, it depends on the moment of the start how many are missing.
    limited.at(19.5);
    assert_eq!(limited.ask(CLIENT, GENERATE, &json!({})).header("retry-after"), Some("1"));
    limited.at(20.5);
    assert_eq!([(); 2].map(|()| limited.generate(CLIENT)), [200, 429]);
    limited.at(3_600.0);
    assert_eq!([(); 4].map(|()| limited.generate(CLIENT)), [200, 200, 200, 429]);
}

#[test]
fn a_request_that_is_refused_for_another_reason_counts_and_is_told_the_same() {
    let limited = Limited::with("generate=3/m per address");
    let refused = limited.ask(CLIENT, GENERATE, &json!({ "expiresIn": "never" }));
    assert_eq!(refused.status, 400);
    assert_eq!(told(&refused), (POLICY, Some("\"generate-address\";r=2;t=20")));
}

#[test]
fn the_paths_of_one_operation_share_a_budget_and_groups_do_not() {
    let limited = Limited::with("generate=2/m per address; validate=1/m per address");
    let ask = |path| limited.ask(CLIENT, path, &json!({ "token": "x" })).status;
    assert_eq!([ask(GENERATE), ask("/token/GENERATE/"), ask("/token/generate")], [200, 200, 429]);
    assert_eq!(
        [ask("/api/auth/validate"), ask("/token/validate"), ask("/api/token/validate")],
        [401, 429, 429]
    );
}

#[test]
fn the_body_of_a_refused_request_is_not_waited_for() {
    let limited = Limited::with("generate=1/m per address");
    assert_eq!(limited.generate(CLIENT), 200);
    let mut stream = connect(limited.service.address());
    let head = format!(
        "POST {GENERATE} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {CLIENT}\r\nContent-Length: 50000\r\n\r\n"
    );
    send(&mut stream, head);
    let answer = until_closed(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
}

#[test]
fn the_key_set_the_documents_and_the_probes_have_no_limit() {
    let all = "login=1/d global; register=1/d global; refresh=1/d global; generate=1/d global; validate=1/d global; profile=1/d global; oauth_token=1/d global; introspect=1/d global; revoke=1/d global; userinfo=1/d global; authorize=1/d global";
    let limited = Limited::with(all);
    let body = registration("ada").to_string();
    let limited_ids = |status: u16| {
        let ask = |method: &Method, path: &str| {
            let headers = [("x-forwarded-for", CLIENT), ("content-type", "application/json")];
            // A log-in and a registration count when their bodies have named the account.
            let body = if method == Method::POST { body.as_str() } else { "" };
            let path = path.replace("{file}", "docs.css");
            limited.service.anonymous().send(method.clone(), &path, &headers, body)
        };
        let asked = operations().iter().map(|one| (one, ask(&one.method, one.path)));
        asked.filter(|(_, answer)| answer.status == status).map(|(one, _)| one.limit).collect::<Vec<_>>()
    };
    // The address is known to the account after the registration, so a log-in has two budgets.
    (0..2).for_each(|_| drop(limited_ids(0)));
    let refused = limited_ids(429);
    assert!(refused.iter().all(Option::is_some));
    // On a page, these count when the token of their form is right.
    let counts = |one: &&Operation| match one.limit {
        Some(Group::Login | Group::Register) => one.dialect != Dialect::Page,
        limit => limit.is_some(),
    };
    assert_eq!(refused.len(), operations().iter().filter(counts).count());
}

#[test]
fn scripts_of_other_origins_may_read_what_is_left() {
    let service = Service::start();
    let answer =
        service.anonymous().send(Method::GET, "/health", &[("origin", "https://app.example.com")], "");
    let exposed = answer.header("access-control-expose-headers").unwrap();
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(exposed.split(',').any(|one| one == name), "{name}");
    }
}
