//! Who may connect, and what all connections together may hold: the attacks that once worked.

use std::io::Read;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::socket::{connect, connect_from, is_readable, send, until_closed};
use crate::support::{Program, Service, eventually, folder_with_keys};

/// The most that a body may hold.
const BODY_LIMIT: usize = 100 * 1024;

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

fn post(more: &str) -> String {
    format!(
        "POST /api/token/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}\r\n\r\n"
    )
}

fn started(settings: &[(&str, &str)]) -> (tempfile::TempDir, Program) {
    let folder = folder_with_keys();
    let program = Program::start(folder.path(), &[&[("SKIP_DATABASE", "true")], settings].concat());
    (folder, program)
}

/// Asserts that these bytes of an answer are the refusal of a server that has too much to hold.
#[track_caller]
fn is_busy(answer: &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.starts_with("HTTP/1.1 503 ") && head.contains("\r\nretry-after: 1\r\n"), "{head}");
    let expected =
        json!({ "success": false, "error": "The server is busy; try again shortly", "code": "busy" });
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
}

/// Asserts that a request is answered with 200, and leaves the connection open.
#[track_caller]
fn is_answered(stream: &mut TcpStream) {
    send(stream, HEALTH);
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
}

/// The next answer on a connection, head and body.
fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut wanted = usize::MAX;
    while bytes.len() < wanted {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        bytes.extend(byte);
        if wanted == usize::MAX && bytes.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8(bytes.clone()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            wanted = bytes.len() + length.map_or(0, |length| length.parse().unwrap());
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Seen: each chunk of an unfinished body was kept with what had been read beside it, 5.5 bytes of memory for one on the
/// wire. Now a body is copied into one buffer, and all of them together have a limit.
#[test]
fn h12_bodies_in_chunks_of_one_byte_hold_no_more_memory_than_the_limit_for_all() {
    const CONNECTIONS: usize = 100;
    let (_folder, program) = started(&[("MAX_BODY_MEMORY", "1MiB")]);
    program.client().demo_token(&json!({}));
    let memory = program.memory_kib();
    let body = "1\r\nx\r\n".repeat(BODY_LIMIT);
    let mut streams: Vec<_> = (0..CONNECTIONS).map(|_| connect(program.address())).collect();
    std::thread::scope(|scope| {
        for stream in &mut streams {
            scope.spawn(|| {
                send(stream, post("Transfer-Encoding: chunked"));
                send(stream, &body);
            });
        }
    });
    let most = 1024 * 1024 / BODY_LIMIT;
    let refused = eventually("those that do not fit are refused", || {
        let refused = streams.iter().filter(|stream| is_readable(stream)).count();
        (refused >= CONNECTIONS - most).then_some(refused)
    });
    let grown = program.memory_kib().saturating_sub(memory);
    println!("{refused} refused, {grown} KiB more");
    let whole_bodies = CONNECTIONS * BODY_LIMIT / 1024;
    assert!(grown < whole_bodies as u64, "{grown} KiB more");
    let answers = streams.iter_mut().filter(|stream| is_readable(stream)).map(until_closed);
    // Where the rest of a body took too long to throw away, the connection was reset; one that fitted is never whole.
    let answers = answers.filter(|answer| !answer.is_empty() && !answer.starts_with("HTTP/1.1 408 "));
    let answers: Vec<_> = answers.collect();
    assert!(!answers.is_empty());
    answers.iter().for_each(|answer| is_busy(answer));
    drop(streams);
    eventually("there is room again", || {
        (program.client().post("/api/token/generate", &json!({})).status == 200).then_some(())
    });
}

/// What a body holds is given back when its request has ended, however it ends.
#[test]
fn the_memory_of_bodies_that_were_answered_or_given_up_is_there_for_others() {
    let service = Service::with(&[("MAX_BODY_MEMORY", "1MiB")]);
    let client = service.anonymous();
    let address = service.address();
    let large = json!({ "unknown": "x".repeat(BODY_LIMIT - 100) });
    for _ in 0..50 {
        client.post("/api/token/generate", &large).ok();
    }
    for _ in 0..5 {
        let mut given_up: Vec<_> = (0..20).map(|_| connect(address)).collect();
        for stream in &mut given_up {
            send(stream, post(&format!("Content-Length: {BODY_LIMIT}")));
            send(stream, "x".repeat(BODY_LIMIT - 1));
        }
        let refused = eventually("some do not fit", || given_up.iter().position(is_readable));
        is_busy(&until_closed(&mut given_up[refused]));
        drop(given_up);
        eventually("the others have given their memory back", || {
            (client.post("/api/token/generate", &large).status == 200).then_some(())
        });
    }
}

/// Seen: 64 sockets that never sent a byte closed a server with 64 places to all others for 75 seconds.
#[test]
fn h12_sockets_that_never_send_a_byte_keep_nobody_out() {
    let (_folder, program) = started(&[("MAX_CONNECTIONS", "8")]);
    let mut silent: Vec<_> = (0..64).map(|_| connect(program.address())).collect();
    let mut one = connect(program.address());
    is_answered(&mut one);
    let mut another = connect(program.address());
    is_answered(&mut another);
    is_answered(&mut one);
    assert_eq!(until_closed(&mut silent[0]), "", "it is closed without an answer");
}

#[test]
fn a_request_under_way_keeps_its_connection_when_all_places_are_taken() {
    let (_folder, program) = started(&[("MAX_CONNECTIONS", "2")]);
    let mut waiting: Vec<_> = (0..2).map(|_| connect(program.address())).collect();
    for stream in &mut waiting {
        send(stream, post("Content-Length: 2\r\nExpect: 100-continue"));
        assert_eq!(answer(stream), "HTTP/1.1 100 Continue\r\n\r\n", "the request is under way");
    }
    assert_eq!(until_closed(&mut connect(program.address())), "", "there is no place for another");
    for stream in &mut waiting {
        send(stream, "{}");
        assert!(answer(stream).starts_with("HTTP/1.1 200 "));
    }
}

/// One address cannot take all places. A proxy can: its connections are those of many.
#[test]
fn h12_one_address_has_only_so_many_connections_unless_it_is_a_trusted_proxy() {
    let proxies = ("TRUSTED_PROXIES", "127.0.0.2, 10.0.0.0/8");
    let (_folder, program) = started(&[("MAX_CONNECTIONS_PER_ADDRESS", "2"), proxies]);
    let from = |source| {
        let mut stream = connect_from(source, program.address());
        is_answered(&mut stream);
        stream
    };
    let mut first = from("127.0.0.1");
    let mut others = vec![from("127.0.0.1"), from("127.0.0.3")];
    others.extend((0..8).map(|_| from("127.0.0.2")));
    others.push(from("127.0.0.1"));
    eventually("the third one takes the place of the first", || is_readable(&first).then_some(()));
    assert_eq!(until_closed(&mut first), "", "it is closed without an answer");
    others.iter_mut().for_each(is_answered);
}

#[test]
fn peers_on_this_machine_have_any_number_of_connections_until_the_proxies_are_named() {
    let (_folder, program) = started(&[("MAX_CONNECTIONS_PER_ADDRESS", "2")]);
    let mut streams: Vec<_> = (0..8).map(|_| connect(program.address())).collect();
    streams.iter_mut().for_each(is_answered);
}
