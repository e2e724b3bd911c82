//! The admin listener: metrics, health, and the filter of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use http::Method;
use serde_json::{Value, json};

use crate::support::collector::{Collector, CollectorFault};
use crate::support::{
    Client, Program, Service, eventually, folder_with_keys, jwt_generator, read, refused, run,
};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const ASKING: (&str, &str) =
    ("accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5");

/// The samples by their names and labels, as they are written.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), number(value)))
        .collect()
}

fn number(text: &str) -> f64 {
    if text == "+Inf" { f64::INFINITY } else { text.parse().unwrap() }
}

fn scraped(admin: &Client) -> BTreeMap<String, f64> {
    let answer = admin.send(Method::GET, "/metrics", &[ASKING], "");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(OPENMETRICS)));
    samples(&String::from_utf8(answer.body).unwrap())
}

/// By how much each sample has grown, of those that have.
fn grown(admin: &Client, work: impl FnOnce()) -> BTreeMap<String, f64> {
    let before = scraped(admin);
    work();
    let growth = |(name, value): (String, f64)| {
        let more = value - before.get(&name).copied().unwrap_or_default();
        (more > 0.0).then_some((name, more))
    };
    scraped(admin).into_iter().filter_map(growth).collect()
}

fn count_of(operation: &str, method: &str, class: &str) -> String {
    format!(
        "http_server_request_duration_seconds_count{{operation=\"{operation}\",method=\"{method}\",status_class=\"{class}\"}}"
    )
}

#[test]
fn requests_and_tokens_are_counted_by_what_they_are() {
    let service = Service::start();
    let client = service.anonymous();
    let grown = grown(service.admin(), || {
        let token = client.post("/api/token/generate", &json!({})).ok()["data"]["access_token"].clone();
        client.post("/token/validate", &json!({ "token": token })).ok();
        client.post("/api/token/validate", &json!({ "token": "x" })).is_refused_with(401);
        client.get("/api/jwks").ok();
        client.send(Method::HEAD, "/api/jwks", &[], "");
        client.post("/api/token/generate", &json!({ "expiresIn": "1000h" })).is_refused_with(400);
        client.register("ada");
        client
            .post("/api/auth/login", &json!({ "username": "ada", "password": "wrong" }))
            .is_refused_with(401);
    });
    for (name, growth) in [
        (count_of("generate_token", "POST", "2xx"), 1.0),
        (count_of("generate_token", "POST", "4xx"), 1.0),
        (count_of("validate_token_alias", "POST", "2xx"), 1.0),
        (count_of("validate_token", "POST", "4xx"), 1.0),
        (count_of("get_jwks", "GET", "2xx"), 1.0),
        (count_of("get_jwks", "HEAD", "2xx"), 1.0),
        ("http_server_refusals_total{code=\"invalid_token\"}".to_owned(), 1.0),
        ("http_server_refusals_total{code=\"invalid_credentials\"}".to_owned(), 1.0),
        ("jwt_tokens_issued_total{kind=\"demo\",algorithm=\"RS256\"}".to_owned(), 1.0),
        ("jwt_tokens_issued_total{kind=\"user\",algorithm=\"RS256\"}".to_owned(), 1.0),
        ("jwt_tokens_refused_total{kind=\"demo\",reason=\"too_long\"}".to_owned(), 1.0),
        ("jwt_tokens_checked_total{result=\"passed\"}".to_owned(), 1.0),
        ("jwt_tokens_checked_total{result=\"malformed\"}".to_owned(), 1.0),
        ("jwt_account_attempts_total{action=\"register\",outcome=\"ok\"}".to_owned(), 1.0),
        ("jwt_account_attempts_total{action=\"login\",outcome=\"invalid_credentials\"}".to_owned(), 1.0),
        ("jwt_queue_wait_seconds_count{queue=\"sign\"}".to_owned(), 2.0),
        ("jwt_queue_batch_size_sum{queue=\"sign\"}".to_owned(), 2.0),
        ("jwt_queue_wait_seconds_count{queue=\"hash\"}".to_owned(), 2.0),
        ("jwt_store_call_duration_seconds_count{verb=\"create_user\",outcome=\"ok\"}".to_owned(), 1.0),
    ] {
        assert_eq!(grown.get(&name), Some(&growth), "{name}\n{grown:#?}");
    }
}

