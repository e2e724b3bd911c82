//! Entity tags and 304 (RFC 9110 §13.1.2).

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};

/// Gives `response` its tag and its age, and empties it where the caller already has it.
pub(super) fn cached(
    request: &HeaderMap,
    etag: &str,
    cache_control: &str,
    mut response: Response,
) -> Response {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, tag);
    }
    if let Ok(age) = HeaderValue::from_str(cache_control) {
        headers.insert(CACHE_CONTROL, age);
    }
    if matches(request, etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    response
}

/// The weak comparison: `W/` before a tag counts for nothing.
fn matches(request: &HeaderMap, etag: &str) -> bool {
    request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        let mut tags = value.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
        value.trim() == "*" || tags.any(|tag| tag == etag)
    })
}
