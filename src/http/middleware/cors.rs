//! Which origins a browser may call from (the Fetch standard). Never with credentials: tokens travel in headers.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};

const ANY: HeaderValue = HeaderValue::from_static("*");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization,content-type,x-request-id");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("etag,ratelimit,ratelimit-policy,retry-after,x-request-id");
/// A day; browsers cut it to their own limit.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// The operator's choice; nothing means any origin.
#[derive(Clone, Debug)]
pub(in crate::http) struct Cors(Option<Vec<String>>);

impl Cors {
    pub(in crate::http) fn new(allowed: Option<Vec<String>>) -> Self {
        Self(allowed)
    }

    /// The origin of a request, where it is one that the operator named. It is a copy: as it came, it holds the buffer that
    /// the whole head was read into. Another one may be as long as a head, and is not kept.
    pub(in crate::http) fn listed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(ORIGIN)?.as_bytes();
        let listed = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(origin);
        self.0.as_ref()?.iter().any(listed).then(|| HeaderValue::from_bytes(origin).ok()).flatten()
    }

    /// Adds to `response` what the origin of its request, where it is [listed](Self::listed), may see. What is public for
    /// all stays so.
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

    /// Marks an answer that every origin may read whatever the operator chose: public keys are for all.
    pub(in crate::http) fn public(response: &mut HeaderMap) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }

    /// Whether this is a preflight.
    pub(in crate::http) fn is_preflight(request: &HeaderMap) -> bool {
        request.contains_key(ORIGIN) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Adds what a preflight asks for, at a path that has these methods.
    pub(in crate::http) fn preflight(request: &HeaderMap, methods: HeaderValue, response: &mut HeaderMap) {
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|asked| asked.len() <= 1024);
        response.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        response.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.cloned().unwrap_or(HEADERS));
        response.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        response.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    }
}
