//! An issuer: documents at paths, counted when they are asked for.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::http;

/// The response at a path.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this.
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    /// Never, while the connection stays open.
    Silence,
    /// By closing the connection.
    Cut,
}

impl Reply {
    pub fn json(body: impl Into<String>) -> Self {
        Self::Answer { status: 200, headers: Vec::new(), body: body.into() }
    }

    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

#[derive(Default)]
struct State {
    replies: BTreeMap<String, Reply>,
    asked: Vec<String>,
    silent: Vec<TcpStream>,
}

/// A server on this machine. What is not set is not found.
pub struct Issuer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    /// An issuer that describes itself, and has this key set.
    pub fn start(keys: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = Self { address: listener.local_addr().unwrap(), state: Arc::default() };
        let state = Arc::clone(&issuer.state);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(connection, &state));
            }
        });
        issuer.set("/jwks", Reply::json(keys));
        let description = json!({ "issuer": issuer.name(), "jwks_uri": issuer.at("/jwks") });
        issuer.set("/.well-known/openid-configuration", Reply::json(description.to_string()));
        issuer
    }

    /// Its `iss`, which is its address, too.
    pub fn name(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.name())
    }

    /// From now on, this is the response at `path`.
    pub fn set(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// From now on, the key set is this.
    pub fn publish(&self, keys: impl Into<String>) {
        self.set("/jwks", Reply::json(keys));
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.iter().filter(|asked| *asked == path).count()
    }

    /// The settings of an authorizer for this issuer's tokens.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("AUTHORIZER_ISSUERS", self.name()), ("AUTHORIZER_AUDIENCES", "api".to_owned())]
    }
}

fn serve(connection: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut connection = connection;
    while let Some(request) = http::next(&mut reader) {
        let reply = {
            let mut state = state.lock().unwrap();
            state.asked.push(request.path.clone());
            state.replies.get(&request.path).cloned().unwrap_or_else(|| Reply::status(404))
        };
        match reply {
            Reply::Answer { status, headers, body } => http::answer(&mut connection, status, &headers, &body),
            Reply::Silence => return state.lock().unwrap().silent.push(connection),
            Reply::Cut => return,
        }
    }
}
