//! OPTIONS works at every path that has another method (RFC 9110 §9.3.7).

use bytes::Bytes;
use http::StatusCode;
use http::header::{ALLOW, HeaderMap, HeaderValue};

use super::cors::Cors;
use crate::http::operation::Operation;
use crate::http::{Response, router};

/// The response to OPTIONS at a path with these operations.
pub(in crate::http) fn answer(request: &HeaderMap, resource: &[&'static Operation]) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = router::allowed(resource);
    let allowed = HeaderValue::try_from(format!("{methods},OPTIONS"));
    headers.insert(ALLOW, allowed.unwrap_or(HeaderValue::from_static("OPTIONS")));
    if Cors::is_preflight(request)
        && let Ok(methods) = HeaderValue::try_from(methods)
    {
        Cors::preflight(request, methods, headers);
    }
    response
}
