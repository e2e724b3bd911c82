//! Strict JSON (RFC 8259, RFC 7493): no member name twice at any depth, no lone surrogates, no number beyond the range of a
//! double, at most 127 levels.
//!
//! Parsers disagree on which of two equal members counts, so a check and a use may see different
//! values. RFC 7515 §4 and RFC 7519 §4 therefore let a reader refuse them.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// Why a text is not a strict JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text breaks RFC 8259, holds a lone surrogate, nests too deep, or is not UTF-8.
    #[error("the text is not valid JSON")]
    Syntax,
    /// The outermost value is not an object.
    #[error("the JSON text is not an object")]
    NotAnObject,
    /// An object contains a member name twice.
    #[error("the JSON text names a member twice in one object")]
    DuplicateMember,
}

/// Checks that a text is a strict JSON object.
///
/// # Errors
/// The [`Fault`].
pub fn check(text: impl AsRef<[u8]>) -> Result<(), Fault> {
    Json::object(text.as_ref()).map(|_| ())
}

/// A JSON value as it was written: the members of an object have different names, and no name has a special meaning for
/// the library. Strings are borrowed from the text if they contain no escape.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; a whole one that fits 64 bits is kept exactly.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// The members in the order of the text.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// `Syntax`, or `DuplicateMember`.
    pub fn parse(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, Fault> {
        let text = std::str::from_utf8(text.as_ref()).map_err(|_| Fault::Syntax)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let ambiguous = Cell::new(false);
        let value = Reader { ambiguous: &ambiguous }.deserialize(&mut deserializer);
        let value = value.map_err(|_| Fault::Syntax)?;
        deserializer.end().map_err(|_| Fault::Syntax)?;
        if ambiguous.get() { Err(Fault::DuplicateMember) } else { Ok(value) }
    }

    /// As [`Json::parse`], for a text that must be an object.
    pub(crate) fn object(text: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, Fault> {
        Self::parse(text).and_then(|value| match value {
            Self::Object(_) => Ok(value),
            _ => Err(Fault::NotAnObject),
        })
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members()?.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Takes a member out of an object. The value that remains in its place no longer counts.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        let at = members.iter().position(|(other, _)| other == name)?;
        Some(members.swap_remove(at).1)
    }

    /// The members of an object.
    pub fn members(&self) -> Option<&[(Cow<'a, str>, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array.
    pub fn elements(&self) -> Option<&[Self]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

/// The shortest JSON text of the value.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => quoted(text).fmt(f),
            Self::Array(elements) => {
                f.write_str("[")?;
                for (position, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if position == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (position, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{}:{value}", if position == 0 { "" } else { "," }, quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

/// Reads values, and records if an object contains a member name twice: the rest of the text may still have a
/// syntax error, which is more serious.
#[derive(Clone, Copy)]
struct Reader<'r> {
    ambiguous: &'r Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Json<'de>, E> {
        Number::from_f64(number).map(Json::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(self)? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(name) = access.next_key_seed(Name)? {
            members.push((name, access.next_value_seed(self)?));
        }
        if names_one_twice(&members) {
            self.ambiguous.set(true);
        }
        Ok(Json::Object(members))
    }
}

/// A few members are compared with each other; many are sorted first, so that the cost of a text grows only
/// with its length.
fn names_one_twice(members: &[(Cow<'_, str>, Json<'_>)]) -> bool {
    const FEW: usize = 16;
    if members.len() <= FEW {
        return members
            .iter()
            .enumerate()
            .any(|(position, (name, _))| members[..position].iter().any(|(other, _)| other == name));
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Reads a member's name, borrowed if it holds no escape.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same() {
        let text = r#"{"b":[1,-2,1.5,true,null,"a\"\n"],"a":{"":{}},"$serde_json::private::RawValue":"[1]"}"#;
        assert_eq!(Json::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"\u0061":3}]}"#, r#"[{"a":1},{"":0,"":1}]"#] {
            assert_eq!(Json::parse(text), Err(Fault::DuplicateMember), "{text}");
        }
        for text in ["", "{", "1 2", "[1,]", "1e999", r#""\ud800""#, "\"\u{1}\"", r#"{"a":1,"a":1"#] {
            assert_eq!(Json::parse(text), Err(Fault::Syntax), "{text}");
        }
        assert_eq!(Json::parse(b"\"\xff\""), Err(Fault::Syntax));
        assert_eq!(Json::parse(&"[".repeat(200_000)), Err(Fault::Syntax));
    }

    #[test]
    fn a_name_is_found_twice_among_few_members_and_among_many() {
        for count in [1, 2, 15, 16, 17, 1000] {
            let members: Vec<String> = (0..count).map(|number| format!("\"{number}\":0")).collect();
            assert_eq!(check(format!("{{{}}}", members.join(","))), Ok(()), "{count}");
            let twice = format!("{{{},\"0\":0}}", members.join(","));
            assert_eq!(check(twice), Err(Fault::DuplicateMember), "{count}");
        }
    }

    #[test]
    fn members_are_found_and_taken_by_their_whole_name() {
        let mut value = Json::object(r#"{"a":1,"b":"text","A":null}"#).unwrap();
        assert_eq!(value.get("b").and_then(Json::text), Some("text"));
        assert_eq!((value.take("a"), value.take("a")), (Some(Json::Number(1.into())), None));
        assert_eq!((value.get("A"), value.get("")), (Some(&Json::Null), None));
        assert_eq!(Json::object("[]"), Err(Fault::NotAnObject));
    }
}