#[test]
fn the_verdicts_of_each_limit_are_counted_and_a_limit_that_is_off_is_not() {
    let service = Service::with(&[("RATE_LIMITS", "login=2/d per account, 9/d global; off")]);
    let client = service.anonymous();
    let grown = grown(service.admin(), || {
        for status in [401, 401, 429] {
            client
                .post("/api/auth/login", &json!({ "username": "ada", "password": "wrong" }))
                .is_refused_with(status);
        }
        client.post("/api/token/generate", &json!({})).ok();
    });
    let verdicts: BTreeMap<_, _> =
        grown.into_iter().filter(|(name, _)| name.starts_with("jwt_rate_limit_verdicts_total")).collect();
    let row = |scope, verdict| {
        format!("jwt_rate_limit_verdicts_total{{group=\"login\",scope=\"{scope}\",verdict=\"{verdict}\"}}")
    };
    let expected =
        [(("account", "admitted"), 2.0), (("account", "refused"), 1.0), (("global", "admitted"), 3.0)];
    assert_eq!(verdicts, expected.map(|((scope, verdict), count)| (row(scope, verdict), count)).into());
}

#[test]
fn no_text_of_a_request_becomes_a_label() {
    let service = Service::start();
    let client = service.anonymous();
    let names = |samples: BTreeMap<String, f64>| samples.into_keys().collect::<BTreeSet<_>>();
    let ask = |marker: usize| {
        for method in ["GET", "DELETE", "PROPFIND", "X-HIDDEN"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            client.send(method.clone(), &format!("/hidden-{marker}"), &[], "");
            client.send(method, &format!("/api/docs/assets/hidden-{marker}"), &[], "");
        }
        let fields = json!({ "username": format!("hidden-{marker}"), "password": "hidden-password" });
        client.post("/api/auth/login", &fields);
    };
    ask(1);
    let first = names(scraped(service.admin()));
    (2..20).for_each(ask);
    let later = names(scraped(service.admin()));
    assert_eq!(later.difference(&first).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(first.iter().all(|name| !name.contains("hidden") && !name.contains("HIDDEN")));
    assert!(first.contains(&count_of("-", "_OTHER", "4xx")));
}

/// The rules of OpenMetrics 1.0 that a scraper relies on.
#[test]
fn what_is_scraped_is_well_formed() {
    let service = Service::start();
    service.anonymous().get("/health").ok();
    let answer = service.admin().send(Method::GET, "/metrics", &[ASKING], "");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    let mut names = BTreeSet::new();
    let mut family = (String::new(), String::new());
    for line in text.lines().take_while(|line| *line != "# EOF") {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let (name, kind) = head.split_once(' ').unwrap();
            assert!(names.insert(name.to_owned()), "{name} is told twice");
            family = (name.to_owned(), kind.to_owned());
        } else if let Some(rest) = line.strip_prefix("# ") {
            assert_eq!(rest.split(' ').nth(1), Some(family.0.as_str()), "{line}");
        } else {
            let suffixes: &[&str] = match family.1.as_str() {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            let name = line.split(['{', ' ']).next().unwrap();
            let fits = suffixes.iter().any(|suffix| name == format!("{}{suffix}", family.0));
            assert!(fits, "{line} is in the family {}", family.0);
        }
    }
    let all = samples(&text);
    for (name, value) in all.iter().filter(|(name, _)| name.contains("_bucket{") && name.contains("+Inf")) {
        let count =
            name.replace("_bucket{", "_count{").replace(",le=\"+Inf\"", "").replace("le=\"+Inf\"", "");
        assert_eq!(all.get(count.trim_end_matches("{}")), Some(value), "{name}");
    }
}

#[test]
fn a_scraper_that_does_not_ask_for_openmetrics_gets_the_older_text() {
    let service = Service::start();
    for accept in [&[][..], &[("accept", "text/plain;version=0.0.4")], &[("accept", "*/*")]] {
        let answer = service.admin().send(Method::GET, "/metrics", accept, "");
        assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains("# TYPE process_cpu_seconds_total counter\n") && !text.contains("# EOF"));
    }
}

