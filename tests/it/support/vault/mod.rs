//! A double of HashiCorp Vault and OpenBao: the part of their HTTP API that the service uses. It follows the public
//! documentation of the transit engine and of the log-ins `token`, `kubernetes` and `approle`. If the documentation does not
//! say something (statuses, the form of signatures, the answer of older servers to a rotation), it follows the published
//! source of the engine. The signatures are real. A test can also make it behave as a broken server.

mod engine;
mod http;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use serde_json::{Value, json};

use super::unique;
use engine::Named;

/// The fault of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultFault {
    None,
    /// It is sealed: 503.
    Sealed,
    /// It is a standby node: 473.
    StandsBy,
    /// It limits the rate: 429.
    Overloaded,
    /// Requests come in and are not answered.
    Hangs,
    /// Connections end without an answer.
    HangsUp,
    /// No policy allows anything but a log-in.
    Denies,
    /// The signature is of another version, and says so.
    OtherVersion,
    /// The signature is another key's, and says that it is the right one's.
    OtherKey,
    /// It answers with something that is not its API.
    Babbles,
}

/// A request, and its result.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    /// Below `/v1/`.
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Value,
    pub status: u16,
}

struct Token {
    ends_at: Option<Instant>,
    lease: u64,
    renewable: bool,
}

struct State {
    fault: VaultFault,
    /// Creating and rotating have empty responses, as on servers of some years ago.
    old: bool,
    /// The lease of tokens from log-ins: seconds, and whether it can be renewed.
    leases: (u64, bool),
    jwt: String,
    tokens: HashMap<String, Token>,
    keys: HashMap<String, Named>,
    seen: Vec<Seen>,
}

