//! An e-mail address, in its normal form.

use std::fmt;

use super::user_keys::folded;

/// An e-mail address: trimmed, in lower case, composed (Unicode normalization form C), at most 254 bytes, one `@` between two non-empty parts, and nothing in
/// it that could break a header line (RFC 5322 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

/// What is wrong with an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Email must be a valid address, such as name@example.com")]
pub struct EmailError;

impl Email {
    /// Reads an address that a user typed.
    ///
    /// # Errors
    /// [`EmailError`] if the text is not an address, or if it contains a space, a control character or an
    /// invisible formatting character.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        if text.contains(['\r', '\n', '\0']) {
            return Err(EmailError);
        }
        let email = Self(folded(text.trim()));
        let (local, host) = email.0.rsplit_once('@').ok_or(EmailError)?;
        let ok = !local.is_empty()
            && !host.is_empty()
            && !local.contains('@')
            && email.0.len() <= 254
            && !email.0.contains(|c: char| c.is_whitespace() || super::is_invisible(c));
        if ok { Ok(email) } else { Err(EmailError) }
    }

    /// An address from a store, without a check.
    pub fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The form in which addresses are compared. Earlier programs may have stored an address in another form.
    pub fn key(&self) -> String {
        folded(&self.0)
    }

    /// An address that a user typed to log in, in the form in which an earlier program may have stored it.
    pub(super) fn lower(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn is_trimmed_and_lower_cased() {
        assert_eq!(Email::parse("  Ada@Example.COM ").unwrap().as_str(), "ada@example.com");
    }

    #[test]
    fn two_spellings_of_a_letter_are_one_address() {
        let composed = Email::parse("Ren\u{c9}e@example.com").unwrap();
        assert_eq!(Email::parse("rene\u{301}e@example.com").unwrap(), composed);
        assert_eq!(Email::from_store("Rene\u{301}e@example.com".to_owned()).key(), composed.as_str());
    }

    #[test]
    fn what_could_break_a_header_or_is_no_address_is_refused() {
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: x@y",
            "a@b\0",
            "\na@b",
            "a\u{202e}@b",
            "a\u{200b}@b",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(250))).is_err());
    }
}
