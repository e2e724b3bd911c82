//! Finds the end of an HTTP/1.1 answer. Only answers that say their length are understood, which ours and the peers do.

use std::io;

/// The most headers that an answer may have.
const MOST_HEADERS: usize = 64;

/// A complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The length of the head, in bytes; the body follows.
    pub head: usize,
}

impl Answer {
    /// The answer in `received`. The result is `None` if more bytes must come.
    pub fn parse(received: &[u8]) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(received).map_err(io::Error::other)?;
        let httparse::Status::Complete(head) = parsed else { return Ok(None) };
        let length =
            response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
        let (Some(length), Some(status)) = (length, response.code) else {
            return Err(io::Error::other("the answer does not say its length"));
        };
        Ok((received.len() >= head + length).then_some(Self { status, head }))
    }

    /// Whether it is what was asked for.
    pub fn is_success(self) -> bool {
        matches!(self.status, 200 | 201)
    }

    /// Whether it sends a browser elsewhere.
    pub fn is_redirect(self) -> bool {
        matches!(self.status, 302 | 303)
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn an_answer_ends_where_it_says() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(Answer::parse(whole).unwrap(), Some(Answer { status: 200, head: whole.len() - 2 }));
        for cut in 1..whole.len() {
            assert_eq!(Answer::parse(&whole[..cut]).unwrap(), None);
        }
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
