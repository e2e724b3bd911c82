//! Strict JSON objects (RFC 8259, RFC 7493): no member name twice at any depth, no lone surrogates,
//! no number beyond the range of a double, at most 127 levels.
//!
//! Parsers disagree on which of two equal members counts, so a check and a use may see different
//! values. RFC 7515 §4 and RFC 7519 §4 therefore let a reader refuse them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why a text is not a strict JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text breaks RFC 8259, holds a lone surrogate, nests too deep, or is not UTF-8.
    #[error("the text is not valid JSON")]
    Syntax,
    /// The outermost value is no object.
    #[error("the JSON text is not an object")]
    NotAnObject,
    /// An object names a member twice.
    #[error("the JSON text names a member twice in one object")]
    DuplicateMember,
}

/// Checks that a text is a strict JSON object.
///
/// # Errors
/// The [`Fault`].
pub fn check(text: impl AsRef<[u8]>) -> Result<(), Fault> {
    let text = std::str::from_utf8(text.as_ref()).map_err(|_| Fault::Syntax)?;
    Object::parse(text).map(|_| ())
}

/// The members of a strict JSON object; strings are borrowed where no escape stands in the way.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Datum<'a>)>);

/// The value of a member, as far as a header or a claim needs it. Whatever is nested deeper is checked
/// and dropped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum<'a> {
    Text(Cow<'a, str>),
    /// An array of strings only, perhaps empty.
    Texts(Vec<Cow<'a, str>>),
    /// A non-negative integer.
    Natural(u64),
    /// Any other number.
    Number(f64),
    /// Anything else, including `null`.
    Other,
    /// Somewhere inside, an object names a member twice.
    Ambiguous,
}

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Value::deserialize(&mut deserializer).map_err(|_| Fault::Syntax)?;
        deserializer.end().map_err(|_| Fault::Syntax)?;
        match value {
            Value::Object(members) => Ok(Self(members)),
            Value::Datum(Datum::Ambiguous) => Err(Fault::DuplicateMember),
            Value::Datum(_) => Err(Fault::NotAnObject),
        }
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Datum<'a>> {
        let at = self.0.binary_search_by(|(other, _)| other.as_ref().cmp(name)).ok()?;
        Some(std::mem::replace(&mut self.0[at].1, Datum::Other))
    }
}

/// A value at the outermost level, where an object keeps its members (in the order of their names).
enum Value<'a> {
    Object(Vec<(Cow<'a, str>, Datum<'a>)>),
    Datum(Datum<'a>),
}

impl<'a> Value<'a> {
    fn into_datum(self) -> Datum<'a> {
        match self {
            Self::Object(_) => Datum::Other,
            Self::Datum(datum) => datum,
        }
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Natural(number)))
    }

    fn visit_i64<E>(self, _negative: i64) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Other))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Number(number)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Other))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Datum(Datum::Other))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut array = Datum::Texts(Vec::new());
        while let Some(element) = elements.next_element::<Value<'de>>()? {
            match (&mut array, element.into_datum()) {
                (Datum::Ambiguous, _) => {}
                (array, Datum::Ambiguous) => *array = Datum::Ambiguous,
                (Datum::Texts(texts), Datum::Text(text)) => texts.push(text),
                (array, _) => *array = Datum::Other,
            }
        }
        Ok(Value::Datum(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some(name) = entries.next_key::<Name<'de>>()? {
            members.push((name.0, entries.next_value::<Value<'de>>()?.into_datum()));
        }
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let repeated = members.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if repeated || members.iter().any(|(_, datum)| *datum == Datum::Ambiguous) {
            return Ok(Value::Datum(Datum::Ambiguous));
        }
        Ok(Value::Object(members))
    }
}

/// A member name, borrowed if it holds no escape.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ValueVisitor)?.into_datum() {
            Datum::Text(name) => Ok(Self(name)),
            _ => Err(serde::de::Error::custom("a member name is no string")),
        }
    }
}
