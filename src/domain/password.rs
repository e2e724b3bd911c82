//! Passwords and their hashes.

use std::fmt;

use super::{PasswordPolicy, Secret, common_passwords, is_invisible};

/// A password that a user typed. `Debug` does not show it, and it is wiped on drop.
#[derive(Clone)]
pub struct Password(Secret<String>);

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than this many characters.
    #[error("Password must be at least {0} characters long")]
    TooShort(usize),
    /// bcrypt reads no more than 72 bytes. A longer password is refused, because bcrypt would cut it.
    #[error("Password must be at most 72 bytes long")]
    TooLong,
    /// bcrypt stops at a NUL.
    #[error("Password must not contain a NUL character")]
    Nul,
    /// Attackers try it first.
    #[error("Password must not be one of the most common passwords")]
    Common,
}

impl Password {
    /// The most bytes of a password that bcrypt reads.
    pub const MAX_BYTES: usize = 72;

    /// Reads a new password.
    ///
    /// # Errors
    /// [`PasswordError`], which says what to change.
    pub fn parse(text: &str, policy: PasswordPolicy) -> Result<Self, PasswordError> {
        let PasswordPolicy { min_length, allows_common } = policy;
        match text {
            _ if text.chars().filter(|c| !is_invisible(*c)).count() < min_length => {
                Err(PasswordError::TooShort(min_length))
            }
            _ if text.len() > Self::MAX_BYTES => Err(PasswordError::TooLong),
            _ if text.contains('\0') => Err(PasswordError::Nul),
            _ if !allows_common && common_passwords::contain(text) => Err(PasswordError::Common),
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
    use crate::domain::PasswordPolicy;

    fn fault(text: &str, min_length: usize, allows_common: bool) -> Option<PasswordError> {
        Password::parse(text, PasswordPolicy { min_length, allows_common }).err()
    }

    #[test]
    fn a_new_password_has_6_characters_to_72_bytes() {
        let fault = |text: &str| fault(text, 6, true);
        assert_eq!(fault("12345"), Some(PasswordError::TooShort(6)));
        assert_eq!(fault("123456"), None);
        assert_eq!(fault(&"x".repeat(72)), None);
        assert_eq!(fault(&"x".repeat(73)), Some(PasswordError::TooLong));
        assert_eq!(fault(&"\u{20ac}".repeat(25)), Some(PasswordError::TooLong));
        assert_eq!(fault("secret\0"), Some(PasswordError::Nul));
        assert_eq!(
            fault("12345\u{200b}\u{feff}\u{ad}"),
            Some(PasswordError::TooShort(6)),
            "invisible characters do not count"
        );
        assert_eq!(fault("1 2 3 "), None, "blanks count");
    }

    #[test]
    fn the_shortest_password_is_counted_in_characters() {
        assert_eq!(fault("\u{20ac}\u{e9}\u{1f511}12345", 8, false), None);
        let short = fault("\u{20ac}\u{e9}\u{1f511}1234", 8, false);
        assert_eq!(short, Some(PasswordError::TooShort(8)));
        assert_eq!(short.unwrap().to_string(), "Password must be at least 8 characters long");
    }

    #[test]
    fn a_common_password_is_refused_unless_the_policy_allows_it() {
        for common in ["123456", "Password123"] {
            assert_eq!(fault(common, 6, false), Some(PasswordError::Common), "{common}");
            assert_eq!(fault(common, 6, true), None, "{common}");
        }
        assert_eq!(fault("secret-ada", 6, false), None);
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
