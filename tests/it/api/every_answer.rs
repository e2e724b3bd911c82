//! Headers that every answer has: security headers, a request id, CORS.

use http::Method;

use crate::support::{Answer, Service};

#[test]
fn every_answer_has_helmets_headers() {
    let service = Service::start();
    let fails = service.anonymous().post("/api/auth/login", &serde_json::json!([]));
    for answer in [service.anonymous().get("/health"), service.anonymous().get("/nope"), fails] {
        for (name, value) in [
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("origin-agent-cluster", "?1"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-dns-prefetch-control", "off"),
            ("x-download-options", "noopen"),
            ("x-frame-options", "SAMEORIGIN"),
            ("x-permitted-cross-domain-policies", "none"),
            ("x-xss-protection", "0"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
        assert_eq!(answer.header("x-powered-by"), None);
        assert_eq!(answer.header("server"), None);
        assert!(answer.header("date").is_some());
    }
}

#[test]
fn a_request_id_is_the_callers_if_it_is_harmless() {
    let service = Service::start();
    let id = |sent: &str| {
        let answer = service.anonymous().send(Method::GET, "/health", &[("x-request-id", sent)], "");
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("abc-123_x.Y"), "abc-123_x.Y");
    let (one, another) = (id(""), id("no spaces"));
    assert_ne!(one, another);
    for harmful in ["a\"b", "<script>", &"x".repeat(65), "a,b", "a;b=c"] {
        assert_ne!(id(harmful), harmful);
    }
}

fn from_origin(service: &Service, method: Method, origin: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("origin", origin)];
    headers.extend(more);
    service.anonymous().send(method, "/api/token/generate", &headers, "")
}

#[test]
fn any_origin_may_call_by_default_and_never_with_credentials() {
    let service = Service::start();
    let answer = from_origin(&service, Method::POST, "https://app.example.com", &[]);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    let asks = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,authorization"),
    ];
    let preflight = from_origin(&service, Method::OPTIONS, "https://app.example.com", &asks);
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type,authorization"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
}

/// OpenTelemetry in a browser adds `traceparent` and `tracestate` to each call.
#[test]
fn a_preflight_allows_the_headers_of_a_trace() {
    let service = Service::start();
    for asked in [Some("content-type,traceparent,tracestate"), None] {
        let method = [("access-control-request-method", "POST")];
        let asks: Vec<_> =
            method.into_iter().chain(asked.map(|asked| ("access-control-request-headers", asked))).collect();
        let preflight = from_origin(&service, Method::OPTIONS, "https://app.example.com", &asks);
        let allowed: Vec<_> = preflight.header("access-control-allow-headers").unwrap().split(',').collect();
        assert!(
            ["content-type", "traceparent", "tracestate"].iter().all(|name| allowed.contains(name)),
            "{allowed:?}"
        );
    }
}

#[test]
fn listed_origins_are_reflected_and_others_are_told_nothing() {
    let service = Service::with(&[("ALLOWED_ORIGINS", "https://app.example.com, http://localhost:5173/")]);
    for allowed in ["https://app.example.com", "http://localhost:5173"] {
        let answer = from_origin(&service, Method::POST, allowed, &[]);
        assert_eq!(answer.header("access-control-allow-origin"), Some(allowed));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    for other in [
        "https://app.example.com.evil.example",
        "null",
        "https://app.example.com:444",
        "http://app.example.com",
    ] {
        let answer = from_origin(&service, Method::POST, other, &[]);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{other}");
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert_eq!(answer.status, 200, "CORS is the browser's to enforce");
    }
}
