//! Scopes (RFC 6749 §3.3): the names of what a token permits.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A list of scopes without repetition, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(Vec<String>);

/// A text that is not a list of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be at most 64 scopes of at most 128 printable ASCII characters without quotes and backslashes, with one space between them"
)]
pub struct ScopesError;

impl Scopes {
    const MAX_SCOPES: usize = 64;
    const MAX_BYTES: usize = 128;

    /// Reads scopes with spaces between them. An empty text is an empty list.
    ///
    /// # Errors
    /// [`ScopesError`].
    pub fn parse(text: &str) -> Result<Self, ScopesError> {
        let mut scopes: Vec<String> = Vec::new();
        for scope in text.split(' ').filter(|_| !text.is_empty()) {
            let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
            if !(1..=Self::MAX_BYTES).contains(&scope.len()) || !scope.bytes().all(plain) {
                return Err(ScopesError);
            }
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        if scopes.len() > Self::MAX_SCOPES { Err(ScopesError) } else { Ok(Self(scopes)) }
    }

    /// Whether this scope is one of them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known == scope)
    }

    /// Whether all of these are also in `others`.
    pub fn are_within(&self, others: &Self) -> bool {
        self.0.iter().all(|scope| others.contains(scope))
    }

    /// Those of these scopes that `keep` accepts.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|scope| keep(scope)).cloned().collect())
    }

    /// These scopes, and those of `others` that are not among them.
    #[must_use]
    pub fn joined(&self, others: &Self) -> Self {
        let new = others.0.iter().filter(|scope| !self.contains(scope));
        Self(self.0.iter().chain(new).cloned().collect())
    }

    /// Each scope.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no scope.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Names that are scopes. Each counts once.
impl FromIterator<&'static str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'static str>>(names: I) -> Self {
        let mut scopes = Self::default();
        for name in names {
            if !scopes.contains(name) {
                scopes.0.push(name.to_owned());
            }
        }
        scopes
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl std::str::FromStr for Scopes {
    type Err = ScopesError;

    fn from_str(text: &str) -> Result<Self, ScopesError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Scopes {
    type Error = ScopesError;

    fn try_from(text: String) -> Result<Self, ScopesError> {
        Self::parse(&text)
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Scopes, ScopesError};

    #[test]
    fn scopes_read_back_as_they_were_written_and_each_counts_once() {
        for (text, read) in [
            ("", ""),
            ("openid", "openid"),
            ("b a b", "b a"),
            ("token:generate a/b#c!", "token:generate a/b#c!"),
        ] {
            assert_eq!(Scopes::parse(text).map(|scopes| scopes.to_string()).as_deref(), Ok(read));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "x".repeat(129);
        let many = (0..65).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        for text in [" ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "ä", &long, &many] {
            assert_eq!(Scopes::parse(text), Err(ScopesError), "{text:?}");
        }
    }

    #[test]
    fn scopes_are_compared_as_sets() {
        let scopes = |text| Scopes::parse(text).unwrap();
        assert!(scopes("a b").are_within(&scopes("b c a")));
        assert!(!scopes("a d").are_within(&scopes("b c a")));
        assert_eq!(scopes("a b").joined(&scopes("c b")), scopes("a b c"));
        assert_eq!(["c", "a", "c"].into_iter().collect::<Scopes>(), scopes("c a"));
        assert_eq!(scopes("a b c").filtered(|scope| scope != "b"), scopes("a c"));
    }
}
