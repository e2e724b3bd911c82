//! Traces: what a collector gets, what other services are told, and what happens while the collector is away.

use http::Method;
use serde_json::{Value, json};

use crate::support::client::registration;
use crate::support::collector::{CollectedSpan, Collector, CollectorFault};
use crate::support::vault::Vault;
use crate::support::{Front, Gateway, Moto, Program, Service, eventually, folder_with_keys, mongod, unique};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
/// The numbers of `Span.SpanKind`.
const INTERNAL: u64 = 1;
const SERVER: u64 = 2;
const CLIENT: u64 = 3;

fn recorded(collector: &Collector, settings: &[(&str, &str)]) -> Service {
    Service::with(
        &[&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.traces_url().as_str())], settings].concat(),
    )
}

fn attribute<'a>(span: &'a CollectedSpan, name: &str) -> &'a str {
    span.attributes.get(name).unwrap_or_else(|| panic!("{} has no {name}: {span:#?}", span.name))
}

/// Whether `inner` lies within `outer`: its child, in the same trace, and not outside of its time.
#[track_caller]
fn is_within(inner: &CollectedSpan, outer: &CollectedSpan) {
    assert_eq!((&inner.trace_id, &inner.parent), (&outer.trace_id, &outer.span_id), "{inner:#?}");
    assert!(
        outer.started_at <= inner.started_at && inner.ended_at <= outer.ended_at,
        "{inner:#?}\n{outer:#?}"
    );
}

