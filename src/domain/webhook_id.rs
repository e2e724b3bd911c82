//! The id of an endpoint for webhooks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An endpoint's id: 1 to 64 letters, digits or characters of `-_`. An operator may choose it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookId(String);

/// A text that is not an endpoint's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 letters, digits or characters of -_")]
pub struct WebhookIdError;

impl WebhookId {
    const MAX_BYTES: usize = 64;

    /// Reads an id.
    ///
    /// # Errors
    /// [`WebhookIdError`].
    pub fn parse(text: &str) -> Result<Self, WebhookIdError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(WebhookIdError)
        }
    }

    /// The id of 64 random bits.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        Self(format!("{:016x}", u64::from_be_bytes(bytes)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for WebhookId {
    type Err = WebhookIdError;

    fn from_str(text: &str) -> Result<Self, WebhookIdError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for WebhookId {
    type Error = WebhookIdError;

    fn try_from(text: String) -> Result<Self, WebhookIdError> {
        Self::parse(&text)
    }
}

impl From<WebhookId> for String {
    fn from(id: WebhookId) -> Self {
        id.0
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::WebhookId;

    #[test]
    fn an_id_is_short_and_needs_no_escape() {
        for text in ["a", "CRM_2-b", &"x".repeat(64)] {
            assert_eq!(WebhookId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a b", "a:b", "ä", "a.b", &"x".repeat(65)] {
            assert!(WebhookId::parse(text).is_err(), "{text}");
        }
        assert_eq!(WebhookId::from_random([0, 1, 2, 3, 4, 5, 6, 255]).as_str(), "00010203040506ff");
    }
}
