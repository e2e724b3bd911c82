//! A stored user.

use std::fmt;

use super::{Email, PasswordHash, Sessions, Timestamp, Username};

/// A user's id: 12 bytes, written as 24 hex digits, like an ObjectId of MongoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId([u8; 12]);

impl UserId {
    /// The id of these bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// Reads 24 hex digits; any other text is not an id.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 24] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A user as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The `sub` of the user's tokens.
    pub id: UserId,
    /// Unique in the comparison of [`super::UserKeys`].
    pub username: Username,
    /// Unique in the comparison of [`super::UserKeys`].
    pub email: Email,
    /// The value that the store has for the password.
    pub password_hash: PasswordHash,
    /// When the user registered.
    pub created_at: Timestamp,
    /// When the record last changed.
    pub updated_at: Timestamp,
    /// Which of the user's tokens are still valid.
    pub sessions: Sessions,
}

#[cfg(test)]
mod tests {
    use super::UserId;

    #[test]
    fn an_id_reads_back_what_it_writes() {
        let id = UserId::parse("6b04cb1f00400f2ea8d6fe53").unwrap();
        assert_eq!(id.to_string(), "6b04cb1f00400f2ea8d6fe53");
    }

    #[test]
    fn what_is_not_24_hex_digits_is_no_id() {
        for text in [
            "",
            "demo-user-id",
            "6b04cb1f00400f2ea8d6fe5",
            "6b04cb1f00400f2ea8d6fe5g",
            "+b04cb1f00400f2ea8d6fe53",
        ] {
            assert_eq!(UserId::parse(text), None, "{text}");
        }
    }
}
