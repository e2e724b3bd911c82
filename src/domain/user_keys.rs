//! The values that no two users may share. The stores find users by these keys; this file decides whether two
//! users clash.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_security::skeleton;

use super::{Email, Username};

/// The value of a new record that another one has already. Each aggregate has its own variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The id of a user.
    UserId,
    /// The name of a user, or one that readers would mistake for it.
    Username,
    /// The address of a user.
    Email,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId => "id",
            Self::Username => "name",
            Self::Email => "e-mail address",
        })
    }
}

/// The name and the address of a user in the forms in which they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserKeys {
    /// [`Username::key`]; two users never have the same.
    pub username: Option<String>,
    /// [`Email::key`]; two users never have the same.
    pub email: String,
    /// What the name looks like (Unicode Technical Standard 39 §4): first as it is written, then in lower
    /// case. A name without a [`Username::key`] must not share either with any other name. Names with a key
    /// are not compared with each other in this way: `modern` and `modem` are honest names.
    pub skeletons: [String; 2],
}

impl UserKeys {
    /// The keys of a user with this name and address.
    pub fn of(username: &Username, email: &Email) -> Self {
        let name = username.as_str();
        let looks = |text: &str| skeleton(text).collect::<String>();
        // The lower case between the two steps has the effect that a name which looks like `TOM` is also
        // compared with `tom`.
        let skeletons = [looks(&looks(name).to_lowercase()), looks(&name.to_lowercase())];
        Self { username: username.key(), email: email.key(), skeletons }
    }

    /// The value that these two users must not share; `None` if both may exist.
    pub fn clash(&self, other: &Self) -> Option<Taken> {
        let same_name = self.username.is_some() && self.username == other.username;
        let compared = self.username.is_none() || other.username.is_none();
        let look_alike = compared && self.skeletons.iter().any(|looks| other.skeletons.contains(looks));
        match () {
            () if same_name || look_alike => Some(Taken::Username),
            () if self.email == other.email => Some(Taken::Email),
            () => None,
        }
    }
}

/// Normalization form C in lower case.
pub(super) fn folded(text: &str) -> String {
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::{Taken, UserKeys};
    use crate::domain::{Email, Username};

    fn clash(one: &str, other: &str) -> bool {
        let keys = |name: &str, address: &str| {
            UserKeys::of(&Username::from_store(name.to_owned()), &Email::from_store(address.to_owned()))
        };
        let (one, other) = (keys(one, "one@example.com"), keys(other, "other@example.com"));
        assert_eq!(one.clash(&other), other.clash(&one));
        one.clash(&other) == Some(Taken::Username)
    }

    #[test]
    fn ascii_names_clash_by_lower_case_and_not_by_their_looks() {
        assert!(clash("admin", "Admin"));
        for (one, other) in [("modern", "modem"), ("burn", "bum"), ("Ivan", "lvan"), ("b0b", "bOb")] {
            assert!(!clash(one, other), "{one} {other}");
        }
    }

    #[test]
    fn another_name_clashes_with_every_name_that_it_looks_like() {
        // All Cyrillic or all Greek, except for the ASCII names beside them.
        for (one, other) in [
            ("\u{441}\u{43e}\u{440}\u{430}", "copa"),
            ("\u{441}\u{43e}\u{440}\u{430}", "Copa"),
            ("\u{422}\u{41e}\u{41c}", "TOM"),
            ("\u{422}\u{41e}\u{41c}", "tom"),
            ("\u{3bd}\u{3bf}\u{3bf}", "voo"),
            ("\u{418}\u{432}\u{430}\u{43d}", "\u{438}\u{432}\u{430}\u{43d}"),
            ("Ren\u{e9}e", "ren\u{e9}e"),
            ("\u{430}\u{3bf}\u{430}", "aoa"),
        ] {
            assert!(clash(one, other), "{one} {other}");
        }
        for (one, other) in
            [("Ren\u{e9}e", "Renee"), ("\u{442}\u{43e}\u{43c}", "tom"), ("\u{738b}", "\u{674e}")]
        {
            assert!(!clash(one, other), "{one} {other}");
        }
    }

    #[test]
    fn addresses_clash_by_composed_lower_case() {
        let keys = |name: &str, address: &str| {
            UserKeys::of(&Username::from_store(name.to_owned()), &Email::from_store(address.to_owned()))
        };
        let composed = keys("one", "ren\u{e9}e@example.com");
        assert_eq!(composed.clash(&keys("other", "Rene\u{301}e@Example.com")), Some(Taken::Email));
        assert_eq!(composed.clash(&keys("other", "renee@example.com")), None);
    }

    #[test]
    fn the_tables_are_those_by_which_stored_keys_were_made() {
        let made_with = (18, 0, 0);
        assert_eq!(
            unicode_security::UNICODE_VERSION,
            made_with,
            "other tables make other skeletons: the keys of stored users must be made anew (a migration on SQLite, a \
             new pass on MongoDB) in the same commit"
        );
    }
}
