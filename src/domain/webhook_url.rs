//! The address of an endpoint for webhooks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An absolute URL with `https` or `http`, without a fragment and without user information.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(String);

/// A text that is not the address of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// Not a URL of visible ASCII characters with a host, or longer than 2,000 bytes.
    #[error("must be a URL that begins with https://, of at most 2000 visible ASCII characters")]
    NotAbsolute,
    /// It has a fragment, which is never sent.
    #[error("must not have a fragment (`#`)")]
    Fragment,
    /// It names a user or a password, which would be stored unsealed.
    #[error("must not contain a user name or a password (`@` before the host)")]
    UserInfo,
}

impl WebhookUrl {
    const MAX_BYTES: usize = 2000;

    /// Reads a URL. Whether `http` is allowed is for the caller to decide.
    ///
    /// # Errors
    /// [`WebhookUrlError`].
    pub fn parse(text: &str) -> Result<Self, WebhookUrlError> {
        let visible = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if text.len() > Self::MAX_BYTES || !text.bytes().all(visible) {
            return Err(WebhookUrlError::NotAbsolute);
        }
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or(WebhookUrlError::NotAbsolute)?;
        if rest.contains('#') {
            return Err(WebhookUrlError::Fragment);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(WebhookUrlError::UserInfo);
        }
        let uri = text.parse::<http::Uri>().ok();
        // A port that is no number of 16 bits is a part of the authority, but not a port.
        let is_url = uri.as_ref().and_then(http::Uri::authority).is_some_and(|authority| {
            let (host, port) = (authority.host(), authority.port_u16());
            !host.is_empty() && (port.is_some() || authority.as_str() == host)
        });
        if is_url { Ok(Self(text.to_owned())) } else { Err(WebhookUrlError::NotAbsolute) }
    }

    /// Whether calls are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = WebhookUrlError;

    fn try_from(text: String) -> Result<Self, WebhookUrlError> {
        Self::parse(&text)
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::WebhookUrl;
    use super::WebhookUrlError::{Fragment, NotAbsolute, UserInfo};

    #[test]
    fn an_address_is_absolute_and_contains_no_secret_part() {
        for text in ["https://hook.example/a?b=c", "http://[::1]:8080/", "https://10.0.0.1"] {
            assert_eq!(WebhookUrl::parse(text).unwrap().as_str(), text);
        }
        for (text, error) in [
            ("", NotAbsolute),
            ("hook.example", NotAbsolute),
            ("ftp://hook.example/", NotAbsolute),
            ("https://", NotAbsolute),
            ("https:///path", NotAbsolute),
            ("https://hook.example/a b", NotAbsolute),
            ("https://hook.example:99999/", NotAbsolute),
            ("https://hook.example/#a", Fragment),
            ("https://me:hunter2@hook.example/", UserInfo),
            ("https://me@10.0.0.1?@hook.example/", UserInfo),
        ] {
            assert_eq!(WebhookUrl::parse(text), Err(error), "{text}");
        }
        assert!(WebhookUrl::parse("https://hook.example").unwrap().is_https());
        assert!(!WebhookUrl::parse("http://hook.example").unwrap().is_https());
    }
}