#[test]
fn a_log_in_is_one_trace_of_its_request_use_case_store_and_signature() {
    let collector = Collector::start();
    let service = recorded(&collector, &[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")]);
    let user = service.user("ada");
    let login = json!({ "username": "ada", "password": "secret-ada" });
    let logged_in = service.anonymous().post("/api/auth/login", &login).ok();
    let id = logged_in["data"]["user"]["_id"].as_str().unwrap();
    assert_eq!(user.get("/api/auth/profile").status, 200);
    drop(service);
    let request = collector.span("POST /api/auth/login");
    assert_eq!((request.kind, request.parent.as_str(), request.failed), (SERVER, "", false));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/auth/login"),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("client.address", "127.0.0.1"),
        ("jwt_generator.operation", "login_user"),
        ("user.id", id),
    ] {
        assert_eq!(attribute(&request, name), value, "{name}");
    }
    let of_request: Vec<_> =
        collector.spans().into_iter().filter(|span| span.trace_id == request.trace_id).collect();
    let use_case = of_request.iter().find(|span| span.name == "log_in").unwrap();
    is_within(use_case, &request);
    assert_eq!(use_case.kind, INTERNAL);
    let inner: Vec<_> = of_request.iter().filter(|span| span.parent == use_case.span_id).collect();
    inner.iter().for_each(|span| is_within(span, use_case));
    let found = inner.iter().find(|span| span.name == "find_user_by_username users").unwrap();
    assert_eq!(found.kind, CLIENT);
    assert_eq!(attribute(found, "db.system.name"), "sqlite");
    assert_eq!(attribute(found, "db.operation.name"), "find_user_by_username");
    assert!(inner.iter().any(|span| span.name == "hash_password" && span.kind == INTERNAL && !span.failed));
    let signature = inner.iter().find(|span| span.name == "sign").unwrap();
    assert_eq!(attribute(signature, "jwt_generator.algorithm"), "RS256");
    assert!(!attribute(signature, "jwt_generator.kid").is_empty());
    let resource = collector.resource();
    assert_eq!(resource["service.name"], "jwt-generator");
    assert_eq!(resource["deployment.environment.name"], "test");
    assert!(!resource["service.instance.id"].is_empty() && !resource["service.version"].is_empty());
    let export = &collector.exports()[0];
    assert_eq!(export.path, "/v1/traces");
    assert_eq!(export.headers["content-type"], "application/x-protobuf");
}

/// The clock of the service stands still in this test, so what a span says of its time is what the clock says.
#[test]
fn a_span_begins_at_the_time_of_the_services_clock() {
    let collector = Collector::start();
    let service = recorded(&collector, &[]);
    service.anonymous().get("/health").ok();
    drop(service);
    let span = collector.span("GET /health");
    assert_eq!(span.started_at / 1_000_000_000, Service::START);
    assert!(span.started_at < span.ended_at, "{span:?}");
}

#[test]
fn the_verbs_of_mongodb_say_where_it_is() {
    let (collector, uri) = (Collector::start(), mongod::new_database());
    let service = recorded(&collector, &[("MONGODB_URI", &uri)]);
    service.user("ada");
    drop(service);
    let span = collector.span("create_user users");
    assert_eq!(attribute(&span, "db.system.name"), "mongodb");
    assert_eq!(attribute(&span, "server.address"), "127.0.0.1");
    assert_eq!(attribute(&span, "db.collection.name"), "users");
}

#[test]
fn a_request_goes_on_with_the_trace_of_its_client() {
    let collector = Collector::start();
    let service = recorded(&collector, &[]);
    let headers = [("traceparent", PARENT), ("tracestate", "rojo=1,congo=t61rcWkgMzE")];
    assert_eq!(service.anonymous().send(Method::GET, "/health", &headers, "").status, 200);
    drop(service);
    let span = collector.span("GET /health");
    assert_eq!((span.trace_id.as_str(), span.parent.as_str()), (TRACE, SPAN));
    assert_eq!(span.trace_state, "rojo=1,congo=t61rcWkgMzE");
    assert_eq!(span.flags, 0x301, "recorded, and the parent is elsewhere");
    assert_ne!(span.span_id, SPAN);
}

#[test]
fn a_request_goes_on_with_the_trace_of_xray() {
    let collector = Collector::start();
    let service = recorded(&collector, &[]);
    let root = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    service.anonymous().send(Method::GET, "/health", &[("x-amzn-trace-id", root)], "");
    drop(service);
    let span = collector.span("GET /health");
    assert_eq!(span.trace_id, "5759e988bd862e3fe1be46a994272793");
    assert_eq!(span.parent, "53995c3f42cd8ad8");
}

#[test]
fn hostile_trace_headers_begin_a_new_trace_and_are_nowhere_in_the_export() {
    let collector = Collector::start();
    let service = recorded(&collector, &[]);
    let long = "x".repeat(4_000);
    let hostile = [
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "'; DROP TABLE users; --",
        &long,
    ];
    for value in hostile {
        for name in ["traceparent", "x-amzn-trace-id"] {
            let headers = [(name, value), ("tracestate", "evil=4711-evil")];
            assert_eq!(service.anonymous().send(Method::GET, "/health", &headers, "").status, 200);
        }
    }
    drop(service);
    let spans = collector.spans();
    assert_eq!(spans.len(), hostile.len() * 2);
    assert!(
        spans
            .iter()
            .all(|span| span.parent.is_empty() && span.trace_id != TRACE && span.trace_state.is_empty())
    );
    let bodies: Vec<u8> = collector.exports().into_iter().flat_map(|export| export.body).collect();
    assert!(!String::from_utf8_lossy(&bodies).contains("4711-evil"));
}

/// The path, the query, the headers and the body of a request may hold secrets, and so may the settings.
#[test]
fn k16_no_secret_is_in_a_span() {
    let (collector, uri) = (Collector::start(), mongod::new_database());
    let settings = [("MONGODB_URI", uri.as_str()), ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=Key-4711")];
    let service = recorded(&collector, &settings);
    let user = service.user("ada");
    let token = user.token().to_owned();
    let wrong = json!({ "username": "ada", "password": "Wrong-Password-4711" });
    assert_eq!(service.anonymous().post("/api/auth/login", &wrong).status, 401);
    user.get("/api/auth/profile").ok();
    let refused = user.bearing("Bad-Token-4711").get("/api/auth/profile");
    assert_eq!(refused.status, 401);
    user.get("/Secret-Path-4711/x?secret=Query-4711");
    user.send(
        Method::from_bytes(b"METHOD-4711").unwrap(),
        "/api/jwks?Query-4711",
        &[("cookie", "Cookie-4711")],
        "",
    );
    drop(service);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for export in collector.exports() {
        assert_eq!(export.headers["api-key"], "Key-4711");
        let text = String::from_utf8_lossy(&export.body).into_owned();
        for secret in ["-4711", "secret-ada", "ada@example.com", "$2b$", signed, signature] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    let refused = collector.spans().into_iter().find(|span| span.name == "HTTP /api/jwks").unwrap();
    assert_eq!((attribute(&refused, "http.response.status_code"), refused.failed), ("405", false));
}

fn vault_settings(vault: &Vault) -> [(&'static str, String); 5] {
    [
        ("SKIP_DATABASE", "true".to_owned()),
        ("KEY_CUSTODY", "vault".to_owned()),
        ("JWT_ALGORITHM", "ES256".to_owned()),
        ("VAULT_ADDR", vault.url()),
        ("VAULT_TOKEN", vault.token(0, false)),
    ]
}

/// The headers of the signature that Vault made for a request with `PARENT`.
fn signature_headers(vault: &Vault, settings: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    let of_vault = vault_settings(vault);
    let of_vault: Vec<_> = of_vault.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[&of_vault[..], settings].concat());
    let before = vault.seen().len();
    let headers = [("traceparent", PARENT), ("tracestate", "rojo=1"), ("content-type", "application/json")];
    assert_eq!(program.client().send(Method::POST, "/api/token/generate", &headers, "{}").status, 200);
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    let seen = vault.seen();
    let of_trace = |seen: &&crate::support::vault::Seen| {
        seen.path.starts_with("transit/sign/") && seen.headers.contains_key("traceparent")
    };
    seen[before..].iter().find(of_trace).unwrap().headers.clone()
}

#[test]
fn the_trace_goes_on_to_vault_and_the_call_is_a_span_of_it() {
    let (collector, vault) = (Collector::start(), Vault::start());
    let url = collector.traces_url();
    let told = signature_headers(&vault, &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &url)]);
    let request = collector.span("POST /api/token/generate");
    let spans: Vec<_> = collector.spans().into_iter().filter(|span| span.trace_id == TRACE).collect();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (use_case, signature, call) = (named("issue_demo"), named("sign"), named("POST"));
    assert_eq!((request.trace_id.as_str(), request.parent.as_str()), (TRACE, SPAN));
    is_within(use_case, &request);
    is_within(signature, use_case);
    is_within(call, signature);
    assert_eq!(call.kind, CLIENT);
    assert_eq!(attribute(call, "http.response.status_code"), "200");
    assert_eq!(attribute(call, "server.address"), "127.0.0.1");
    assert_eq!(
        attribute(call, "url.full"),
        format!("{}/v1/transit/sign/jwt-generator-ecdsa-p256", vault.url())
    );
    assert_eq!(told["traceparent"], format!("00-{TRACE}-{}-01", call.span_id));
    assert_eq!(told["tracestate"], "rojo=1");
    let bodies: Vec<u8> = collector.exports().into_iter().flat_map(|export| export.body).collect();
    let text = String::from_utf8_lossy(&bodies);
    assert!(vault.secrets().iter().all(|secret| !text.contains(secret.as_str())));
}

#[test]
fn without_a_collector_the_trace_of_a_client_is_passed_on_unchanged() {
    let told = signature_headers(&Vault::start(), &[]);
    assert_eq!((told["traceparent"].as_str(), told["tracestate"].as_str()), (PARENT, "rojo=1"));
}

#[test]
fn the_sampler_decides_which_requests_are_recorded_and_others_are_told() {
    let (collector, vault) = (Collector::start(), Vault::start());
    let url = collector.traces_url();
    let settings =
        [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str()), ("OTEL_TRACES_SAMPLER", "always_off")];
    let told = signature_headers(&vault, &settings);
    assert!(told["traceparent"].starts_with(&format!("00-{TRACE}-")), "{told:?}");
    assert!(told["traceparent"].ends_with("-00"), "{told:?}");
    let service = recorded(&collector, &[]);
    let unrecorded = PARENT.replace("-01", "-00");
    service.anonymous().send(Method::GET, "/health", &[("traceparent", &unrecorded)], "");
    drop(service);
    assert!(collector.exports().is_empty(), "{:#?}", collector.spans());
}

