//! The response to a call.

use std::io::{self, Read};

use http::HeaderMap;
use zeroize::Zeroizing;

/// The initial capacity for a body, in bytes.
const FIRST_CAPACITY: usize = 8 * 1024;

/// A response, with any status.
#[derive(Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, up to its limit.
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Whether the response is a redirect (RFC 9110 §15.4). The client does not follow it.
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.status != 304
    }

    /// All values of a header that are text.
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }
}

/// Reads at most `limit` bytes, and says whether that was all. Memory that becomes too small is wiped.
pub(crate) fn read(mut from: impl Read, limit: usize) -> io::Result<(Zeroizing<Vec<u8>>, bool)> {
    let mut body = Zeroizing::new(vec![0; FIRST_CAPACITY.min(limit + 1)]);
    let mut length = 0;
    loop {
        let read = from.read(&mut body[length..])?;
        length += read;
        if read == 0 || length > limit {
            body.truncate(length.min(limit));
            return Ok((body, length <= limit));
        }
        if length == body.len() {
            let mut larger = Zeroizing::new(vec![0; (length * 2).min(limit + 1)]);
            larger[..length].copy_from_slice(&body);
            body = larger;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_body_is_read_up_to_its_limit() {
        for (length, limit, kept, whole) in [
            (0, 0, 0, true),
            (1, 0, 0, false),
            (5, 5, 5, true),
            (6, 5, 5, false),
            (8 * 1024, 8 * 1024, 8 * 1024, true),
            (100_000, 99_999, 99_999, false),
            (100_000, 1_000_000, 100_000, true),
        ] {
            let sent: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let (body, ended) = read(sent.as_slice(), limit).unwrap();
            assert_eq!((body.as_slice(), ended), (&sent[..kept], whole), "{length} bytes, at most {limit}");
        }
    }
}
