//! The parts of a request: the fields of a JSON or form body, and a bearer token. The refusals are neutral;
//! the operation's dialect writes them.

use std::borrow::Cow;
use std::fmt;

use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroize;

use super::body_memory::{Share, UNCOUNTED};
use super::operation::Auth;
use super::refusal::{BodyFault, FieldFault, Kind as Reason, MediaFault, OAuthFault, Refusal};
use super::{Api, Body, Call, body};
use crate::domain::{Caller, Secret};

/// The members of a JSON object or the fields of a form. A request without a body has no fields. They are wiped when they are
/// dropped: a password may be in them.
pub(super) struct Fields {
    members: Members,
    /// The fields use about as much memory as the body did. The share counts for as long as they live.
    _share: Share,
}

#[derive(Default)]
struct Members(Vec<(String, Value)>);

enum Value {
    Json(WipedJson),
    Text(Secret<String>),
}

/// The JSON of a member.
struct WipedJson(Box<RawValue>);

impl Drop for WipedJson {
    fn drop(&mut self) {
        String::from(Box::<str>::from(std::mem::take(&mut self.0))).zeroize();
    }
}

impl Fields {
    /// A field that must be a string if it is given.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.expose().clone())),
            Some(Value::Json(json)) => {
                serde_json::from_str(json.0.get()).map(Some).map_err(|_| FieldFault::NotText(name).into())
            }
        }
    }

    /// As [`Fields::text`]; an empty string counts as not given, as in the original.
    pub(super) fn filled(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        self.text(name).map(|text| text.filter(|text| !text.is_empty()))
    }

    /// As [`Fields::filled`], for a value that must not be shown.
    pub(super) fn secret(&self, name: &'static str) -> Result<Option<Secret<String>>, Refusal> {
        self.filled(name).map(|text| text.map(Secret::new))
    }

    /// The JSON of a field; the field of a form is its text as a JSON string.
    pub(super) fn json(&self, name: &'static str) -> Result<Option<Box<RawValue>>, Refusal> {
        Ok(match self.value(name)? {
            None => None,
            Some(Value::Json(json)) => Some(json.0.clone()),
            Some(Value::Text(text)) => serde_json::value::to_raw_value(text.expose()).ok(),
        })
    }

    /// Other fields of a form do not count, however often they occur.
    fn value(&self, name: &'static str) -> Result<Option<&Value>, Refusal> {
        let mut values = self.members.0.iter().filter(|(of_field, _)| of_field == name);
        let nested = |(of_field, _): &(String, Value)| {
            of_field.strip_prefix(name).is_some_and(|rest| rest.starts_with('['))
        };
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(BodyFault::MemberTwice.into()),
            _ if self.members.0.iter().any(nested) => Err(FieldFault::Nested(name).into()),
            (value, None) => Ok(value.map(|(_, value)| value)),
        }
    }
}

impl Fields {
    /// Reads a request's body.
    ///
    /// # Errors
    /// If the body cannot be read, or if the memory for bodies is full.
    pub(super) async fn read(request: Request<Body>, caller: &Caller, api: &Api) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let kind = Kind::of(&parts.headers);
        let announced = body::Announced::by(&parts.headers);
        let share = api.share(caller);
        // The parts of the head keep the buffer that they were read into, and a body may take a long time.
        drop(parts);
        let body::Received { bytes, share } = body::read(announced, body, share).await?;
        let members = match kind {
            _ if bytes.is_empty() => Members::default(),
            Some(Kind::Json) => from_json(&bytes)?,
            Some(Kind::Form) => from_form(&bytes)?,
            None => return Err(MediaFault::Type.into()),
        };
        Ok(Self { members, _share: share })
    }
}

/// The parameters of a form, in the order of the request, and their share of the memory for bodies.
///
/// # Errors
/// If the body is no form, or cannot be read.
pub(super) async fn form_params(
    request: Request<Body>,
    caller: &Caller,
    api: &Api,
) -> Result<(Vec<(String, Secret<String>)>, Share), Refusal> {
    let (parts, body) = request.into_parts();
    let is_form = matches!(Kind::of(&parts.headers), Some(Kind::Form));
    let announced = body::Announced::by(&parts.headers);
    let share = api.share(caller);
    drop(parts);
    let body::Received { bytes, share } = body::read(announced, body, share).await?;
    if !is_form && !bytes.is_empty() {
        let sentence = "The request body must be application/x-www-form-urlencoded, in UTF-8";
        return Err(OAuthFault::InvalidRequest(sentence.into()).into());
    }
    let Members(mut members) = from_form(&bytes)?;
    let pairs = members.drain(..).filter_map(|(name, value)| match value {
        Value::Text(text) => Some((name, text)),
        Value::Json(_) => None,
    });
    Ok((pairs.collect(), share))
}

