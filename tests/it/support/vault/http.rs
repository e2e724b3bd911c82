//! The part of an HTTP server that the double needs: one thread for each connection, and persistent connections.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::support::repository;

use super::{Seen, State, VaultFault};

type Shared = Arc<(Mutex<State>, Condvar)>;

/// Begins to answer, over TLS if it is given; it ends with the process.
pub fn listen(state: Shared, tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, state, tls) = (stream.unwrap(), Arc::clone(&state), tls.clone());
            std::thread::spawn(move || match tls {
                None => converse(stream, &state),
                Some(tls) => {
                    converse(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &state);
                }
            });
        }
    });
    address
}

/// Answers requests until the other side closes the connection, or the double must not answer.
fn converse(stream: impl Read + Write, state: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let Some(answer) = answered(state, asked) else { return };
        if reader.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

/// TLS with the certificate of `tests/data/vault`, which is self-signed.
pub fn tls() -> Arc<ServerConfig> {
    let data = repository().join("tests/data/vault");
    let certificate = CertificateDer::from_pem_file(data.join("tls-certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(data.join("tls-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

fn read(reader: &mut impl BufRead) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = target.strip_prefix("/v1/").unwrap_or(&target).to_owned();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Seen { method, path, headers, body, status: 0 })
}

fn answered(shared: &Shared, mut asked: Seen) -> Option<Vec<u8>> {
    let mut state = shared.0.lock().unwrap();
    if state.fault == VaultFault::Hangs {
        drop(shared.1.wait_while(state, |state| state.fault == VaultFault::Hangs));
        return None;
    }
    if state.fault == VaultFault::HangsUp {
        return None;
    }
    let token = asked.headers.get("x-vault-token").map(String::as_str);
    let (status, body) = state.answer(&asked.method, &asked.path, token, &asked.body);
    asked.status = status;
    state.seen.push(asked);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Some((head + &body).into_bytes())
}
