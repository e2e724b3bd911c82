//! The two cookies of the pages: that of the session, and one for the forms before there is a session. Both are `HttpOnly` and
//! `SameSite=Lax`: a form of another site arrives without them.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use crate::domain::Secret;
use crate::oauth::Issuer;

/// The names of the cookies, and their attributes. Over https, the prefix `__Host-` keeps other hosts and plain http from setting
/// them (RFC 6265bis §4.1.3.2). Browsers refuse the prefix over plain http, which only development uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct CookieNames {
    pub(super) session: &'static str,
    pub(super) form: &'static str,
    attributes: &'static str,
}

/// The length of our values in base64url: more than this is no cookie of ours.
const VALUE_LENGTH: usize = 43;

impl CookieNames {
    pub(super) fn of(issuer: &Issuer) -> Self {
        if issuer.as_str().starts_with("https:") {
            let attributes = "Path=/; Secure; HttpOnly; SameSite=Lax";
            Self { session: "__Host-session", form: "__Host-form", attributes }
        } else {
            Self { session: "session", form: "form", attributes: "Path=/; HttpOnly; SameSite=Lax" }
        }
    }

    /// The header that gives the browser this value.
    pub(super) fn set(self, name: &str, value: &Secret<String>) -> Option<HeaderValue> {
        let mut header =
            HeaderValue::from_str(&format!("{name}={}; {}", value.expose(), self.attributes)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The header that removes a cookie.
    pub(super) fn removed(self, name: &str) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{name}=; Max-Age=0; {}", self.attributes)).ok()
    }
}

/// The value of a cookie, if it has the form of ours.
pub(super) fn value_of(headers: &HeaderMap, name: &str) -> Option<Secret<String>> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find_map(|(of_cookie, value)| (of_cookie == name).then_some(value))?;
    let is_ours = value.len() == VALUE_LENGTH
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_ours.then(|| Secret::new(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_over_https_a_cookie_is_bound_to_the_host() {
        let value = Secret::new("x".to_owned());
        let set = |url: &str| {
            let names = CookieNames::of(&Issuer::new(url.to_owned(), None));
            names.set(names.session, &value).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(
            set("https://auth.example.com"),
            "__Host-session=x; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(set("http://localhost:3000"), "session=x; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_value_is_found_if_it_is_one_of_ours() {
        let mut headers = HeaderMap::new();
        let (long, other) = ("a".repeat(43), "b".repeat(43));
        headers.append(COOKIE, format!("x=1; session={long}").parse().unwrap());
        headers.append(COOKIE, format!("form={other};session={other}").parse().unwrap());
        headers.append(COOKIE, "short=a".parse().unwrap());
        let found = |name| value_of(&headers, name).map(|value| value.expose().clone());
        assert_eq!((found("session"), found("form")), (Some(long), Some(other)));
        assert_eq!((found("short"), found("sess"), found("x")), (None, None, None));
    }
}
