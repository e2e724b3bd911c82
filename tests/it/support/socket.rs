//! Bytes on a TCP connection, for requests that no HTTP client would send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::net::{AddressFamily, SocketType};

pub fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

/// Connects from another address of this machine, as one that is not 127.0.0.1.
pub fn connect_from(source: &str, address: SocketAddr) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &format!("{source}:0").parse::<SocketAddr>().unwrap()).unwrap();
    rustix::net::connect(&socket, &address).unwrap();
    socket.into()
}

/// Sends bytes; the other end may have closed already.
pub fn send(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    let _ = stream.write_all(bytes.as_ref());
}

/// Everything until the other end closes.
pub fn until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether something is there to read, an answer or the end of the connection.
pub fn is_readable(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let looked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    !looked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}
