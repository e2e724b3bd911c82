//! Calls to addresses that others choose: with name servers and servers that attack the caller.

#![cfg(test)]

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use outbound::http::Request;
use outbound::{
    Bounds, CallError, Client, ClientSettings, Destinations, NameLookup, Proxy, RefusedAddress, Roots,
};

/// No test waits this long.
const LONG: Bounds = Bounds { within: Duration::from_secs(60), answer: 1024 };

/// Answers each look-up with the next list of addresses, and in the end always with the last one.
#[derive(Debug)]
struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let answers =
            answers.iter().map(|one| one.iter().map(|address| address.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl NameLookup for Names {
    fn look_up(&self, host_and_port: &str) -> io::Result<Vec<SocketAddr>> {
        let (_, port) = host_and_port.rsplit_once(':').unwrap();
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Ok(self.answers[turn]
            .iter()
            .map(|address| SocketAddr::new(*address, port.parse().unwrap()))
            .collect())
    }
}

/// A client that may connect to 127.0.0.1 besides public addresses.
fn client(names: &Arc<Names>) -> Client {
    let settings = ClientSettings {
        user_agent: "outbound-test/1",
        roots: Roots::of_system(),
        proxy: Proxy::Never,
        idle_connections: 0,
    };
    let lookup = Arc::clone(names) as Arc<dyn NameLookup>;
    Client::guarded(settings, Destinations::public_and(vec!["127.0.0.1/32".parse().unwrap()]), Some(lookup))
}

fn read_head(stream: &mut TcpStream) {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        read.extend(byte);
    }
}

/// A server on 127.0.0.1 that reads the head of each request and then does as `answer` says. Gives its port.
fn server(answer: impl Fn(&mut TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read_head(&mut stream);
            answer(&mut stream);
        }
    });
    port
}

fn refused(result: Result<outbound::Answer, CallError>) -> IpAddr {
    match result {
        Err(CallError::Refused(RefusedAddress(address))) => address,
        Err(other) => panic!("{other}"),
        Ok(answer) => panic!("status {}", answer.status),
    }
}

#[test]
fn a_name_at_an_address_that_is_not_public_is_refused() {
    for address in
        ["127.0.0.2", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1", "64:ff9b::a00:1"]
    {
        let names = Names::answering(&[&[address]]);
        let asked = refused(client(&names).get("http://hook.example/", LONG));
        assert_eq!(asked, address.parse::<IpAddr>().unwrap());
    }
}

#[test]
fn an_address_in_place_of_a_name_is_refused_without_a_look_up() {
    let names = Names::answering(&[&["127.0.0.1"]]);
    for host in ["127.0.0.2", "169.254.169.254", "[::1]", "[::ffff:169.254.169.254]"] {
        refused(client(&names).get(&format!("http://{host}/"), LONG));
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0);
}

#[test]
fn of_several_addresses_only_those_that_are_permitted_are_used() {
    let port = server(|stream| stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nhi").unwrap());
    let names = Names::answering(&[&["10.0.0.1", "169.254.169.254", "127.0.0.1"]]);
    assert_eq!(client(&names).get(&format!("http://hook.example:{port}/"), LONG).unwrap().status, 200);
}

/// The name server gives a permitted address to the check, and would give another one to a second look-up.
#[test]
fn a_name_that_moves_after_the_check_changes_nothing() {
    let port = server(|stream| stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nhi").unwrap());
    let inside = TcpListener::bind(("127.0.0.2", port)).unwrap();
    inside.set_nonblocking(true).unwrap();
    let names = Names::answering(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let (client, url) = (client(&names), format!("http://hook.example:{port}/"));
    assert_eq!(client.get(&url, LONG).unwrap().body.as_slice(), b"hi");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "a call looks its name up once");
    refused(client.get(&url, LONG));
    assert!(inside.accept().is_err(), "no connection reached the other address");
}

#[test]
fn a_redirect_to_the_metadata_of_the_cloud_is_not_followed() {
    let port = server(|stream| {
        let head = "HTTP/1.1 307 x\r\nlocation: http://169.254.169.254/latest/meta-data/\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
    });
    let names = Names::answering(&[&["127.0.0.1"]]);
    let answer = client(&names).get(&format!("http://hook.example:{port}/"), LONG).unwrap();
    assert_eq!((answer.status, answer.is_redirect()), (307, true));
}

#[test]
fn an_endless_body_is_cut_and_an_endless_head_is_an_error() {
    let (told, ended) = mpsc::channel();
    let forever = move |head: &'static str, piece: &'static str| {
        let told = told.clone();
        server(move |stream| {
            let _ = stream.write_all(head.as_bytes());
            while stream.write_all(piece.as_bytes()).is_ok() {}
            told.send(()).unwrap();
        })
    };
    let names = Names::answering(&[&["127.0.0.1"]]);
    let send = |port: u16| {
        let request = Request::post(format!("http://hook.example:{port}/")).body(&b"{}"[..]).unwrap();
        client(&names).send_and_cut(request, LONG)
    };
    let chunk = "400\r\n0123456789abcdef\r\n";
    for (head, piece) in [
        ("HTTP/1.1 200 x\r\n\r\n", "0123456789abcdef"),
        ("HTTP/1.1 200 x\r\ncontent-length: 99999999999\r\n\r\n", "0123456789abcdef"),
    ] {
        let (answer, is_whole) = send(forever(head, piece)).unwrap();
        assert_eq!((answer.body.len(), is_whole), (1024, false), "{head}");
        ended.recv().unwrap();
    }
    for (head, piece) in [
        ("HTTP/1.1 200 x\r\n", "a: 0123456789abcdef\r\n"),
        ("HTTP/1.1 200 x\r\na: ", "0123456789abcdef"),
        ("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n", chunk),
    ] {
        if let Ok((answer, is_whole)) = send(forever(head, piece)) {
            assert_eq!((answer.body.len(), is_whole), (1024, false), "{head}");
        }
        ended.recv().unwrap();
    }
}

/// Each byte comes in time, but not all of them.
#[test]
fn a_body_that_comes_byte_by_byte_ends_with_the_time_of_the_call() {
    let port = server(|stream| {
        stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\n").unwrap();
        // The read waits between two bytes, and ends when the client hangs up.
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        while stream.write_all(b"x").is_ok() && !stream.read(&mut [0]).is_ok_and(|read| read == 0) {}
    });
    let names = Names::answering(&[&["127.0.0.1"]]);
    let bounds = Bounds { within: Duration::from_millis(300), ..LONG };
    let began = Instant::now();
    let error = client(&names).get(&format!("http://hook.example:{port}/"), bounds).err().unwrap();
    assert!(error.to_string().contains("timeout"), "{error}");
    assert!(began.elapsed() < LONG.within, "{:?}", began.elapsed());
}
