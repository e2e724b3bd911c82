//! The HTTP client for every call that our programs make. It blocks, so a caller on an async runtime gives it a thread.
//!
//! A call ends within its [`Bounds`], a redirect is never followed, and an answer is wiped when it is dropped, because it
//! may hold a token.

mod answer;
mod client;
mod destinations;
mod guard;
mod roots;

pub use answer::Answer;
pub use client::{Bounds, Client, ClientSettings, Proxy};
pub use destinations::{Destinations, RefusedAddress};
pub use guard::NameLookup;
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
    /// The target is at an address that the client's destinations do not permit.
    #[error("{0}")]
    Refused(#[from] RefusedAddress),
    /// The connection or the time ended before the body was complete.
    #[error("{0}")]
    Body(#[from] std::io::Error),
    /// The body is longer than this many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl CallError {
    fn of(error: ureq::Error) -> Self {
        if let ureq::Error::Other(cause) = &error
            && let Some(refused) = cause.downcast_ref::<RefusedAddress>()
        {
            return Self::Refused(*refused);
        }
        Self::NoAnswer(Box::new(error))
    }
}
