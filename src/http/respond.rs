//! The shapes of our answers.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// `{"success": true, "data": …, "message": …}`.
#[derive(Serialize)]
struct Success<'a, T> {
    success: bool,
    data: T,
    message: &'a str,
}

/// Headers that an answer may have with those of every answer: room for all at once is cheaper than growing.
const ROOM: usize = 24;

/// Any JSON document.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => with_type(status, JSON, bytes.into()),
        // Only a map with keys that are no strings cannot be written, and we have none.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The answer to a request that was met.
pub(super) fn success(status: StatusCode, data: impl Serialize, message: &str) -> Response {
    json(status, &Success { success: true, data, message })
}

/// The body of such an answer, where it is needed before the answer.
///
/// # Errors
/// Where `data` is no JSON.
pub(super) fn success_body(data: impl Serialize, message: &str) -> serde_json::Result<Bytes> {
    serde_json::to_vec(&Success { success: true, data, message }).map(Bytes::from)
}

/// Bytes of a kind.
pub(super) fn with_type(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().reserve(ROOM);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// JSON that is ready.
pub(super) fn json_bytes(body: Bytes) -> Response {
    with_type(StatusCode::OK, JSON, body)
}

/// Forbids every cache to keep the answer: it holds a token or a user, or is true at this moment only.
pub(super) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
