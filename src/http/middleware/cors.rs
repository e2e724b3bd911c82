//! The origins from which a browser may call (the Fetch standard). Never with credentials: tokens travel in
//! headers.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};

const ANY: HeaderValue = HeaderValue::from_static("*");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization,content-type,traceparent,tracestate,x-request-id");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("etag,ratelimit,ratelimit-policy,retry-after,x-request-id");
/// A day; browsers reduce it to their own limit.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// The operator's choice; `None` means any origin.
#[derive(Clone, Debug)]
pub(in crate::http) struct Cors(Option<Vec<String>>);

impl Cors {
    pub(in crate::http) fn new(allowed: Option<Vec<String>>) -> Self {
        Self(allowed)
    }

    /// The origin of a request, if the operator named it. This is a copy: the value in the request keeps the
    /// buffer that the whole head was read into. Another origin may be as long as a head, and is not kept.
    pub(in crate::http) fn listed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(ORIGIN)?.as_bytes();
        let listed = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(origin);
        self.0.as_ref()?.iter().any(listed).then(|| HeaderValue::from_bytes(origin).ok()).flatten()
    }

    /// Adds to `response` the headers that allow the origin of its request to read it, if the origin is
    /// [listed](Self::listed). A response that is public for all stays so.
    pub(in crate::http) fn apply(&self, listed: Option<HeaderValue>, response: &mut HeaderMap) {
        if response.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        if self.0.is_none() {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            return;
        }
        response.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = listed {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Marks a response that every origin may read, whatever the operator chose: public keys are for
    /// everyone.
    pub(in crate::http) fn public(response: &mut HeaderMap) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }

    /// Whether this is a preflight.
    pub(in crate::http) fn is_preflight(request: &HeaderMap) -> bool {
        request.contains_key(ORIGIN) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Adds the headers that a preflight asks for, at a path that has these methods.
    pub(in crate::http) fn preflight(request: &HeaderMap, methods: HeaderValue, response: &mut HeaderMap) {
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|asked| asked.len() <= 1024);
        response.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        response.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.cloned().unwrap_or(HEADERS));
        response.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        response.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    }
}
