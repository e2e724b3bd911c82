//! Addresses to which a browser is sent back (RFC 6749 §3.1.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A redirect URI as it was registered: absolute, without a fragment and without user information. A browser is only
/// ever sent to a registered one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// A text that cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Not an absolute URI of visible ASCII characters, or longer than 2,000 bytes.
    #[error("must be an absolute URI of at most 2000 visible ASCII characters")]
    NotAbsolute,
    /// It has a fragment.
    #[error("must not have a fragment (`#`)")]
    Fragment,
    /// It names a user or a password.
    #[error("must not contain a user name or a password (`@` before the host)")]
    UserInfo,
    /// A scheme that runs code or reads data in the browser.
    #[error("must not have the scheme javascript, data, vbscript, file, blob or about")]
    Scheme,
    /// `http` to another machine.
    #[error("must begin with https:// unless its host is a loopback address or localhost")]
    PlainHttp,
    /// A path with dot segments, which browsers and servers read differently.
    #[error("must not have `.` or `..` as a part of its path, also not as %2e")]
    DotSegments,
}

impl RedirectUri {
    const MAX_BYTES: usize = 2000;

    /// Reads a URI that a client wants to register.
    ///
    /// # Errors
    /// [`RedirectUriError`].
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        use RedirectUriError::{DotSegments, Fragment, NotAbsolute, PlainHttp, Scheme, UserInfo};
        if text.len() > Self::MAX_BYTES || !text.bytes().all(is_uri_byte) {
            return Err(NotAbsolute);
        }
        let (scheme, rest) = text.split_once(':').ok_or(NotAbsolute)?;
        let scheme_bytes = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|c: char| c.is_ascii_lowercase())
            || !scheme.bytes().all(scheme_bytes)
            || rest.is_empty()
        {
            return Err(NotAbsolute);
        }
        if text.contains('#') {
            return Err(Fragment);
        }
        if matches!(scheme, "javascript" | "data" | "vbscript" | "file" | "blob" | "about") {
            return Err(Scheme);
        }
        let parts = Parts::of(text);
        if parts.authority.contains('@') {
            return Err(UserInfo);
        }
        let is_dot =
            |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if parts.path_and_query.split('?').next().is_some_and(|path| path.split('/').any(is_dot)) {
            return Err(DotSegments);
        }
        match scheme {
            "https" if parts.host().is_empty() => Err(NotAbsolute),
            "http" if parts.host().is_empty() => Err(NotAbsolute),
            "http" if !parts.is_loopback() && parts.host() != "localhost" => Err(PlainHttp),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// Whether a request may name `requested` for this registered URI: it must be the same text (RFC 9700 §2.1), but on
    /// a loopback address any port may take the place of the registered one (RFC 8252 §7.3).
    pub fn admits(&self, requested: &str) -> bool {
        if self.0 == requested {
            return true;
        }
        let (known, asked) = (Parts::of(&self.0), Parts::of(requested));
        known.scheme == "http"
            && asked.scheme == "http"
            && known.is_loopback()
            && known.host() == asked.host()
            && asked.has_plain_port()
            && known.path_and_query == asked.path_and_query
            && !requested.contains('#')
    }

    /// Whether `requested` is this URI with another port.
    pub fn differs_by_port(&self, requested: &str) -> bool {
        let (known, asked) = (Parts::of(&self.0), Parts::of(requested));
        known.authority != asked.authority
            && (known.scheme, known.host(), known.path_and_query)
                == (asked.scheme, asked.host(), asked.path_and_query)
            && known.has_plain_port()
            && asked.has_plain_port()
    }

    /// Scheme, host and port of a requested URI that this one admits: the source for `form-action` of a policy (CSP). For
    /// a scheme of an app, only the scheme.
    pub fn origin(requested: &str) -> String {
        let parts = Parts::of(requested);
        match parts.scheme {
            "http" | "https" => format!("{}://{}", parts.scheme, parts.authority),
            app => format!("{app}:"),
        }
    }

    /// The URI as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The parts of a URI that comparisons need. A text that is no URI has parts that equal no registered ones.
struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    path_and_query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
        let Some(rest) = rest.strip_prefix("//") else {
            return Self { scheme, authority: "", path_and_query: rest };
        };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(end);
        Self { scheme, authority, path_and_query }
    }

    /// The host without its port; an IPv6 address has its brackets.
    fn host(&self) -> &'a str {
        match self.authority.strip_prefix('[').and_then(|rest| rest.find(']')) {
            Some(end) => &self.authority[..end + 2],
            None => self.authority.split(':').next().unwrap_or_default(),
        }
    }

    fn has_plain_port(&self) -> bool {
        match self.authority[self.host().len()..].strip_prefix(':') {
            None => self.authority.len() == self.host().len(),
            Some(port) => port.parse::<u16>().is_ok_and(|number| number.to_string() == port),
        }
    }

    fn is_loopback(&self) -> bool {
        matches!(self.host(), "127.0.0.1" | "[::1]")
    }
}

fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{RedirectUri, RedirectUriError};

    #[test]
    fn absolute_uris_can_be_registered() {
        for text in [
            "https://app.example/cb",
            "https://app.example:8443/cb?tenant=1",
            "http://127.0.0.1/cb",
            "http://[::1]:9000/",
            "http://localhost:8080/cb",
            "com.example.app:/oauth2redirect",
            "com.example.app://cb",
        ] {
            assert_eq!(RedirectUri::parse(text).map(String::from).as_deref(), Ok(text));
        }
    }

    #[test]
    fn dangerous_uris_cannot_be_registered() {
        use RedirectUriError::{DotSegments, Fragment, NotAbsolute, PlainHttp, Scheme, UserInfo};
        let long = format!("https://a/{}", "x".repeat(2000));
        for (text, error) in [
            ("", NotAbsolute),
            ("/cb", NotAbsolute),
            ("app.example/cb", NotAbsolute),
            ("https:", NotAbsolute),
            ("https://", NotAbsolute),
            ("https:///cb", NotAbsolute),
            ("HTTPS://app.example/", NotAbsolute),
            ("https://app.example/a b", NotAbsolute),
            ("https://app.example\\@evil.example/", NotAbsolute),
            ("https://äpp.example/", NotAbsolute),
            (&long, NotAbsolute),
            ("https://app.example/#f", Fragment),
            ("https://user@app.example/", UserInfo),
            ("https://app.example:x@evil.example/", UserInfo),
            ("javascript:alert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("http://app.example/cb", PlainHttp),
            ("http://127.0.0.1.evil.example/cb", PlainHttp),
            ("https://app.example/a/../b", DotSegments),
            ("https://app.example/%2e%2E/b", DotSegments),
        ] {
            assert_eq!(RedirectUri::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn only_the_same_text_is_admitted() {
        let registered = RedirectUri::parse("https://app.example/cb?x=1").unwrap();
        assert!(registered.admits("https://app.example/cb?x=1"));
        for other in [
            "https://app.example/cb",
            "https://app.example/cb?x=1&y=2",
            "https://app.example/cb?x=1#f",
            "https://APP.example/cb?x=1",
            "https://app.example/CB?x=1",
            "https://app.example:443/cb?x=1",
            "https://app.example./cb?x=1",
            "https://user@app.example/cb?x=1",
            "https://app.example/%63b?x=1",
            "http://app.example/cb?x=1",
            "https://app.example/cb?x=1 ",
        ] {
            assert!(!registered.admits(other), "{other}");
        }
    }

    #[test]
    fn a_loopback_address_may_have_another_port() {
        for (registered, asked, admitted) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb", "http://[::1]:51234/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51234/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb#f", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:080/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:x@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.2:51234/cb", false),
            ("http://127.0.0.1/cb", "http://[::1]:51234/cb", false),
            ("http://[::1]/cb", "http://[::1].evil.example/cb", false),
            ("http://localhost/cb", "http://localhost:51234/cb", false),
            ("https://127.0.0.1/cb", "https://127.0.0.1:51234/cb", false),
        ] {
            let uri = RedirectUri::parse(registered).unwrap();
            assert_eq!(uri.admits(asked), admitted, "{registered} {asked}");
        }
    }

    #[test]
    fn another_port_is_the_only_difference() {
        for (registered, asked, is_only_port) in [
            ("http://localhost:8080/cb", "http://localhost:3001/cb", true),
            ("http://localhost/cb", "http://localhost:3001/cb", true),
            ("https://app.example/cb", "https://app.example:444/cb", true),
            ("http://localhost:8080/cb", "http://localhost:8080/cb", false),
            ("http://localhost:8080/cb", "http://localhost:3001/other", false),
            ("http://localhost:8080/cb", "https://localhost:3001/cb", false),
            ("http://localhost:8080/cb", "http://localhost:x@evil.example/cb", false),
        ] {
            let uri = RedirectUri::parse(registered).unwrap();
            assert_eq!(uri.differs_by_port(asked), is_only_port, "{registered} {asked}");
        }
    }

    #[test]
    fn a_policy_names_the_origin() {
        assert_eq!(RedirectUri::origin("https://app.example:8443/cb?x=1"), "https://app.example:8443");
        assert_eq!(RedirectUri::origin("com.example.app:/cb"), "com.example.app:");
    }
}
