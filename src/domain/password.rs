//! Passwords and their hashes.

use std::fmt;

use super::Secret;

/// A password that a user typed. `Debug` does not show it, and it is wiped on drop.
#[derive(Clone)]
pub struct Password(Secret<String>);

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 6 characters.
    #[error("Password must be at least 6 characters long")]
    TooShort,
    /// bcrypt reads no more than 72 bytes. A longer password is refused, because bcrypt would cut it.
    #[error("Password must be at most 72 bytes long")]
    TooLong,
    /// bcrypt stops at a NUL.
    #[error("Password must not contain a NUL character")]
    Nul,
}

impl Password {
    /// The most bytes of a password that bcrypt reads.
    pub const MAX_BYTES: usize = 72;

    /// Reads a password for a new account.
    ///
    /// # Errors
    /// [`PasswordError`], which says what to change.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        match text {
            _ if text.chars().count() < 6 => Err(PasswordError::TooShort),
            _ if text.len() > Self::MAX_BYTES => Err(PasswordError::TooLong),
            _ if text.contains('\0') => Err(PasswordError::Nul),
            _ => Ok(Self(Secret::new(text.to_owned()))),
        }
    }

    /// Takes any text that a user typed to log in; a wrong password never matches.
    pub fn attempt(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }

    /// The password's bytes, for the hash alone.
    pub fn expose(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// The value that the store has for the password: a bcrypt string, or, in a damaged record, any text. `Debug`
/// does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash from a store, or from the hash library.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The hash as the store keeps it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the original made it: bcryptjs marks its hashes `$2a$` and cuts passwords at 72 bytes.
    pub fn is_of_original(&self) -> bool {
        self.0.starts_with("$2a$")
    }

    /// The bcrypt cost, if this is a bcrypt string.
    pub fn cost(&self) -> Option<u32> {
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| self.0.strip_prefix(prefix))?;
        rest.get(..2)?.parse().ok().filter(|cost| (4..=31).contains(cost))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::{Password, PasswordError, PasswordHash};

    #[test]
    fn a_new_password_has_6_characters_to_72_bytes() {
        assert_eq!(Password::parse("12345").err(), Some(PasswordError::TooShort));
        assert!(Password::parse("123456").is_ok());
        assert!(Password::parse(&"x".repeat(72)).is_ok());
        assert_eq!(Password::parse(&"x".repeat(73)).err(), Some(PasswordError::TooLong));
        assert_eq!(Password::parse(&"\u{20ac}".repeat(25)).err(), Some(PasswordError::TooLong));
        assert_eq!(Password::parse("secret\0").err(), Some(PasswordError::Nul));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::attempt("hunter2")), "Password");
        assert_eq!(format!("{:?}", PasswordHash::from_text("$2a$10$x".to_owned())), "PasswordHash");
    }

    #[test]
    fn the_cost_is_read_from_bcrypt_strings_only() {
        let cost = |text: &str| PasswordHash::from_text(text.to_owned()).cost();
        assert_eq!(cost("$2a$10$YIHaGcd7g2ud8g"), Some(10));
        assert_eq!(cost("$2y$04$x"), Some(4));
        assert_eq!(cost("$2b$99$x"), None);
        assert_eq!(cost("$argon2id$v=19"), None);
        assert_eq!(cost(""), None);
        assert_eq!(cost("$2a$\u{e9}"), None);
    }
}
