//! The headers of every page: what the browser may load, and whom a form may reach.

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, LOCATION, VARY,
    X_FRAME_OPTIONS,
};

use crate::http::refusal::{Kind, Refusal};
use crate::http::{Answer, Response, respond};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// The one script of the pages. It posts the form that returns to an app.
pub(super) const POST_FORM: &str = "document.forms[0].submit();";
/// The SHA-256 of [`POST_FORM`]. The policy allows only this script.
const POST_FORM_HASH: &str = "sha256-8lDeP0UDwCO6/RhblgeH/ctdBzjVpJxrXizsnIk3cEQ=";

/// What a page needs beyond its own files.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs<'a> {
    /// The validated origin of the app to which a form of the page leads in the end. Chromium applies `form-action` also to the
    /// redirects behind a form.
    pub(super) form_target: Option<&'a str>,
    /// Whether the page posts its form by the script.
    pub(super) posts_form: bool,
}

/// A page.
pub(super) fn page(status: StatusCode, html: String, needs: Needs<'_>) -> Answer {
    let mut policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'"
        .to_owned();
    if let Some(source) = needs.form_target.and_then(source_of) {
        policy.push(' ');
        policy.push_str(source);
    }
    if needs.posts_form {
        policy.push_str("; script-src '");
        policy.push_str(POST_FORM_HASH);
        policy.push('\'');
    }
    // The origin is part of a registered address, which has only visible ASCII characters.
    let policy = HeaderValue::from_str(&policy).map_err(Refusal::internal)?;
    let mut response = respond::with_type(status, HTML, Bytes::from(html));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    protect(response.headers_mut());
    Ok(response)
}

/// The source (CSP 3 §2.3.1) for an origin. A source cannot name an IPv6 address, so that its scheme stands for it. An origin that could
/// end the directive is left out.
fn source_of(origin: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]+".contains(&byte);
    let source = if origin.contains('[') { origin.split_inclusive(':').next()? } else { origin };
    origin.bytes().all(fits).then_some(source)
}

/// Sends the browser elsewhere, by GET (RFC 9700 §4.12).
pub(super) fn see_other(location: &str) -> Answer {
    let location = HeaderValue::from_str(location);
    let location = location.map_err(|_| Refusal::from(Kind::MalformedRequest("address")))?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    protect(response.headers_mut());
    Ok(response)
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    // An app may open the log-in in a window of its own, and must hear from it afterwards.
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("unsafe-none"),
    );
    let nothing = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(nothing));
}

#[cfg(test)]
mod tests {
    use super::source_of;

    #[test]
    fn an_origin_becomes_a_source_that_ends_no_directive() {
        for (origin, source) in [
            ("https://app.example:8443", Some("https://app.example:8443")),
            ("http://127.0.0.1:51004", Some("http://127.0.0.1:51004")),
            ("http://[::1]:51004", Some("http:")),
            ("com.example.app:", Some("com.example.app:")),
            ("https://app.example;script-src", None),
            ("https://app.example,x", None),
            ("https://app.example'x", None),
        ] {
            assert_eq!(source_of(origin), source, "{origin}");
        }
    }
}