/// A running double; it ends with the process.
pub struct Vault {
    scheme: &'static str,
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Vault {
    pub const ROLE: &str = "jwt-generator";
    pub const ROLE_ID: &str = "0b7c5d3e-role";
    pub const SECRET_ID: &str = "f1e2d3c4-secret-id";

    pub fn start() -> Self {
        Self::over("http", None)
    }

    /// Over TLS, with a certificate that no system trusts.
    pub fn start_with_tls() -> Self {
        Self::over("https", Some(http::tls()))
    }

    fn over(scheme: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let state = State {
            fault: VaultFault::None,
            old: false,
            leases: (3_600, true),
            jwt: String::new(),
            tokens: HashMap::new(),
            keys: HashMap::new(),
            seen: Vec::new(),
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let address = http::listen(Arc::clone(&state), tls);
        Self { scheme, address, state }
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// A new token that lasts so many seconds (0: for ever).
    pub fn token(&self, lease: u64, renewable: bool) -> String {
        self.locked().new_token(lease, renewable)
    }

    /// The lease of tokens from log-ins from now on.
    pub fn give_leases(&self, secs: u64, renewable: bool) {
        self.locked().leases = (secs, renewable);
    }

    /// The token of the service account that may log in from now on.
    pub fn trust_account(&self, jwt: &str) {
        self.locked().jwt = jwt.to_owned();
    }

    /// Answers as older servers do.
    pub fn be_old(&self) {
        self.locked().old = true;
    }

    pub fn fail(&self, fault: VaultFault) {
        self.locked().fault = fault;
        self.state.1.notify_all();
    }

    /// No token is valid any more.
    pub fn revoke_tokens(&self) {
        self.locked().tokens.clear();
    }

    /// Makes a key as an operator would.
    pub fn make_key(&self, name: &str, kind: &str) {
        self.locked().keys.insert(name.to_owned(), Named::new(kind).unwrap());
    }

    /// How many versions a key has.
    pub fn versions(&self, name: &str) -> usize {
        self.locked().keys.get(name).map_or(0, |named| named.versions.len())
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.locked().seen.clone()
    }

    /// How many requests for this path were successful.
    pub fn count(&self, path: &str) -> usize {
        self.locked().seen.iter().filter(|seen| seen.path == path && seen.status < 300).count()
    }

    /// Every token that it knows.
    pub fn secrets(&self) -> Vec<String> {
        self.locked().tokens.keys().cloned().collect()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }
}

type Reply = (u16, Value);

fn error(status: u16, text: &str) -> Reply {
    (status, json!({ "errors": [text] }))
}

fn authenticated(token: &str, lease: u64, renewable: bool) -> Reply {
    let auth = json!({
        "client_token": token, "accessor": "an-accessor", "policies": ["default", "jwt-generator"],
        "lease_duration": lease, "renewable": renewable, "token_type": "service",
    });
    (200, json!({ "request_id": "an-id", "lease_id": "", "data": null, "warnings": null, "auth": auth }))
}

impl State {
    fn new_token(&mut self, lease: u64, renewable: bool) -> String {
        let text = unique("hvs.CAES-token-");
        let ends_at = (lease > 0).then(|| Instant::now() + Duration::from_secs(lease));
        self.tokens.insert(text.clone(), Token { ends_at, lease, renewable });
        text
    }

    fn answer(&mut self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Reply {
        match self.fault {
            VaultFault::Sealed => return error(503, "Vault is sealed"),
            VaultFault::StandsBy => return (473, json!({ "errors": [] })),
            VaultFault::Overloaded => return error(429, "request path: rate limit quota exceeded"),
            VaultFault::Babbles => return (200, json!("welcome to this network")),
            _ => {}
        }
        let parts: Vec<_> = path.split('/').collect();
        if let ("POST", ["auth", mount, "login"]) = (method, parts.as_slice()) {
            return self.log_in(mount, body);
        }
        let known = token.and_then(|token| self.tokens.get(token));
        let is_over = |token: &Token| token.ends_at.is_some_and(|at| at <= Instant::now());
        if known.is_none_or(is_over) {
            return error(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n");
        }
        let token = token.unwrap_or_default();
        if self.fault == VaultFault::Denies {
            return error(403, "1 error occurred:\n\t* permission denied\n\n");
        }
        match (method, parts.as_slice()) {
            ("GET", ["auth", "token", "lookup-self"]) => self.look_up(token),
            ("POST", ["auth", "token", "renew-self"]) => self.renew(token),
            ("GET", ["transit", "keys", name]) => match self.keys.get(*name) {
                Some(named) => (200, json!({ "data": named.described(name) })),
                None => (404, json!({ "errors": [] })),
            },
            ("POST", ["transit", "keys", name]) => self.create(name, body),
            ("POST", ["transit", "keys", name, "rotate"]) => self.rotate(name),
            ("POST", ["transit", "sign", name]) => self.sign(name, body),
            _ => error(404, &format!("no handler for route \"{path}\". route entry not found.")),
        }
    }

    fn log_in(&mut self, mount: &str, body: &Value) -> Reply {
        let (lease, renewable) = self.leases;
        match mount {
            "kubernetes" | "cluster-2" if body["role"] != Vault::ROLE => error(400, "invalid role name"),
            "kubernetes" | "cluster-2" if body["jwt"] != *self.jwt => error(403, "permission denied"),
            "approle" if body["role_id"] != Vault::ROLE_ID || body["secret_id"] != Vault::SECRET_ID => {
                error(400, "invalid role or secret ID")
            }
            "kubernetes" | "cluster-2" | "approle" => {
                let token = self.new_token(lease, renewable);
                authenticated(&token, lease, renewable)
            }
            _ => error(403, "permission denied"),
        }
    }

    fn look_up(&self, text: &str) -> Reply {
        let token = &self.tokens[text];
        let left = token.ends_at.map_or(0, |at| at.saturating_duration_since(Instant::now()).as_secs());
        (
            200,
            json!({ "data": { "id": text, "ttl": left, "creation_ttl": token.lease, "renewable": token.renewable } }),
        )
    }

    fn renew(&mut self, text: &str) -> Reply {
        let token = self.tokens.get_mut(text).unwrap();
        if !token.renewable {
            return error(400, "lease is not renewable");
        }
        token.ends_at = Some(Instant::now() + Duration::from_secs(token.lease));
        authenticated(text, token.lease, true)
    }

    fn create(&mut self, name: &str, body: &Value) -> Reply {
        if !self.keys.contains_key(name) {
            match Named::new(body["type"].as_str().unwrap_or("aes256-gcm96")) {
                Some(named) => self.keys.insert(name.to_owned(), named),
                None => return error(400, "unknown key type"),
            };
        }
        self.changed(name)
    }

    fn rotate(&mut self, name: &str) -> Reply {
        match self.keys.get_mut(name) {
            Some(named) => named.rotate(),
            None => return error(400, "key not found"),
        }
        self.changed(name)
    }

    fn changed(&self, name: &str) -> Reply {
        if self.old { (204, Value::Null) } else { (200, json!({ "data": self.keys[name].described(name) })) }
    }

    fn sign(&self, name: &str, body: &Value) -> Reply {
        let Some(named) = self.keys.get(name) else { return error(400, "signing key not found") };
        let version = match body["key_version"].as_u64() {
            None | Some(0) => named.versions.len(),
            Some(version) => version as usize,
        };
        let signed = match self.fault {
            VaultFault::OtherKey => Named::new(&named.kind).unwrap().sign(1, body),
            _ => named.sign(version, body),
        };
        match signed {
            Ok(signature) => {
                let said = if self.fault == VaultFault::OtherVersion { version + 1 } else { version };
                (
                    200,
                    json!({ "data": { "signature": format!("vault:v{said}:{signature}"), "key_version": said } }),
                )
            }
            Err(text) => error(400, text),
        }
    }
}
