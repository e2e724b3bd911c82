//! One blocking, persistent connection, for parts that send few requests.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::answer::Answer;
use crate::request::Request;

/// Longer than any answer should take, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a server on this machine.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, received: Vec::with_capacity(16 * 1024) })
    }

    /// Asks, and waits for the whole answer. Any status but 200 is an error.
    pub fn ask(&mut self, request: &Request) -> io::Result<Answer> {
        self.stream.write_all(request.bytes())?;
        self.received.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            let length = self.stream.read(&mut chunk)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.received.extend_from_slice(&chunk[..length]);
            match Answer::parse(&self.received)? {
                Some(answer) if answer.is_success() => return Ok(answer),
                Some(answer) => return Err(io::Error::other(format!("answered {}", answer.status))),
                None => {}
            }
        }
    }

    /// The bytes of the last answer.
    pub fn received(&self) -> &[u8] {
        &self.received
    }
}
