//! The id of an OAuth client (RFC 6749 §2.2).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::UserId;

/// A client's id: 1 to 200 characters of those that need no escape in a URL (RFC 3986 §2.3), `:` and `/`, so that
/// the URL of a client can be its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// A text that is not a client's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 1 to 200 letters, digits or characters of -._~:/, and not look like the id of a user (24 hex digits)"
)]
pub struct ClientIdError;

impl ClientId {
    const MAX_BYTES: usize = 200;

    /// Reads an id. It is never one that a user could have: the subject of a client's own tokens is its id (RFC 9700 §4.15).
    ///
    /// # Errors
    /// [`ClientIdError`].
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
        let is_of_user = UserId::parse(text).is_some();
        if (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(plain) && !is_of_user {
            Ok(Self(text.to_owned()))
        } else {
            Err(ClientIdError)
        }
    }

    /// The id of 128 random bits.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, ClientIdError> {
        Self::parse(&text)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

/// A map that is keyed by ids can be asked for a text.
impl std::borrow::Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientId, ClientIdError};

    #[test]
    fn an_id_is_made_of_characters_that_need_no_escape() {
        for text in ["a", "web-app_1.2~3", "https://client.example/metadata.json", &"x".repeat(200)] {
            assert_eq!(ClientId::parse(text).map(String::from).as_deref(), Ok(text));
        }
        for text in ["", " ", "a b", "a%20b", "a+b", "ä", "a\n", "a\"", &"x".repeat(201)] {
            assert_eq!(ClientId::parse(text), Err(ClientIdError), "{text:?}");
        }
    }

    #[test]
    fn no_user_could_have_the_same_id() {
        for text in ["6b04cb1f00400f2ea8d6fe51", "6B04CB1F00400F2EA8D6FE51"] {
            assert_eq!(ClientId::parse(text), Err(ClientIdError), "{text:?}");
        }
        assert!(ClientId::parse("6b04cb1f00400f2ea8d6fe5").is_ok());
    }

    #[test]
    fn a_random_id_has_32_digits() {
        assert_eq!(ClientId::from_random([1; 16]).as_str(), "01".repeat(16));
    }
}
