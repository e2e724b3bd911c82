//! Calls to a server that the tests simulate.

#![cfg(test)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use outbound::http::Request;
use outbound::{Bounds, CallError, Client, ClientSettings, Proxy, Roots};

/// No test waits this long.
const LONG: Bounds = Bounds { within: Duration::from_secs(60), answer: 1024 };

fn client() -> Client {
    Client::new(ClientSettings {
        user_agent: "outbound-test/1",
        roots: Roots::of_system(),
        proxy: Proxy::Never,
        idle_connections: 1,
    })
}

/// A server that reads one request's head, then sends `answer` and keeps silent until the client hangs up. Gives its address,
/// and what it read.
fn server(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/", listener.local_addr().expect("its address"));
    let played = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let head = read_head(&mut stream);
        stream.write_all(answer.as_bytes()).expect("a listener");
        let _ = stream.read_to_end(&mut Vec::new());
        head
    });
    (address, played)
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a request") > 0 {
        read.extend(byte);
    }
    String::from_utf8(read).expect("text").to_lowercase()
}

#[test]
fn any_status_is_an_answer_and_the_program_names_itself() {
    let (address, played) = server("HTTP/1.1 418 x\r\ncontent-length: 2\r\nx-a: 1\r\nx-a: 2\r\n\r\nhi");
    let client = client();
    let answer = client.get(&address, LONG).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (418, &b"hi"[..]));
    assert_eq!(answer.header_values("x-a").collect::<Vec<_>>(), ["1", "2"]);
    drop(client);
    let head = played.join().unwrap();
    assert!(head.starts_with("get / http/1.1\r\n"), "{head}");
    assert!(head.contains("user-agent: outbound-test/1\r\n"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
}

#[test]
fn a_redirect_is_not_followed() {
    let (address, _played) =
        server("HTTP/1.1 302 x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    let answer = client().get(&address, LONG).unwrap();
    assert_eq!((answer.status, answer.is_redirect()), (302, true));
}

#[test]
fn a_body_that_is_too_long_is_refused_or_cut() {
    let text = "HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\n123456789";
    let bounds = Bounds { answer: 8, ..LONG };
    let (address, _played) = server(text);
    assert!(matches!(client().get(&address, bounds), Err(CallError::TooLong(8))));
    let (address, _played) = server(text);
    let request = Request::post(address).body(&b"{}"[..]).unwrap();
    let (answer, is_whole) = client().send_and_cut(request, bounds).unwrap();
    assert_eq!((answer.body.as_slice(), is_whole), (&b"12345678"[..], false));
}

#[test]
fn a_server_that_falls_silent_ends_the_call() {
    let bounds = Bounds { within: Duration::from_millis(100), ..LONG };
    for answer in ["", "HTTP/1.1 200 x\r\ncontent-length: 9\r\n\r\n1234"] {
        let (address, _played) = server(answer);
        let error = client().get(&address, bounds).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("timeout"), "{error}");
    }
}

#[test]
fn what_makes_no_request_is_an_error() {
    assert!(matches!(client().get("http://exa mple/", LONG), Err(CallError::Request(_))));
}
