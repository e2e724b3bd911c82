//! A receiver of webhooks on this machine.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A message as it came over the network.
#[derive(Clone, Debug)]
pub struct Request {
    pub headers: Value,
    pub body: String,
}

impl Request {
    /// What a verifier needs.
    pub fn line(&self, secret: &str) -> String {
        json!({ "secret": secret, "headers": self.headers, "body": self.body }).to_string()
    }
}

/// Answers each request with the same text, and keeps what it got.
pub struct Receiver {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    pub fn answering(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(move |_, mut stream| {
            let _ = stream.write_all(answer.as_bytes());
        })
    }

    /// `then` gets each connection of which a request was read, and the connections that stay open.
    fn start(then: impl Fn(&mut Vec<TcpStream>, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, requests) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<_>>>::default());
        let kept = Arc::clone(&requests);
        thread::spawn(move || {
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if let Some(request) = read(&mut stream) {
                    kept.lock().unwrap().push(request);
                    then(&mut open, stream);
                }
            }
        });
        Self { port, requests }
    }

    /// Takes each request and never answers it.
    pub fn silent() -> Self {
        Self::start(Vec::push)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The messages of one type.
    pub fn of_type(&self, kind: &str) -> Vec<Request> {
        let begin = format!(r#"{{"type":"{kind}","#);
        self.requests().into_iter().filter(|request| request.body.starts_with(&begin)).collect()
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("POST /hooks HTTP/1.1\r\n"), "{head}");
    let headers: serde_json::Map<String, Value> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.into()))
        .collect();
    let length = headers["content-length"].as_str().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { headers: headers.into(), body: String::from_utf8(body).unwrap() })
}