#[test]
fn docs_metrics_is_the_list_of_all_metrics() {
    let service = Service::start();
    let text = service.admin().get("/metrics");
    let text = String::from_utf8(text.body).unwrap();
    let kind = |name: &str| {
        let head = format!("# TYPE {name} ");
        text.lines().find_map(|line| line.strip_prefix(&head).map(str::to_owned))
    };
    let help = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let served: BTreeSet<_> = help
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, help)| (name.to_owned(), kind(name).unwrap(), help.to_owned()))
        .collect();
    let document = read("docs/metrics.md");
    let rows = document.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 3);
    let documented: BTreeSet<_> = rows
        .map(|row| row.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect::<Vec<_>>())
        .map(|cells| (cells[0].trim_matches('`').to_owned(), cells[1].clone(), cells[3].clone()))
        .collect();
    assert_eq!(documented, served);
    for name in samples(&text).keys() {
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        let names: BTreeSet<_> =
            labels.split("\",").filter_map(|pair| pair.split_once("=\"")).map(|(name, _)| name).collect();
        let is_of = |row: &&str| {
            let metric = row.split('`').nth(1).unwrap();
            name == metric || ["_bucket", "_sum", "_count"].iter().any(|end| name == format!("{metric}{end}"))
        };
        let row = document.lines().filter(|line| line.starts_with("| `")).find(is_of).unwrap();
        let cell = row.split(" | ").nth(2).unwrap();
        let documented: BTreeSet<_> = cell.split('`').skip(1).step_by(2).collect();
        assert_eq!(
            names.into_iter().filter(|name| *name != "le").collect::<BTreeSet<_>>(),
            documented,
            "{name}"
        );
    }
}

#[test]
fn the_ring_the_process_and_the_tasks_show() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("JWT_ALGORITHM", "ES256"), ("BCRYPT_ROUNDS", "4")];
    let (_program, admin) = with_admin(folder.path(), &settings);
    let all = eventually("the tasks had a turn", || {
        let all = scraped(&admin);
        (all["jwt_task_last_success_timestamp_seconds{task=\"database\"}"] > 0.0).then_some(all)
    });
    assert_eq!(all["jwt_keys{state=\"active\",algorithm=\"ES256\"}"], 1.0);
    assert_eq!(all["jwt_key_ring_loaded"], 1.0);
    assert!(all["jwt_key_next_step_seconds"] > 0.0);
    assert_eq!(all["jwt_capability{capability=\"mint\",status=\"ok\"}"], 1.0);
    assert_eq!(all["jwt_capability{capability=\"mint\",status=\"down\"}"], 0.0);
    assert!(all["process_resident_memory_bytes"] > 1e6 && all["process_open_fds"] > 3.0);
    assert!(all["jwt_custody_call_duration_seconds_count{verb=\"make_key\",outcome=\"ok\"}"] >= 1.0);
    assert!(all.contains_key(&format!("jwt_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))));
}

/// A program with an admin listener on a port that was free a moment ago.
fn with_admin(folder: &std::path::Path, settings: &[(&str, &str)]) -> (Program, Client) {
    for _ in 0..20 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let settings = [settings, &[("ADMIN_ADDRESS", address.as_str())]].concat();
        // Another test may have taken the port meanwhile.
        if let Ok(program) = Program::try_start(folder, &settings) {
            return (program, Client::new(&format!("http://{address}")));
        }
    }
    panic!("no port stays free");
}

#[test]
fn an_admin_address_that_was_set_and_is_taken_refuses_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder_with_keys();
    let mut command = jwt_generator(folder.path());
    command
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("SKIP_DATABASE", "true")
        .env("ADMIN_ADDRESS", &address);
    let told = refused(&mut command, 1);
    assert!(told.contains(&format!("the admin listener cannot listen on {address}")), "{told}");
    assert!(told.contains("ADMIN_ADDRESS"), "{told}");
}

