//! A proxy in front of the service that can alter each answer, as a proxy with a wrong setup does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::support::repository;

/// A request as it was received.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub head: String,
    body: Vec<u8>,
}

/// The answer that the proxy sends.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Sends these bytes instead of the answer.
    pub raw: Option<Vec<u8>>,
}

/// Alters an answer.
pub type Alter = fn(&Asked, &mut Reply);

impl Asked {
    pub fn is_key_set(&self) -> bool {
        self.method == "GET" && self.path.contains("jwks")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        lines(&self.head).find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// How often a header is there.
    pub fn count(&self, name: &str) -> usize {
        lines(&self.head).filter(|(found, _)| found == name).count()
    }
}

fn lines(head: &str) -> impl Iterator<Item = (String, &str)> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name.to_lowercase(), value.trim()))
}

impl Reply {
    /// Removes a header.
    pub fn drop(&mut self, name: &str) {
        self.headers.retain(|(found, _)| found != name);
    }

    /// Adds a header.
    pub fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Gives a header another value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.drop(name);
        self.add(name, value);
    }

    /// Alters the body, if it is JSON.
    pub fn edit(&mut self, alter: impl FnOnce(&mut Value)) {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            alter(&mut body);
            self.body = body.to_string().into_bytes();
        }
    }

    /// Alters the first key of a key set.
    pub fn edit_key(&mut self, alter: impl FnOnce(&mut Value)) {
        self.edit(|set| alter(&mut set["keys"][0]));
    }

    /// Alters what `/api/key-info` says about the first key.
    pub fn edit_told(&mut self, alter: impl FnOnce(&mut Value)) {
        self.edit(|info| alter(&mut info["data"]["keys"][0]));
    }
}

/// A certificate and its key.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Identity {
    /// A certificate like that of `tests/data/vault`: for 127.0.0.1, self-signed, valid for a hundred years.
    pub fn lasting() -> Self {
        let data = repository().join("tests/data/vault");
        Self { certificate: data.join("tls-certificate.pem"), key: data.join("tls-key.pem") }
    }

    /// One of the same kind that ends in so many days.
    pub fn for_days(folder: &Path, days: u32) -> Self {
        let made = Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        let mut openssl = std::process::Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=test",
        ]);
        openssl.args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        openssl
            .args(["-days", &days.to_string()])
            .arg("-keyout")
            .arg(&made.key)
            .arg("-out")
            .arg(&made.certificate);
        crate::support::run(&mut openssl);
        made
    }

    fn config(&self) -> Arc<ServerConfig> {
        let certificate = CertificateDer::from_pem_file(&self.certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
    }
}

/// Starts a proxy for `service`, which runs until the process ends.
pub fn before(service: SocketAddr, alter: Alter) -> SocketAddr {
    listen(move |stream| answer(stream, service, alter))
}

/// The same over TLS. An `old` proxy answers a greeting in TLS 1.1, but does nothing more in it.
pub fn before_with_tls(service: SocketAddr, alter: Alter, identity: &Identity, old: bool) -> SocketAddr {
    let config = identity.config();
    listen(move |mut stream| {
        let mut head = [0; 11];
        let peeked = stream.peek(&mut head).unwrap_or(0);
        if old && peeked == head.len() && head[9..] == [3, 2] {
            let _ = stream.write_all(&[22, 3, 2, 0, 4, 2, 0, 0, 0]);
            return;
        }
        answer(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream), service, alter);
    })
}

/// Serves each connection on a thread of its own.
pub fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

fn answer(mut stream: impl Read + Write, service: SocketAddr, alter: Alter) {
    let Some(asked) = read(&mut stream) else { return };
    let Some(mut reply) = forward(&asked, service) else { return };
    alter(&asked, &mut reply);
    let bytes = reply.raw.take().unwrap_or_else(|| written(&reply));
    let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
}

fn read(stream: &mut impl Read) -> Option<Asked> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk) {
            Ok(length @ 1..) => bytes.extend_from_slice(&chunk[..length]),
            _ => return None,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let length = lines(&head)
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes.split_off(end);
    if lines(&head).any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        // Without its end, the service would wait for the rest, and the doctor for the service.
        while !body.ends_with(b"0\r\n\r\n") {
            match stream.read(&mut chunk) {
                Ok(length @ 1..) => body.extend_from_slice(&chunk[..length]),
                _ => return None,
            }
        }
    }
    let rest = length - body.len().min(length);
    stream.take(rest as u64).read_to_end(&mut body).ok()?;
    Some(Asked { method, path, head, body })
}

/// Sends the same request to the service, except that the connection closes afterwards. `None` if the service has ended.
fn forward(asked: &Asked, service: SocketAddr) -> Option<Reply> {
    let mut stream = TcpStream::connect(service).ok()?;
    let is_connection = |line: &&str| line.to_lowercase().starts_with("connection:");
    let mut lines_kept: Vec<_> =
        asked.head.trim_end().split("\r\n").filter(|line| !is_connection(line)).collect();
    lines_kept.push("Connection: close");
    // A stage of API Gateway is removed from the path.
    let head = (lines_kept.join("\r\n") + "\r\n\r\n").replacen(" /prod/", " /", 1);
    let mut bytes = Vec::new();
    // A service that refuses a large head closes the connection before its end.
    let _ = stream.write_all(&[head.as_bytes(), &asked.body].concat());
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split_whitespace().nth(1).map_or(502, |status| status.parse().unwrap());
    let headers = lines(&head).map(|(name, value)| (name, value.to_owned()));
    Some(Reply { status, headers: headers.collect(), body: bytes.split_off(end), raw: None })
}

fn written(reply: &Reply) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Told\r\n", reply.status);
    for (name, value) in
        reply.headers.iter().filter(|(name, _)| name != "content-length" && name != "connection")
    {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = match reply.status {
        204 | 304 => String::new(),
        _ => format!("content-length: {}\r\n", reply.body.len()),
    };
    [format!("{head}{length}connection: close\r\n\r\n").as_bytes(), &reply.body].concat()
}
