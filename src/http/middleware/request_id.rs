//! The id of each request, `X-Request-Id`.

use std::sync::atomic::{AtomicU32, Ordering};

use http::HeaderName;
use http::header::{HeaderMap, HeaderValue};

use crate::domain::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives ids to requests.
#[derive(Debug)]
pub(in crate::http) struct RequestIds {
    /// Marks this process in the ids that it makes.
    mark: u32,
    requests: AtomicU32,
}

impl RequestIds {
    pub(in crate::http) fn new(mark: u32) -> Self {
        Self { mark, requests: AtomicU32::new(0) }
    }

    /// The id that the caller gave, if it is harmless, else a new one.
    pub(in crate::http) fn of(&self, headers: &HeaderMap) -> RequestId {
        let own = headers.get(REQUEST_ID).and_then(|value| RequestId::parse(value.as_bytes()));
        own.unwrap_or_else(|| RequestId::numbered(self.mark, self.requests.fetch_add(1, Ordering::Relaxed)))
    }
}

pub(in crate::http) fn add(id: &RequestId, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_bytes(id.as_bytes()) {
        headers.insert(REQUEST_ID, value);
    }
}
