//! The client of a request: the peer, or the address in one header of a proxy that the operator trusts.

use serde_json::Value;

use crate::support::socket::{connect_from, is_readable, send, until_closed};
use crate::support::{Program, eventually, folder_with_keys};

/// What a client may send in every header that proxies use.
const SPOOFED: &str = "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9, for=\"\r\nX-Real-IP: 203.0.113.9\r\n\
     X-Client-IP: 203.0.113.9\r\nTrue-Client-IP: 203.0.113.9\r\nCF-Connecting-IP: 203.0.113.9\r\n";

/// The lines of a log about requests that were answered or refused.
pub fn answered(log: &str) -> Vec<Value> {
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    entries
        .filter(|entry| entry["message"] == "request answered" || entry["message"] == "request refused")
        .collect()
}

/// The clients in the log, for requests with these headers from this address.
fn clients(settings: &[(&str, &str)], source: &str, heads: &[&str]) -> Vec<String> {
    let folder = folder_with_keys();
    let usual = [("SKIP_DATABASE", "true"), ("ACCESS_LOG", "all")];
    let program = Program::start(folder.path(), &[&usual[..], settings].concat());
    for head in heads {
        let mut stream = connect_from(source, program.address());
        send(
            &mut stream,
            format!("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{SPOOFED}{head}\r\n"),
        );
        assert!(until_closed(&mut stream).starts_with("HTTP/1.1 200 "), "{head}");
    }
    let (_, log) = program.stop();
    answered(&log).iter().map(|entry| entry["client.address"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn without_trusted_proxies_no_header_changes_the_client() {
    assert_eq!(clients(&[], "127.0.0.2", &["", "X-Forwarded-For: 10.0.0.1\r\n"]), ["127.0.0.2"; 2]);
}

#[test]
fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_says() {
    let settings = [("TRUSTED_PROXIES", "127.0.0.3,203.0.113.0/24")];
    assert_eq!(clients(&settings, "127.0.0.2", &["", "X-Forwarded-For: 127.0.0.3\r\n"]), ["127.0.0.2"; 2]);
}

#[test]
fn a_trusted_proxy_names_the_client_in_the_one_header_that_the_operator_chose() {
    let trusted = ("TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8");
    let by = |header: &'static str, heads: &[&str]| {
        clients(&[trusted, ("TRUSTED_PROXY_HEADER", header)], "127.0.0.2", heads)
    };
    let forwarded_for = by(
        "x-forwarded-for",
        &[
            "X-Forwarded-For: 198.51.100.7\r\n",
            "X-Forwarded-For: 198.51.100.7, 10.0.0.2\r\n",
            "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: [::ffff:10.0.0.2]:80\r\n",
            "X-Forwarded-For: unknown\r\n",
        ],
    );
    assert_eq!(forwarded_for, ["198.51.100.7", "198.51.100.7", "198.51.100.7", "127.0.0.2"]);
    let forwarded = by(
        "Forwarded",
        &[
            "Forwarded: for=198.51.100.7;proto=https\r\n",
            "Forwarded: for=\"[2001:db8::1]:4711\", for=10.0.0.2\r\n",
            "Forwarded: for=198.51.100.7, for=_hidden\r\n",
        ],
    );
    assert_eq!(forwarded, ["198.51.100.7", "2001:db8::1", "127.0.0.2"]);
    let real_ip = by("X-Real-IP", &["X-Real-IP: 198.51.100.7\r\n", "X-Real-IP: 10.0.0.2\r\n"]);
    assert_eq!(real_ip, ["198.51.100.7", "10.0.0.2"]);
}

/// The log has the operation and the path of its definition, not the path of the request.
#[test]
fn the_log_names_the_operation_and_nothing_of_the_request() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("SKIP_DATABASE", "true"), ("ACCESS_LOG", "all")]);
    let client = program.client();
    let secret = "Sesame-4711";
    assert_eq!(client.get(&format!("/api/docs/assets/DOCS.css?{secret}")).status, 200);
    assert_eq!(client.get(&format!("/api/docs/assets/{secret}")).status, 404);
    assert_eq!(client.get(&format!("/{secret}")).status, 404);
    assert_eq!(client.get("/api/token/generate").status, 405);
    let (_, log) = program.stop();
    let told: Vec<_> = answered(&log)
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let status = entry["http.response.status_code"].as_u64().unwrap();
            (text("operation"), text("http.request.method"), text("http.route"), status)
        })
        .collect();
    let row = |operation: &str, path: &str, status| {
        (operation.to_owned(), "GET".to_owned(), path.to_owned(), status)
    };
    let asset = "/api/docs/assets/{file}";
    assert_eq!(
        told,
        [
            row("get_docs_asset", asset, 200),
            row("get_docs_asset", asset, 404),
            row("-", "-", 404),
            row("-", "/api/token/generate", 405)
        ]
    );
    assert!(!log.contains(secret), "{log}");
}

/// Clients share the memory for bodies. Clients behind one proxy share it, too.
#[test]
fn one_client_behind_a_trusted_proxy_has_only_a_part_of_the_memory_of_bodies() {
    const BODY: usize = 100 * 1024;
    let folder = folder_with_keys();
    let settings =
        [("SKIP_DATABASE", "true"), ("MAX_BODY_MEMORY", "1MiB"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let program = Program::start(folder.path(), &settings);
    let head = |client: &str, more: &str| {
        format!(
            "POST /api/token/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             X-Forwarded-For: 203.0.113.9, {client}\r\nContent-Length: {BODY}\r\n{more}\r\n"
        )
    };
    let mut hostile: Vec<_> = (0..16).map(|_| connect_from("127.0.0.2", program.address())).collect();
    for stream in &mut hostile {
        send(stream, head("198.51.100.7", ""));
        send(stream, "x".repeat(BODY - 1));
    }
    eventually("those that do not fit are refused", || {
        let refused = hostile.iter().filter(|stream| is_readable(stream)).count();
        (refused >= 14).then_some(())
    });
    let mut honest = connect_from("127.0.0.2", program.address());
    send(&mut honest, head("198.51.100.8", "Connection: close\r\n"));
    send(&mut honest, format!("{{}}{}", " ".repeat(BODY - 2)));
    let answer = until_closed(&mut honest);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
