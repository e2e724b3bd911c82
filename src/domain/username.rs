//! User names after RFC 8265 (case-preserved), and the names with which people log in.

use std::fmt;

use precis_profiles::UsernameCasePreserved;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use unicode_security::MixedScript;

use super::{Email, is_invisible};

/// A user's name: 3 to 30 characters, each of its space-separated parts in the form of RFC 8265 §3.4, so that
/// two spellings of one name are one name, and all of it in one script. It contains no `@`, which marks an
/// e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

/// What is wrong with a username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Shorter than 3 or longer than 30 characters after trimming.
    #[error("Username must be 3 to 30 characters long")]
    Length,
    /// It looks like an e-mail address.
    #[error("Username must not contain '@'")]
    At,
    /// A character that RFC 8265 forbids in names.
    #[error(
        "Username must not contain control, invisible or direction-changing characters or symbols outside RFC 8265"
    )]
    Character,
    /// Letters of several scripts, which can make one name look like another.
    #[error("Username must be written in one script, such as Latin or Cyrillic, and not in a mixture")]
    Scripts,
}

impl Username {
    /// Reads a name that a user typed, and brings it into its normal form.
    ///
    /// # Errors
    /// [`UsernameError`], which says what to change.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        let text = text.trim();
        if text.chars().count() > 120 {
            return Err(UsernameError::Length);
        }
        let name = enforce(text)?;
        // The check reads the name in its normal form: there, other characters become an `@`.
        if name.contains('@') {
            return Err(UsernameError::At);
        }
        if !(3..=30).contains(&name.chars().count()) {
            return Err(UsernameError::Length);
        }
        // Japanese and Korean use several scripts and count as one each (Unicode Technical Standard 39 §5.1).
        if name.is_single_script() { Ok(Self(name)) } else { Err(UsernameError::Scripts) }
    }

    /// A name from a store, without a check: the original had no such rules.
    pub fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The lower-case form in which ASCII names are compared. Other names have no such form. Names with an
    /// `@`, which the original allowed, have none either; they are compared exactly.
    pub fn key(&self) -> Option<String> {
        let compared = self.0.is_ascii() && !self.0.contains('@');
        compared.then(|| self.0.to_ascii_lowercase())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 8265 §3.5: a name of several parts is each part in its form, joined by single spaces.
fn enforce(text: &str) -> Result<String, UsernameError> {
    let mut name = String::with_capacity(text.len());
    for part in text.split(' ').filter(|part| !part.is_empty()) {
        if part.contains(is_invisible) {
            return Err(UsernameError::Character);
        }
        let part = UsernameCasePreserved::enforce(part).map_err(|_| UsernameError::Character)?;
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(&part);
    }
    Ok(name)
}

/// A text that a user typed to log in: an address, a name, or a name that the original allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginName {
    /// Looked up first, if the text contains an `@`.
    pub email: Option<Email>,
    /// Looked up next, one after the other: the text as it was typed, because the original stored names so;
    /// then its normal form.
    pub usernames: Vec<Username>,
}

impl LoginName {
    /// Takes any text. A text that cannot be a name finds no user.
    pub fn from_text(text: &str) -> Self {
        let text = text.trim();
        let as_typed = Username(text.to_owned());
        if text.contains('@') {
            return Self { email: Some(Email::lower(text)), usernames: vec![as_typed] };
        }
        let mut usernames = vec![as_typed];
        usernames.extend(enforce(text).ok().filter(|name| name != text).map(Username));
        Self { email: None, usernames }
    }

