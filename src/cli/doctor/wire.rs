//! Connections by hand, for what an HTTP client neither shows nor says: the certificate, old versions of TLS, and requests
//! that no sound client makes.

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

use super::target::Target;
use crate::clock::Clock;

/// More of an answer than this is not read, in bytes.
const LIMIT: usize = 64 * 1024;

/// A connection that ends at a fixed time, however slowly the other side speaks.
struct Timed {
    stream: TcpStream,
    clock: Clock,
    /// By the system's uptime.
    until: Duration,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_sub(self.clock.uptime());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// What a handshake showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshake {
    /// The certificates that the server sent, its own first, in DER.
    pub chain: Vec<Vec<u8>>,
    /// Why they are not trusted.
    pub distrust: Option<String>,
    /// Why there is no connection.
    pub failure: Option<String>,
    /// The version that both agreed on.
    pub version: Option<String>,
}

/// Opens connections to one deployment.
pub(super) struct Wire<'a> {
    pub target: &'a Target,
    pub timeout: Duration,
    pub clock: Clock,
    /// Checks certificates.
    pub verifier: Arc<dyn ServerCertVerifier>,
}

/// What checks certificates: by the system's roots, or by these alone.
///
/// # Errors
/// Where there are no roots.
pub(super) fn verifier(
    roots: Option<&[CertificateDer<'static>]>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let provider = Arc::new(default_provider());
    let Some(roots) = roots else {
        let verifier = rustls_platform_verifier::Verifier::new(provider);
        return Ok(Arc::new(verifier.map_err(|error| error.to_string())?));
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build();
    Ok(verifier.map_err(|error| error.to_string())?)
}

impl Wire<'_> {
    /// Shakes hands, and hangs up.
    pub(super) fn handshake(&self) -> Handshake {
        let seen = Arc::new(Recorder { inner: Arc::clone(&self.verifier), seen: Mutex::default() });
        let shaken = self.secure(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>);
        let mut handshake = seen.seen.lock().map(|seen| seen.clone()).unwrap_or_default();
        match shaken {
            Ok(stream) => {
                handshake.version = stream.conn.protocol_version().map(|version| format!("{version:?}"));
            }
            Err(error) => handshake.failure = Some(error.to_string()),
        }
        handshake
    }

    /// Whether the server goes along with TLS 1.1, or with 1.0.
    ///
    /// # Errors
    /// Where there is no connection.
    pub(super) fn speaks_old_tls(&self, random: [u8; 32]) -> io::Result<bool> {
        let mut stream = self.connect(self.target.port)?;
        stream.write_all(&old_hello(&self.target.host, random))?;
        // A record of the handshake (22) that begins with a ServerHello (2); anything else is a no.
        let mut head = [0; 6];
        Ok(stream.read_exact(&mut head).is_ok() && head[0] == 22 && head[5] == 2)
    }

    /// Sends bytes, and gives what comes back till the connection ends, or the time, or [`LIMIT`].
    ///
    /// # Errors
    /// Where there is no connection, or nothing comes back.
    pub(super) fn say(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        if self.target.tls {
            self.converse(self.secure(Arc::clone(&self.verifier))?, request)
        } else {
            self.converse(self.connect(self.target.port)?, request)
        }
    }

    /// The same in plain HTTP, to this port.
    ///
    /// # Errors
    /// Where there is no connection, or nothing comes back.
    pub(super) fn say_plainly(&self, port: u16, request: &[u8]) -> io::Result<Vec<u8>> {
        self.converse(self.connect(port)?, request)
    }

    fn converse(&self, mut stream: impl Read + Write, request: &[u8]) -> io::Result<Vec<u8>> {
        // Who refuses early may not read to the end; what they say counts.
        let sent = stream.write_all(request).and_then(|()| stream.flush());
        let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
        while read.len() < LIMIT {
            match stream.read(&mut chunk) {
                Ok(length @ 1..) => read.extend_from_slice(&chunk[..length]),
                Err(error) if read.is_empty() => return Err(sent.err().unwrap_or(error)),
                _ => break,
            }
        }
        if read.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
    }

    fn secure(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> io::Result<StreamOwned<ClientConnection, Timed>> {
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

    fn connect(&self, port: u16) -> io::Result<Timed> {
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for address in (self.target.host.as_str(), port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => {
                    let until = self.clock.uptime() + self.timeout;
                    return Ok(Timed { stream, clock: self.clock.clone(), until });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// The status of an answer's first line (RFC 9112 §4).
pub(super) fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|&byte| byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let spoken = words.next()?.starts_with("HTTP/");
    words.next()?.parse().ok().filter(|_| spoken)
}

/// Keeps what another verifier is shown and what it says of that.
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