enum Kind {
    Json,
    Form,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
        let mut parts = value.split(';').map(str::trim);
        let kind = match parts.next()? {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            _ => return None,
        };
        let utf8 = |charset: &str| matches!(charset.trim_matches('"'), "utf-8" | "utf8");
        parts.filter_map(|part| part.strip_prefix("charset=")).all(utf8).then_some(kind)
    }
}

fn from_json(bytes: &[u8]) -> Result<Members, BodyFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| BodyFault::JsonEncoding)?;
    let mut fault = None;
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_map(MemberReader { fault: &mut fault });
    let members = members.and_then(|members| json.end().map(|()| members));
    members.map_err(|error| match fault {
        Some(fault) => fault,
        None if error.is_data() => BodyFault::NotAnObject,
        None => BodyFault::NotJson { line: error.line(), column: error.column() },
    })
}

fn from_form(bytes: &[u8]) -> Result<Members, BodyFault> {
    // A byte that is not UTF-8 would become three; an escaped character never becomes longer.
    if std::str::from_utf8(bytes).is_err() {
        return Err(BodyFault::FormEncoding);
    }
    let owned = |text: Cow<'_, str>| {
        let mut text = text.into_owned();
        // Decoding leaves up to the same space unused.
        text.shrink_to_fit();
        text
    };
    let fields = form_urlencoded::parse(bytes);
    let fields = fields.map(|(name, value)| (owned(name), Value::Text(Secret::new(owned(value)))));
    let fields: Vec<_> = fields.take(MAX_MEMBERS + 1).collect();
    if fields.len() > MAX_MEMBERS {
        return Err(BodyFault::TooManyMembers(MAX_MEMBERS));
    }
    Ok(Members(fields))
}

/// A body for this service has a handful of members; a body with many is an attack.
const MAX_MEMBERS: usize = 64;

/// Reads the members of a JSON object.
struct MemberReader<'f> {
    /// The error, if the text is JSON: the error of a deserializer contains only text.
    fault: &'f mut Option<BodyFault>,
}

impl<'de> Visitor<'de> for MemberReader<'_> {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
        let mut fields: Vec<(String, Value)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            let fault = if fields.len() == MAX_MEMBERS {
                BodyFault::TooManyMembers(MAX_MEMBERS)
            } else if fields.iter().any(|(of_field, _)| *of_field == name) {
                BodyFault::MemberTwice
            } else {
                fields.push((name, Value::Json(WipedJson(value))));
                continue;
            };
            *self.fault = Some(fault);
            return Err(M::Error::custom(fault));
        }
        Ok(Members(fields))
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1), if there is one and the operation reads it.
pub(super) struct Bearer {
    token: Option<Secret<String>>,
    /// This is a copy, because it waits while a body arrives.
    _share: Share,
}

impl Bearer {
    /// The token that came with a request.
    ///
    /// # Errors
    /// If the token is long and the memory for bodies is full.
    pub(super) fn of(call: &Call, api: &Api) -> Result<Self, Refusal> {
        let token = match call.operation.auth {
            Auth::Ignored | Auth::Client | Auth::OptionalClient => None,
            Auth::Optional | Auth::Required => bearer_token(call.request.headers()),
        };
        let mut share = api.share(&call.caller);
        if let Some(token) = token.filter(|token| token.len() > UNCOUNTED) {
            share.hold(token.len())?;
        }
        Ok(Self { token: token.map(|token| Secret::new(token.to_owned())), _share: share })
    }

    /// The token, if there is one.
    pub(super) fn optional(self) -> Option<Secret<String>> {
        self.token
    }

    /// The token.
    ///
    /// # Errors
    /// If there is no token.
    pub(super) fn required(self) -> Result<Secret<String>, Refusal> {
        self.token.ok_or_else(|| Reason::TokenRequired.into())
    }
}

pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}
