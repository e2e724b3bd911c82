//! As much of HTTP/1.1 as the doubles need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A request.
pub struct Request {
    pub method: String,
    pub path: String,
    pub body: String,
}

/// The next request of a connection, or nothing when it is closed.
pub fn next(connection: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    connection.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        connection.read_line(&mut header).ok().filter(|read| *read > 0)?;
        match header.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some((name, value)) => {
                let chunked = name.eq_ignore_ascii_case("transfer-encoding") && value.contains("chunked");
                assert!(!chunked, "the double reads no chunks");
            }
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some(Request { method, path, body: String::from_utf8(body).ok()? })
}

/// Answers a request.
pub fn answer(connection: &mut TcpStream, status: u16, headers: &[(String, String)], body: &str) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    let _gone = connection.write_all(format!("{head}{body}").as_bytes());
}
