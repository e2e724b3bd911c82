//! H1 to H7 and L1 to L6: many clients, slow clients, clients that break the protocol; starting and stopping.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit, setrlimit};
use serde_json::json;

use crate::support::socket::{connect, send, until_closed};
use crate::support::{Program, eventually, folder_with_keys, jwt_generator, refused};

const DEMO: (&str, &str) = ("SKIP_DATABASE", "true");

fn started() -> (tempfile::TempDir, Program) {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[DEMO]);
    (folder, program)
}

/// The answer to one request, on its own connection.
fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut stream = connect(address);
    send(&mut stream, request);
    until_closed(&mut stream)
}

#[track_caller]
fn is_healthy(program: &Program) {
    let client = program.client();
    client.get("/health").ok();
    let token = client.demo_token(&json!({}));
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
}

#[test]
fn h1_ten_thousand_idle_connections_leave_the_service_well() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let (_folder, program) = started();
    is_healthy(&program);
    let (files, memory) = (program.open_files(), program.memory_kib());
    let idle: Vec<_> = (0..10_000).map(|_| connect(program.address())).collect();
    eventually("all of them are accepted", || (program.open_files() >= files + 9_990).then_some(()));
    is_healthy(&program);
    let grown = program.memory_kib() - memory;
    println!("{} bytes a connection", grown * 1024 / 10_000);
    assert!(program.memory_kib() < 150 * 1024, "{grown} KiB more");
    drop(idle);
    eventually("all of them are gone", || (program.open_files() <= files + 5).then_some(()));
    is_healthy(&program);
}

#[test]
fn h2_heads_that_do_not_end_are_cut_off() {
    let (_folder, program) = started();
    let mut slow: Vec<_> = (0..200).map(|_| connect(program.address())).collect();
    slow.iter_mut().for_each(|stream| send(stream, "GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: "));
    is_healthy(&program);
    for stream in &mut slow {
        assert_eq!(until_closed(stream), "", "nothing was asked, so nothing is answered");
    }
    is_healthy(&program);
}

#[test]
fn h3_bodies_that_do_not_come_are_408() {
    let (_folder, program) = started();
    let head = |path| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
        )
    };
    let mut slow: Vec<_> = (0..200).map(|_| connect(program.address())).collect();
    slow.iter_mut().for_each(|stream| send(stream, head("/api/token/generate")));
    is_healthy(&program);
    for stream in &mut slow {
        let answer = until_closed(stream);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
    }
    is_healthy(&program);
}

#[test]
fn h4_readers_that_do_not_read_are_cut_off() {
    let (_folder, program) = started();
    is_healthy(&program);
    let (files, memory) = (program.open_files(), program.memory_kib());
    let asking = "GET /api/docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(32);
    let mut deaf: Vec<_> = (0..100).map(|_| connect(program.address())).collect();
    deaf.iter_mut().for_each(|stream| send(stream, &asking));
    is_healthy(&program);
    eventually("the deaf are cut off", || (program.open_files() <= files + 5).then_some(()));
    let grown = program.memory_kib().saturating_sub(memory);
    assert!(grown < 50 * 1024, "{grown} KiB more");
}

#[test]
fn h5_a_huge_body_is_refused_early_however_it_comes() {
    let (_folder, program) = started();
    let address = program.address();
    let memory = program.memory_kib();
    let head = |more: &str| {
        format!(
            "POST /api/token/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}\r\n\r\n"
        )
    };
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                let announced = exchange(address, head("Content-Length: 104857600"));
                assert!(announced.starts_with("HTTP/1.1 413 "), "{announced}");
                let expecting = exchange(address, head("Content-Length: 104857600\r\nExpect: 100-continue"));
                assert!(expecting.starts_with("HTTP/1.1 413 "), "{expecting}");
                let mut stream = connect(address);
                send(&mut stream, head("Transfer-Encoding: chunked"));
                let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
                // Two chunks are already too much. The server ignores what follows them.
                (0..3).for_each(|_| send(&mut stream, &chunk));
                let mut status = [0; 13];
                stream.read_exact(&mut status).unwrap();
                assert_eq!(&status, b"HTTP/1.1 413 ");
            });
        }
    });
    let grown = program.memory_kib().saturating_sub(memory);
    assert!(grown < 100 * 1024, "{grown} KiB more");
    is_healthy(&program);
}

#[test]
fn h6_a_server_without_file_descriptors_waits_and_recovers() {
    let (_folder, program) = started();
    is_healthy(&program);
    let files = program.open_files() as u64;
    prlimit(
        Some(program.pid()),
        Resource::Nofile,
        Rlimit { current: Some(files + 8), maximum: Some(files + 1000) },
    )
    .unwrap();
    let clients: Vec<_> = (0..100).map(|_| connect(program.address())).collect();
    eventually("the server notices", || {
        program.log().contains("cannot accept connections for now").then_some(())
    });
    let lines = program.log().matches("cannot accept connections for now").count();
    assert!(lines < 50, "it does not wait: {lines} lines");
    drop(clients);
    is_healthy(&program);
}

