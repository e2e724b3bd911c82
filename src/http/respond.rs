//! The shapes of our answers.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::refusal::Refusal;
use super::{Answer, Response};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// `{"success": true, "data": …, "message": …}`.
#[derive(Serialize)]
struct Success<'a, T> {
    success: bool,
    data: T,
    message: &'a str,
}

/// Headers that an answer may have with those of every answer: room for all at once is cheaper than growing.
const HEADERS: usize = 24;

/// Any JSON document.
///
/// # Errors
/// Where `body` cannot be JSON: a map with keys that are not strings, of which there are none here.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(Refusal::internal)?;
    Ok(with_type(status, JSON, bytes.into()))
}

/// The same where nothing is left to fall back on: without a body, if need be.
pub(super) fn json_or_nothing(status: StatusCode, body: &impl Serialize) -> Response {
    with_type(status, JSON, serde_json::to_vec(body).unwrap_or_default().into())
}

/// The answer to a request that was met.
///
/// # Errors
/// As [`json`].
pub(super) fn success(status: StatusCode, data: impl Serialize, message: &str) -> Answer {
    json(status, &Success { success: true, data, message })
}

/// The body of such an answer, where it is needed before the answer.
///
/// # Errors
/// As [`json`].
pub(super) fn success_body(data: impl Serialize, message: &str) -> Result<Bytes, Refusal> {
    let body = serde_json::to_vec(&Success { success: true, data, message });
    body.map(Bytes::from).map_err(Refusal::internal)
}

/// Bytes of a kind.
pub(super) fn with_type(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().reserve(HEADERS);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// JSON that is ready.
pub(super) fn json_bytes(body: Bytes) -> Response {
    with_type(StatusCode::OK, JSON, body)
}
