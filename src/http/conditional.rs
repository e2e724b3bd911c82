//! Entity tags and 304 (RFC 9110 §13.1.2).

use http::StatusCode;
use http::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};

use super::Response;

/// Gives `response` its tag, and makes it an empty 304 if the caller has this version already.
pub(super) fn tagged(request: &HeaderMap, etag: &str, mut response: Response) -> Response {
    if let Ok(tag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, tag);
    }
    if matches(request, etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.body_mut().clear();
    }
    response
}

/// The weak comparison ignores `W/` before a tag.
fn matches(request: &HeaderMap, etag: &str) -> bool {
    request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        let mut tags = value.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
        value.trim() == "*" || tags.any(|tag| tag == etag)
    })
}