/// Whether the default port is free depends on the machine: either one of the two programs has it, or something else does.
#[test]
fn a_default_admin_address_that_is_taken_does_not_stop_the_start() {
    let folder = folder_with_keys();
    let start = || {
        let mut command = jwt_generator(folder.path());
        command.env_remove("ADMIN_ADDRESS");
        Program::spawn(command.env("HOST", "127.0.0.1").env("PORT", "0").env("SKIP_DATABASE", "true"))
            .unwrap()
    };
    let programs = [start(), start()];
    let warned = |program: &&Program| program.log().contains("cannot listen for metrics and health");
    assert!(programs.iter().any(|program| warned(&program)), "two programs cannot have one port");
    for program in programs {
        program.client().get("/livez").ok();
    }
}

#[test]
fn the_public_port_has_the_probes_and_nothing_else_of_the_admin_listener() {
    let service = Service::start();
    for path in ["/metrics", "/debug/log", "/debug"] {
        service.anonymous().get(path).is_refused_with(404);
        service.anonymous().send(Method::PUT, path, &[], "debug").is_refused_with(404);
    }
    for path in ["/livez", "/readyz", "/startupz", "/readyz?verbose"] {
        let (public, admin) = (service.anonymous().get(path), service.admin().get(path));
        assert_eq!((public.status, public.json()), (admin.status, admin.json()), "{path}");
    }
    service.admin().get("/health").is_refused_with(404);
    let refused = service.admin().post("/metrics", &json!({}));
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET,HEAD")));
}

