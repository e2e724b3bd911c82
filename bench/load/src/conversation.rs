//! The requests of one connection: which one comes next, and which answer ends an operation.

use std::io;
use std::sync::Arc;

use crate::answer::Answer;
use crate::request::Request;

/// What one connection asks, again and again.
#[derive(Clone)]
pub enum Conversation {
    /// The same request.
    Repeat(Request),
    /// A refresh token, appended to the body of the request, and then the refresh token of the last answer.
    Refresh { token_request: TokenRequest, refresh_token: String },
    /// An authorization request with the cookies of a session, and then a token request with the code of the answer.
    Code { authorize: Request, token_request: TokenRequest },
}

/// A token request whose body ends with a value that changes.
#[derive(Clone)]
pub struct TokenRequest {
    /// Method, path and headers, without `content-length`.
    pub head: Arc<str>,
    /// The body up to the value.
    pub body: Arc<str>,
}

/// The next request, and whether its answer ends the operation.
pub struct Next {
    pub request: Request,
    pub ends: bool,
}

impl Conversation {
    /// The first request of the next operation.
    pub fn begin(&self) -> Next {
        match self {
            Self::Repeat(request) => Next { request: request.clone(), ends: true },
            Self::Refresh { token_request, refresh_token } => {
                Next { request: token_request.with(refresh_token), ends: true }
            }
            Self::Code { authorize, .. } => Next { request: authorize.clone(), ends: false },
        }
    }

    /// The request that follows this answer; `None` if the answer ends the operation.
    pub fn follow(&mut self, ends: bool, answer: Answer, received: &[u8]) -> io::Result<Option<Next>> {
        match self {
            Self::Repeat(_) => Ok(None),
            Self::Code { .. } if ends => Ok(None),
            Self::Refresh { refresh_token, .. } => {
                let next = between(&received[answer.head..], "\"refresh_token\":\"", b"\"");
                *refresh_token = next.ok_or_else(|| io::Error::other("no refresh token in the answer"))?;
                Ok(None)
            }
            Self::Code { token_request, .. } => {
                let code = between(&received[..answer.head], "code=", b"&\r");
                let code = code.ok_or_else(|| io::Error::other("no code in the answer"))?;
                Ok(Some(Next { request: token_request.with(&code), ends: true }))
            }
        }
    }
}

impl TokenRequest {
    fn with(&self, value: &str) -> Request {
        let (head, body, length) = (&self.head, &self.body, self.body.len() + value.len());
        Request::of(format!("{head}content-length: {length}\r\n\r\n{body}{value}").into_bytes())
    }
}

/// What stands between `opening` and the first of `closing`.
fn between(text: &[u8], opening: &str, closing: &[u8]) -> Option<String> {
    let start = text.windows(opening.len()).position(|part| part == opening.as_bytes())? + opening.len();
    let length = text[start..].iter().position(|byte| closing.contains(byte))?;
    String::from_utf8(text[start..start + length].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_request() -> TokenRequest {
        TokenRequest { head: "POST /token HTTP/1.1\r\n".into(), body: "value=".into() }
    }

    fn answer(received: &[u8]) -> Answer {
        Answer::parse(received).unwrap().unwrap()
    }

    #[test]
    fn a_refresh_sends_the_token_of_the_last_answer() {
        let mut refresh =
            Conversation::Refresh { token_request: token_request(), refresh_token: "one".to_owned() };
        assert!(refresh.begin().request.bytes().ends_with(b"content-length: 9\r\n\r\nvalue=one"));
        let received = b"HTTP/1.1 200 OK\r\ncontent-length: 27\r\n\r\n{\"refresh_token\":\"second\"} ";
        assert!(refresh.follow(true, answer(received), received).unwrap().is_none());
        assert!(refresh.begin().request.bytes().ends_with(b"content-length: 12\r\n\r\nvalue=second"));
    }

    #[test]
    fn a_code_flow_redeems_the_code_of_the_redirect() {
        let authorize = Request::of(b"GET /authorize".to_vec());
        let mut flow = Conversation::Code { authorize, token_request: token_request() };
        assert!(!flow.begin().ends);
        let received = b"HTTP/1.1 303 See Other\r\nlocation: http://127.0.0.1:9/?code=abc&iss=x\r\ncontent-length: 0\r\n\r\n";
        let next = flow.follow(false, answer(received), received).unwrap().unwrap();
        assert!(next.ends && next.request.bytes().ends_with(b"value=abc"));
        let refused = b"HTTP/1.1 303 See Other\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n";
        assert!(flow.follow(false, answer(refused), refused).is_err());
    }
}