#[test]
fn a_collector_that_is_broken_holds_up_no_request_and_no_stop_and_is_told_once() {
    for fault in
        [CollectorFault::Overloaded, CollectorFault::Refuses, CollectorFault::Hangs, CollectorFault::HangsUp]
    {
        let (collector, folder) = (Collector::start(), folder_with_keys());
        collector.fail(fault);
        let url = collector.traces_url();
        let settings = [("SKIP_DATABASE", "true"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str())];
        let settings = [&settings[..], &[("OTEL_EXPORTER_OTLP_TIMEOUT", "3000")]].concat();
        let program = Program::start(folder.path(), &settings);
        let client = program.client();
        for _ in 0..600 {
            client.get("/health").ok();
        }
        eventually("the collector is asked", || (collector.refused() > 0).then_some(()));
        client.get("/health").ok();
        let (status, log) = program.stop();
        assert!(status.success(), "{fault:?}: {log}");
        let told = log.matches("the collector does not take spans").count();
        assert!(told <= 1 && (told == 1 || fault == CollectorFault::Hangs), "{fault:?}: {log}");
    }
}

#[test]
fn spans_of_a_collector_that_is_away_for_a_while_are_sent_later() {
    let (collector, folder) = (Collector::start(), folder_with_keys());
    collector.fail(CollectorFault::Overloaded);
    let url = collector.traces_url();
    let settings = [("SKIP_DATABASE", "true"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str())];
    let program = Program::start(folder.path(), &settings);
    program.client().get("/health").ok();
    eventually("the collector is asked", || (collector.refused() > 0).then_some(()));
    collector.fail(CollectorFault::None);
    program.client().get("/api/jwks").ok();
    eventually("spans arrive while the server runs", || (!collector.exports().is_empty()).then_some(()));
    program.stop();
    collector.span("GET /api/jwks");
}

