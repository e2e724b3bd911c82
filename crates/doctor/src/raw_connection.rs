//! Connections without an HTTP client, for data that such a client does not show or send: the certificate,
//! old versions of TLS, and malformed requests.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned,
};

use crate::clock::Clock;
use crate::roots::{Roots, TrustError};
use crate::target::Target;

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// A connection that ends at a fixed time, even if the other side sends slowly.
struct TimedStream<'a> {
    stream: TcpStream,
    clock: &'a dyn Clock,
    /// By the system's uptime.
    deadline: Duration,
}

impl TimedStream<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_sub(self.clock.uptime());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for TimedStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for TimedStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The results of a TLS handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handshake {
    /// The certificates that the server sent, its own first, in DER.
    pub chain: Vec<Vec<u8>>,
    /// Why they are not trusted.
    pub distrust: Option<String>,
    /// Why the handshake failed.
    pub failure: Option<String>,
    /// The version of TLS that both sides agreed on.
    pub version: Option<String>,
}

/// Opens connections to one deployment.
pub(crate) struct RawConnector<'a> {
    target: &'a Target,
    timeout: Duration,
    clock: &'a dyn Clock,
    verifier: Arc<dyn ServerCertVerifier>,
}

impl<'a> RawConnector<'a> {
    /// A connector that trusts `roots`, or the system's if there are none.
    ///
    /// # Errors
    /// [`TrustError`] if the root certificates cannot be used.
    pub(crate) fn new(
        target: &'a Target,
        roots: Option<&Roots>,
        timeout: Duration,
        clock: &'a dyn Clock,
    ) -> Result<Self, TrustError> {
        Ok(Self { target, timeout, clock, verifier: verifier(roots)? })
    }

    /// Makes a TLS handshake and closes the connection.
    pub(crate) fn handshake(&self) -> Handshake {
        let recorder = Arc::new(Recorder { inner: Arc::clone(&self.verifier), seen: Mutex::default() });
        let connected = self.connect_tls(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>);
        let mut handshake = recorder.seen.lock().map(|seen| seen.clone()).unwrap_or_default();
        match connected {
            Ok(stream) => {
                handshake.version = stream.conn.protocol_version().map(|version| format!("{version:?}"));
            }
            Err(error) => handshake.failure = Some(error.to_string()),
        }
        handshake
    }

    /// Whether the server accepts TLS 1.1 or TLS 1.0.
    ///
    /// # Errors
    /// If there is no connection.
    pub(crate) fn accepts_old_tls(&self, random: [u8; 32]) -> io::Result<bool> {
        let mut stream = self.connect(self.target.port)?;
        stream.write_all(&old_hello(&self.target.host, random))?;
        // A handshake record (22) that begins with a ServerHello (2) accepts; anything else refuses.
        let mut head = [0; 6];
        Ok(stream.read_exact(&mut head).is_ok() && head[0] == 22 && head[5] == 2)
    }

    /// Sends a request, and returns the answer until the connection ends, the time is over, or [`ANSWER_LIMIT`] is reached.
    ///
    /// # Errors
    /// If there is no connection, or no answer.
    pub(crate) fn send(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        if self.target.tls {
            exchange(self.connect_tls(Arc::clone(&self.verifier))?, request)
        } else {
            exchange(self.connect(self.target.port)?, request)
        }
    }

    /// As [`RawConnector::send`], in plain HTTP to this port.
    ///
    /// # Errors
    /// If there is no connection, or no answer.
    pub(crate) fn send_plainly(&self, port: u16, request: &[u8]) -> io::Result<Vec<u8>> {
        exchange(self.connect(port)?, request)
    }

    fn connect_tls(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> io::Result<StreamOwned<ClientConnection, TimedStream<'a>>> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let name = ServerName::try_from(self.target.host.clone()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let mut stream = self.connect(self.target.port)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }

    fn connect(&self, port: u16) -> io::Result<TimedStream<'a>> {
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for address in (self.target.host.as_str(), port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => {
                    let deadline = self.clock.uptime() + self.timeout;
                    return Ok(TimedStream { stream, clock: self.clock, deadline });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// The verifier of the server's certificate: by `roots`, or by the system's if there are none.
fn verifier(roots: Option<&Roots>) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    let provider = Arc::new(default_provider());
    let Some(roots) = roots else {
        let verifier = rustls_platform_verifier::Verifier::new(provider);
        return Ok(Arc::new(verifier.map_err(TrustError)?));
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.0.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
    Ok(verifier.map_err(|error| TrustError(rustls::Error::General(error.to_string())))?)
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Vec<u8>> {
    // A server that refuses early may not read to the end; its answer counts.
    let sent = stream.write_all(request).and_then(|()| stream.flush());
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    while read.len() < ANSWER_LIMIT {
        match stream.read(&mut chunk) {
            Ok(length @ 1..) => read.extend_from_slice(&chunk[..length]),
            Err(error) if read.is_empty() => return Err(sent.err().unwrap_or(error)),
            _ => break,
        }
    }
    if read.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}

/// The status in an answer's first line (RFC 9112 §4).
pub(crate) fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let is_http = words.next()?.starts_with("HTTP/");
    words.next()?.parse().ok().filter(|_| is_http)
}

/// Records the certificates that another verifier gets, and its verdict.
#[derive(Debug)]
struct Recorder {
    inner: Arc<dyn ServerCertVerifier>,
    seen: Mutex<Handshake>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if let Ok(mut seen) = self.seen.lock() {
            seen.chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
            seen.distrust = verdict.as_ref().err().map(ToString::to_string);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// A ClientHello of TLS 1.1 (RFC 4346 §7.4.1.2), with the suites that servers of that time have in common.
fn old_hello(host: &str, random: [u8; 32]) -> Vec<u8> {
    const SUITES: [u8; 14] =
        [0xC0, 0x13, 0xC0, 0x14, 0xC0, 0x09, 0xC0, 0x0A, 0x00, 0x2F, 0x00, 0x35, 0x00, 0x0A];
    let counted = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let extension = |kind: u16, content: &[u8]| [&kind.to_be_bytes(), counted(content).as_slice()].concat();
    let groups = extension(10, &counted(&[0, 29, 0, 23, 0, 24]));
    let formats = extension(11, &[1, 0]);
    let mut extensions = [groups, formats].concat();
    if host.parse::<std::net::IpAddr>().is_err() {
        extensions.extend(extension(0, &counted(&[&[0], counted(host.as_bytes()).as_slice()].concat())));
    }
    let session_and_suites = [&[0], counted(&SUITES).as_slice(), &[1, 0]].concat();
    let body = [&[3, 2], &random[..], &session_and_suites, &counted(&extensions)].concat();
    let message = [&[1, 0], counted(&body).as_slice()].concat();
    [&[22, 3, 1], counted(&message).as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::{old_hello, status};

    #[test]
    fn a_status_is_read_from_http_alone() {
        assert_eq!(status(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Some(400));
        for other in
            [&b""[..], b"HTTP/1.1", b"SSH-2.0-x 200", b"HTTP/1.1 abc", b"\xff\xfe", b"\r\nHTTP/1.1 200"]
        {
            assert_eq!(status(other), None);
        }
    }

    #[test]
    fn the_old_hello_counts_its_own_lengths() {
        let hello = old_hello("tokens.example.com", [7; 32]);
        let length = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
        assert_eq!((length(3), length(7)), (hello.len() - 5, hello.len() - 9));
        assert!(hello.windows(18).any(|part| part == b"tokens.example.com"));
        assert!(old_hello("127.0.0.1", [7; 32]).len() < hello.len());
    }
}
