//! The key id of RFC 7515 §4.1.4.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key's id: 1 to 128 printable ASCII characters without quotes or backslashes, so that it is the same in JSON,
/// in a URL and in a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kid(String);

/// What is wrong with a kid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 printable ASCII characters without spaces, quotes or backslashes")]
pub struct KidError;

impl Kid {
    /// The kid that every key of the original has.
    pub const ORIGINAL: &'static str = "default-key-id";

    /// The kid of the original's key.
    pub fn original() -> Self {
        Self(Self::ORIGINAL.to_owned())
    }

    /// Reads a kid.
    ///
    /// # Errors
    /// [`KidError`] for anything outside the alphabet or the length.
    pub fn parse(text: &str) -> Result<Self, KidError> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\' | b'`');
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KidError)
        }
    }

    /// The kid as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Kid {
    type Error = KidError;

    fn try_from(text: String) -> Result<Self, KidError> {
        Self::parse(&text)
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        kid.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