    /// The form by which limits compare names, known or not: texts that can find the same user have the same form, except a
    /// user's name and the same user's address.
    pub fn key(&self) -> String {
        match (&self.email, self.usernames.last()) {
            (Some(email), _) => email.key(),
            (None, Some(name)) => name.key().unwrap_or_else(|| name.as_str().to_owned()),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LoginName, Username, UsernameError};

    #[test]
    fn spellings_of_one_name_are_one_name() {
        let composed = Username::parse("Ren\u{e9}e").unwrap();
        assert_eq!(Username::parse("Rene\u{301}e").unwrap(), composed);
        assert_eq!(Username::parse("  bob   smith ").unwrap().as_str(), "bob smith");
        assert_eq!(Username::parse("\u{ff21}lice").unwrap().as_str(), "Alice");
        assert_ne!(Username::parse("alice").unwrap(), Username::parse("Alice").unwrap());
    }

    #[test]
    fn length_is_counted_in_characters_after_trimming() {
        assert_eq!(Username::parse(" ab "), Err(UsernameError::Length));
        assert!(Username::parse("abc").is_ok());
        assert!(Username::parse(&"ä".repeat(30)).is_ok());
        assert_eq!(Username::parse(&"a".repeat(31)), Err(UsernameError::Length));
        assert_eq!(Username::parse(&"a".repeat(100_000)), Err(UsernameError::Length));
    }

    #[test]
    fn hostile_characters_are_refused() {
        assert_eq!(Username::parse("a@b.example"), Err(UsernameError::At));
        assert_eq!(Username::parse("a\u{ff20}b.example"), Err(UsernameError::At));
        assert_eq!(Username::parse("a\u{fe6b}b.example"), Err(UsernameError::Character));
        for text in
            ["abc\u{202e}def", "abc\0d", "abc\r\ndef", "ab\tcd", "abc\u{200b}", "abc\u{feff}d", "a\u{7f}bc"]
        {
            assert_eq!(Username::parse(text), Err(UsernameError::Character), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_of_one_script() {
        for text in ["\u{430}dmin", "pay\u{440}al", "\u{3b1}lpha", "\u{7530}\u{4e2d}abc"] {
            assert_eq!(Username::parse(text), Err(UsernameError::Scripts), "{text}");
        }
        for text in [
            "admin_42",
            "Ren\u{e9}e 2",
            "\u{438}\u{432}\u{430}\u{43d} 1",
            "\u{7530}\u{4e2d}\u{3055}\u{3093}\u{30a2}",
            "\u{91d1}\u{c11c}\u{c5f0}",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        ] {
            assert_eq!(Username::parse(text).map(|name| name.as_str().to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn ascii_names_are_compared_in_lower_case() {
        let key = |text: &str| Username::from_store(text.to_owned()).key();
        assert_eq!(key("Admin").as_deref(), Some("admin"));
        assert_eq!(key("Ren\u{e9}e"), None);
        assert_eq!(key("Ada@Example.com"), None);
    }

    #[test]
    fn a_name_with_an_at_is_an_address_first_and_a_name_of_the_original_second() {
        let name = LoginName::from_text(" Ada@Example.com ");
        assert_eq!(name.email.unwrap().as_str(), "ada@example.com");
        assert_eq!(name.usernames, [Username::from_store("Ada@Example.com".to_owned())]);
    }

    #[test]
    fn spellings_that_find_the_same_user_have_the_same_key() {
        let key = |text: &str| LoginName::from_text(text).key();
        for text in ["ada", " Ada ", "ADA", "\u{ff21}da"] {
            assert_eq!(key(text), "ada", "{text}");
        }
        assert_eq!(key("Bob   Smith"), "bob smith");
        assert_eq!(key("Ada@Example.com"), "ada@example.com");
        assert_eq!(key("Rene\u{301}e"), key("Ren\u{e9}e"));
        assert_ne!(key("Ren\u{e9}e"), key("ren\u{e9}e"), "these are two names");
    }

    #[test]
    fn a_name_is_looked_up_as_typed_first_for_the_original_stored_it_so() {
        assert_eq!(LoginName::from_text("alice").usernames.len(), 1);
        let decomposed = LoginName::from_text("Rene\u{301}e");
        assert_eq!(decomposed.usernames.len(), 2);
        assert_eq!(decomposed.usernames[0].as_str(), "Rene\u{301}e");
    }
}
