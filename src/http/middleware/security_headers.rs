//! The headers of helmet, which the original sends, with a stricter policy for responses that are not pages.

use http::HeaderName;
use http::header::{HeaderMap, HeaderValue};

const HEADERS: [(HeaderName, HeaderValue); 12] = [
    fixed("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    fixed("cross-origin-opener-policy", "same-origin"),
    fixed("cross-origin-resource-policy", "same-origin"),
    fixed("origin-agent-cluster", "?1"),
    fixed("referrer-policy", "no-referrer"),
    fixed("strict-transport-security", "max-age=31536000; includeSubDomains"),
    fixed("x-content-type-options", "nosniff"),
    fixed("x-dns-prefetch-control", "off"),
    fixed("x-download-options", "noopen"),
    fixed("x-frame-options", "SAMEORIGIN"),
    fixed("x-permitted-cross-domain-policies", "none"),
    fixed("x-xss-protection", "0"),
];

const fn fixed(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

/// Adds the headers that the response does not have already; pages have some.
pub(in crate::http) fn add(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(value);
    }
}
