//! The headers of helmet, which the original sends, with a stricter policy for responses that are not pages.

use std::mem;
use std::sync::LazyLock;

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

/// The headers in a map with room for those of a response.
static MAP: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut map = HeaderMap::with_capacity(2 * HEADERS.len());
    map.extend(HEADERS);
    map
});

/// Adds the headers that the response does not have already; pages have some. To copy the map and to move the few headers of the
/// response into it costs less than half as much as to insert these.
pub(in crate::http) fn add(headers: &mut HeaderMap) {
    let own = mem::replace(headers, MAP.clone());
    headers.extend(own);
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, SET_COOKIE};

    use super::*;

    #[test]
    fn a_response_keeps_its_own_headers_and_gets_the_others() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (CONTENT_TYPE, "text/html"),
            (CONTENT_SECURITY_POLICY, "own"),
            (SET_COOKIE, "a=1"),
            (SET_COOKIE, "b=2"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        add(&mut headers);
        assert_eq!(
            (&headers[CONTENT_TYPE], headers.len()),
            (&HeaderValue::from_static("text/html"), HEADERS.len() + 3)
        );
        let values =
            |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((values(CONTENT_SECURITY_POLICY), values(SET_COOKIE)), (vec!["own"], vec!["a=1", "b=2"]));
        for (name, value) in HEADERS.iter().filter(|(name, _)| name != CONTENT_SECURITY_POLICY) {
            assert_eq!(headers[name], value);
        }
    }
}
