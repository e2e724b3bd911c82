//! The forms of our responses.

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

/// Any JSON document.
///
/// # Errors
/// If `body` cannot be JSON, such as a map with keys that are not strings. This program has no such map.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(body).map_err(Refusal::internal)?;
    Ok(with_type(status, JSON, bytes.into()))
}

/// The same if nothing else works: if necessary, without a body.
pub(super) fn json_or_nothing(status: StatusCode, body: &impl Serialize) -> Response {
    with_type(status, JSON, serde_json::to_vec(body).unwrap_or_default().into())
}

/// The response to a successful request.
///
/// # Errors
/// As [`json`].
pub(super) fn success(status: StatusCode, data: impl Serialize, message: &str) -> Answer {
    json(status, &Success { success: true, data, message })
}

/// The body of such a response, if it is needed before the response.
///
/// # Errors
/// As [`json`].
pub(super) fn success_body(data: impl Serialize, message: &str) -> Result<Bytes, Refusal> {
    let body = serde_json::to_vec(&Success { success: true, data, message });
    body.map(Bytes::from).map_err(Refusal::internal)
}

/// Bytes of a given media type.
pub(super) fn with_type(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// JSON text that is complete already.
pub(super) fn json_bytes(body: Bytes) -> Response {
    with_type(StatusCode::OK, JSON, body)
}