#[test]
fn other_hosts_and_pages_in_a_browser_get_nothing_of_the_admin_listener() {
    let service = Service::start();
    for header in
        [("host", "rebound.example.com"), ("origin", "http://localhost"), ("sec-fetch-site", "cross-site")]
    {
        for (method, path) in
            [(Method::GET, "/metrics"), (Method::PUT, "/debug/log"), (Method::OPTIONS, "/debug/log")]
        {
            let answer = service.admin().send(method, path, &[header], "trace");
            assert_eq!(
                (answer.status, &answer.json()["code"]),
                (403, &json!("forbidden")),
                "{header:?} {path}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    assert_eq!(service.admin().get("/debug/log").ok(), json!({ "filter": "info" }));
}

#[test]
fn requests_that_no_client_of_the_admin_listener_sends_get_nothing() {
    let service = Service::start();
    for request in [
        "GET /metrics HTTP/1.1\r\nHost: [127.0.0.1]evil\r\n\r\n",
        "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n\r\n",
    ] {
        let mut connection = connect_to_admin(&service);
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{request}{answer}");
    }
}

fn connect_to_admin(service: &Service) -> TcpStream {
    TcpStream::connect(service.admin().base().strip_prefix("http://").unwrap()).unwrap()
}

#[test]
fn connections_that_ask_for_nothing_keep_no_scraper_out_of_the_admin_listener() {
    let service = Service::start();
    let silent: Vec<_> = (0..32).map(|_| connect_to_admin(&service)).collect();
    service.admin().get("/livez").ok();
    let mut byte = [0];
    assert_eq!((&silent[0]).read(&mut byte).unwrap(), 0, "the first one has given way");
}

#[test]
fn the_filter_of_the_log_changes_while_the_program_runs() {
    let folder = folder_with_keys();
    let (program, admin) = with_admin(folder.path(), &[("SKIP_DATABASE", "true")]);
    let put = |filter: &str| admin.send(Method::PUT, "/debug/log", &[], filter);
    let logs_requests = |marker: &str| {
        let headers = [("x-request-id", marker), ("content-type", "application/json")];
        program.client().send(Method::POST, "/api/token/generate", &headers, "{}").ok();
        program.log().contains(marker)
    };
    assert!(!logs_requests("before-0001"));
    assert_eq!(put("info,jwt_generator=debug\n").ok(), json!({ "filter": "info,jwt_generator=debug" }));
    eventually("requests are logged", || logs_requests("debug-0001").then_some(()));
    put("loud").is_refused_with(400);
    put("hm=").is_refused_with(400);
    assert_eq!(admin.get("/debug/log").ok(), json!({ "filter": "info,jwt_generator=debug" }));
    put("warn").ok();
    assert!(!logs_requests("after-00001"));
}

#[test]
fn a_change_of_the_filter_of_the_log_is_an_event() {
    let folder = folder_with_keys();
    let (program, admin) = with_admin(folder.path(), &[]);
    let put = |filter: &str| admin.send(Method::PUT, "/debug/log", &[], filter).status;
    assert_eq!([put("warn"), put("loud"), put("off")], [200, 400, 200]);
    // A stop stores what waits.
    program.stop();
    let listed =
        run(jwt_generator(folder.path()).args(["audit", "list", "--kind", "log.filter_changed", "--json"]));
    let records: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<_> =
        records.iter().map(|record| [&record["kind"], &record["actor"], &record["data"]]).collect();
    let [kind, actor] = [json!("log.filter_changed"), json!("operator")];
    let data = ["warn", "off"].map(|filter| json!({ "address": "127.0.0.1", "filter": filter }));
    assert_eq!(said, [[&kind, &actor, &data[0]], [&kind, &actor, &data[1]]]);
}

fn contains(export: &[u8], text: &str) -> bool {
    export.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_request_is_in_progress_until_it_is_answered_or_its_client_is_gone() {
    let service = Service::start();
    let active = |expected: f64| {
        eventually("so many requests are in progress", || {
            (scraped(service.admin())["http_server_active_requests"] == expected).then_some(())
        });
    };
    active(0.0);
    let mut connections: Vec<_> = (0..3).map(|_| TcpStream::connect(service.address()).unwrap()).collect();
    let body = r#"{"token":"x"}"#;
    for connection in &mut connections {
        let length = body.len();
        write!(connection, "POST /api/token/validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n").unwrap();
    }
    active(3.0);
    drop(connections.pop());
    active(2.0);
    connections[0].write_all(body.as_bytes()).unwrap();
    active(1.0);
}

/// The usual interval is a minute, so nothing is exported before the stop.
#[test]
fn the_last_metrics_go_to_the_collector_at_the_stop() {
    let (collector, folder) = (Collector::start(), folder_with_keys());
    let url = collector.url();
    let settings = [("SKIP_DATABASE", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    let program = Program::start(folder.path(), &settings);
    program.client().get("/api/jwks").ok();
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    let exports = collector.exports();
    let last: Vec<_> = exports.iter().filter(|export| export.path == "/v1/metrics").collect();
    assert_eq!(last.len(), 1);
    assert!(contains(&last[0].body, "get_jwks"), "the last requests are counted");
}

#[test]
fn a_collector_that_does_not_answer_holds_up_no_stop() {
    let (collector, folder) = (Collector::start(), folder_with_keys());
    collector.fail(CollectorFault::Hangs);
    let url = format!("{}/v1/metrics", collector.url());
    let settings = [
        ("SKIP_DATABASE", "true"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ];
    let program = Program::start(folder.path(), &settings);
    eventually("an export hangs", || (collector.refused() > 0).then_some(()));
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains("did not end in time"), "the stop waits for no export: {log}");
}

#[test]
fn metrics_go_to_a_collector_as_well() {
    let collector = Collector::start();
    collector.fail(CollectorFault::Overloaded);
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=of-the-test".to_owned()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000".to_owned()),
        ("OTEL_TRACES_SAMPLER", "always_off".to_owned()),
    ];
    let service = Service::with(&settings.each_ref().map(|(name, value)| (*name, value.as_str())));
    service.anonymous().post("/api/token/generate", &json!({})).ok();
    eventually("an export is refused", || (collector.refused() > 0).then_some(()));
    service.anonymous().get("/api/jwks").ok();
    collector.fail(CollectorFault::None);
    let export = eventually("an export has both requests", || {
        let mut exports = collector.exports().into_iter();
        exports.find(|export| contains(&export.body, "generate_token") && contains(&export.body, "get_jwks"))
    });
    assert_eq!(export.path, "/v1/metrics");
    assert_eq!(export.headers["content-type"], "application/x-protobuf");
    assert_eq!(export.headers["api-key"], "of-the-test");
    for text in ["http_server_request_duration_seconds", "jwt_tokens_issued_total", "service.name"] {
        assert!(contains(&export.body, text), "{text}");
    }
    let ready = service.anonymous().get("/readyz").ok();
    assert_eq!(ready, json!({ "status": "ready" }), "a collector that is away is no fault of the service");
}