/// AWS freezes a function between its invocations, so that a span that waits would arrive late or never.
#[test]
fn a_function_exports_at_the_end_of_each_invocation_in_the_trace_of_xray() {
    let (collector, folder) = (Collector::start(), tempfile::tempdir().unwrap());
    let (endpoint, secret, url) = (Moto::shared().endpoint(), unique("keys/of-"), collector.traces_url());
    let settings = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("KEYS_SECRET", secret.as_str()),
        ("JWT_ALGORITHM", "ES256"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str()),
    ];
    let gateway = Gateway::start(Front::HttpTwo, folder.path(), &settings);
    gateway.client().get("/health").ok();
    eventually("the span is there, without another invocation", || {
        collector.spans().iter().any(|span| span.name == "GET /health").then_some(())
    });
    assert_eq!(collector.span("GET /health").trace_id, "5bef4de7ad49b0e87f6ef6c87fc2e700");
}

/// A line of the log and a span that belong together say so in the same words.
#[test]
fn the_lines_of_a_request_name_its_trace_and_its_spans() {
    let (collector, folder) = (Collector::start(), folder_with_keys());
    let url = collector.traces_url();
    let settings = [
        ("BCRYPT_ROUNDS", "4"),
        ("LOG_LEVEL", "info,jwt_generator=debug"),
        ("ACCESS_LOG", "all"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url.as_str()),
    ];
    let program = Program::start(folder.path(), &settings);
    program.client().register("ada");
    let headers = [("traceparent", PARENT), ("content-type", "application/json"), ("x-request-id", "mine-1")];
    let login = json!({ "username": "ada", "password": registration("ada")["password"] }).to_string();
    assert_eq!(program.client().send(Method::POST, "/api/auth/login", &headers, login).status, 200);
    let (_, log) = program.stop();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_request: Vec<_> = lines.filter(|line| line["request_id"] == "mine-1").collect();
    let (request, use_case) = (collector.span("POST /api/auth/login"), collector.span("log_in"));
    for (message, span) in [("a user has logged in", &use_case), ("request answered", &request)] {
        let line = of_request.iter().find(|line| line["message"] == message).unwrap();
        assert_eq!((&line["trace_id"], &line["span_id"]), (&json!(TRACE), &json!(span.span_id)), "{message}");
    }
    assert_eq!(of_request.len(), 2, "{of_request:#?}");
}