#[test]
fn h6_connections_above_the_limit_are_closed_and_the_others_served() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[DEMO, ("MAX_CONNECTIONS", "16")]);
    let mut streams: Vec<_> = (0..64).map(|_| connect(program.address())).collect();
    streams
        .iter_mut()
        .for_each(|stream| send(stream, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    let answered =
        streams.iter_mut().map(until_closed).filter(|answer| answer.starts_with("HTTP/1.1 200 ")).count();
    assert!(answered >= 16, "{answered}");
    eventually("there is room again", || {
        program
            .client()
            .try_send(http::Method::GET, "/health", &[], "")
            .ok()
            .filter(|answer| answer.status == 200)
    });
}

#[test]
fn h7_floods_of_headers_are_431() {
    let (_folder, program) = started();
    let line = format!("X-Long: {}\r\n", "x".repeat(70_000));
    let many: String = (0..1000).map(|n| format!("X-{n}: y\r\n")).collect();
    let thick: String = (0..100).map(|n| format!("X-{n}: {}\r\n", "y".repeat(8000))).collect();
    let path = format!("/{}", "x".repeat(70_000));
    for head in [
        format!("GET /health HTTP/1.1\r\nHost: x\r\n{line}\r\n"),
        format!("GET /health HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("GET /health HTTP/1.1\r\nHost: x\r\n{thick}\r\n"),
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"),
    ] {
        let mut stream = connect(program.address());
        send(&mut stream, &head);
        let answer = until_closed(&mut stream);
        let refused = answer.is_empty()
            || ["400", "414", "431"].iter().any(|status| answer.starts_with(&format!("HTTP/1.1 {status} ")));
        assert!(refused, "{answer}");
    }
    is_healthy(&program);
}

#[test]
fn what_is_no_http_is_refused() {
    let (_folder, program) = started();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: gzip\r\n\r\n",
    ] {
        let answer = exchange(program.address(), bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{bytes:?}: {answer}");
    }
    is_healthy(&program);
}

#[test]
fn a_request_without_a_host_or_with_two_is_400() {
    let (_folder, program) = started();
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let answer =
            exchange(program.address(), format!("GET /health HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("host_required"), "{answer}");
    }
    assert!(exchange(program.address(), "GET /health HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200 "));
}

/// A request whose password hash takes a while. Each name is used once, because too many failures make a name wait.
fn log_in_of(name: &str) -> String {
    let body = json!({ "username": name, "password": "wrong-one" }).to_string();
    let length = body.len();
    format!(
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn l1_what_is_under_way_is_answered_before_the_end() {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[("BCRYPT_ROUNDS", "10")]);
    let address = program.address();
    let mut streams: Vec<_> = (0..20).map(|_| connect(address)).collect();
    for (number, stream) in streams.iter_mut().enumerate() {
        send(stream, log_in_of(&format!("unknown-{number}")));
    }
    program.signal(Signal::TERM);
    eventually("the listener is closed", || TcpStream::connect(address).is_err().then_some(()));
    for stream in &mut streams {
        let answer = until_closed(stream);
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    }
    let (status, log) = program.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("\"stopped\""), "{log}");
}

#[test]
fn l2_idle_and_slow_connections_do_not_hold_up_the_end() {
    let (_folder, program) = started();
    let mut idle = connect(program.address());
    send(&mut idle, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut status = [0; 13];
    idle.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200 ");
    let mut slow = connect(program.address());
    send(&mut slow, "GET /health HTTP/1.1\r\nHost: ");
    is_healthy(&program);
    let (status, log) = program.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn l3_a_second_signal_ends_it_at_once() {
    let (_folder, program) = started();
    let mut slow = connect(program.address());
    send(&mut slow, "GET /health HTTP/1.1\r\nHost: ");
    is_healthy(&program);
    program.signal(Signal::INT);
    eventually("it is stopping", || program.log().contains("stopping").then_some(()));
    program.signal(Signal::INT);
    let (status, _) = program.wait();
    assert_eq!(status.code(), Some(130));
}

#[test]
fn l6_a_port_in_use_and_settings_that_cannot_be_used_stop_the_start() {
    let folder = folder_with_keys();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = refused(jwt_generator(folder.path()).env("HOST", "127.0.0.1").env("PORT", &port), 1);
    assert!(
        told.contains(&format!("cannot listen on 127.0.0.1:{port}")) && told.contains("set PORT or HOST"),
        "{told}"
    );
    for (name, values) in [
        ("PORT", &["abc", "65536", "-1"][..]),
        ("JWT_EXPIRATION", &["", "-1h", "soon", "99999999999h", "0"]),
        ("BCRYPT_ROUNDS", &["0", "3", "16", "32", "abc"]),
        ("KEY_BITS", &["1024", "2047", "8192"]),
        ("JWT_ALGORITHM", &["none", "HS256", "rs256"]),
        ("MONGODB_URI", &["localhost:27017", "http://localhost"]),
        ("CLOCK_SKEW", &["301", "-1"]),
    ] {
        for value in values {
            let told = refused(jwt_generator(folder.path()).env(name, value), 2);
            assert!(told.contains(name) && told.contains("must "), "{name}={value}: {told}");
            assert!(!folder.path().join("data").exists(), "{name}={value}: something was half started");
        }
    }
    std::fs::create_dir(folder.path().join(".env")).unwrap();
    let told = refused(&mut jwt_generator(folder.path()), 2);
    assert!(told.contains("cannot read .env"), "{told}");
}

#[test]
fn c4_a_process_that_was_stopped_goes_on_as_if_nothing_had_been() {
    let (_folder, program) = started();
    let mut asking = connect(program.address());
    is_healthy(&program);
    program.freeze();
    send(&mut asking, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    asking.set_nonblocking(true).unwrap();
    assert_eq!(
        asking.read(&mut [0; 64]).unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "it has stopped"
    );
    asking.set_nonblocking(false).unwrap();
    program.signal(Signal::CONT);
    assert!(until_closed(&mut asking).starts_with("HTTP/1.1 200 "));
    is_healthy(&program);
}
