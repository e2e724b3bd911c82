//! The HTTP client for every call that our programs make. It blocks, so a caller on an async runtime gives it a thread.
//!
//! A call ends within its [`Bounds`], a redirect is never followed, and an answer is wiped when it is dropped, because it
//! may hold a token.

mod answer;
mod client;
mod not_link_local;
mod roots;

pub use answer::Answer;
pub use client::{Bounds, Client, ClientSettings, Proxy};
pub use http;
pub use roots::{Roots, RootsError};

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The given parts do not make a request.
    #[error("{0}")]
    Request(#[from] http::Error),
    /// The network failed, the certificate is not trusted, or the time is over.
    #[error("{0}")]
    NoAnswer(#[from] Box<ureq::Error>),
    /// The connection or the time ended before the body was complete.
    #[error("{0}")]
    Body(#[from] std::io::Error),
    /// The body is longer than this many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}
