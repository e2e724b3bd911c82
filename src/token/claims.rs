//! The payloads of our tokens, with the claims in the original's order.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::TokenSettings;
use crate::domain::{Lifetime, Timestamp};

/// The claims of our tokens (RFC 7519 §4.1, and the claims that the original adds).
#[derive(Debug, Serialize)]
pub(super) struct Claims<'a> {
    pub(super) sub: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
    pub(super) iat: u64,
    pub(super) iss: &'a str,
    pub(super) aud: Audience<'a>,
    pub(super) exp: u64,
    pub(super) jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_time: Option<u64>,
    /// Whether the user has proved that the address is theirs (OpenID Connect Core §5.1); `None` if there is
    /// no user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email_verified: Option<bool>,
    /// The client that the token was issued to (RFC 8693 §4.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<&'a str>,
    /// What the client may do (RFC 8693 §4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) demo: bool,
}

/// One audience as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

impl<'a> Audience<'a> {
    /// `None` if the list contains no audience.
    pub(super) fn of(audience: &'a [String]) -> Option<Self> {
        match audience {
            [] => None,
            [one] => Some(Self::One(one)),
            several => Some(Self::Several(several)),
        }
    }
}

impl<'a> Claims<'a> {
    /// The claims that every token has. `sub` is still empty.
    pub(super) fn common(
        settings: &'a TokenSettings,
        now: Timestamp,
        lifetime: Lifetime,
        jti: &'a str,
    ) -> Self {
        Self {
            sub: Cow::Borrowed(""),
            username: None,
            email: None,
            iat: now.as_secs(),
            iss: &settings.issuer,
            aud: Audience::One(&settings.audience),
            exp: now.plus_secs(lifetime.as_secs()).as_secs(),
            jti,
            auth_time: None,
            email_verified: None,
            client_id: None,
            scope: None,
            demo: false,
        }
    }

    /// As JSON, followed by the members of `custom`.
    pub(super) fn to_json(&self, custom: Option<&CustomClaims>) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec(self)?;
        if let Some(members) = custom.map(CustomClaims::members).filter(|members| !members.is_empty()) {
            json.pop();
            json.push(b',');
            json.extend_from_slice(members.as_bytes());
            json.push(b'}');
        }
        Ok(json)
    }
}

/// Claims that the caller adds: a JSON object of at most 4 KiB that contains none of our names. It is not
/// changed in any way.
#[derive(Clone, Debug)]
pub struct CustomClaims(Box<RawValue>);

/// What is wrong with custom claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomClaimsError {
    /// Not an object, or one with a member twice.
    #[error("claims must be a JSON object without duplicate members")]
    NotAnObject,
    /// Larger than 4 KiB.
    #[error("claims must be at most 4096 bytes of JSON")]
    TooLarge,
    /// A claim that the service itself sets.
    #[error("claims must not contain '{0}': the service sets it")]
    Reserved(String),
}

impl CustomClaims {
    /// The most bytes of JSON.
    pub const MAX_BYTES: usize = 4096;
    /// The claims that callers cannot set.
    pub const RESERVED: [&'static str; 9] =
        ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "demo", "client_id"];
    /// The claims that other fields of a request set.
    const OWN_FIELDS: [&'static str; 4] = ["username", "email", "email_verified", "auth_time"];

    /// The claims that callers cannot give, because the service sets them.
    pub fn set_by_service() -> impl Iterator<Item = &'static str> {
        Self::RESERVED.into_iter().chain(Self::OWN_FIELDS)
    }

    /// Takes a JSON value.
    ///
    /// # Errors
    /// [`CustomClaimsError`].
    pub fn parse(json: &RawValue) -> Result<Self, CustomClaimsError> {
        if json.get().len() > Self::MAX_BYTES {
            return Err(CustomClaimsError::TooLarge);
        }
        jose::json::check(json.get()).map_err(|_| CustomClaimsError::NotAnObject)?;
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(json.get()).map_err(|_| CustomClaimsError::NotAnObject)?;
        // Some readers of JSON accept names in upper or lower case (Go's do): a name that differs from ours
        // only in case counts as ours.
        let ours = |name: &&String| {
            let name = name.to_uppercase().to_lowercase();
            Self::RESERVED.contains(&name.as_str()) || Self::OWN_FIELDS.contains(&name.as_str())
        };
        match members.keys().find(ours) {
            Some(name) => Err(CustomClaimsError::Reserved(name.clone())),
            None => Ok(Self(json.to_owned())),
        }
    }

    /// The text between the braces.
    fn members(&self) -> &str {
        let inner = self.0.get().trim();
        inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<(), CustomClaimsError> {
        CustomClaims::parse(&RawValue::from_string(json.to_owned()).unwrap()).map(|_| ())
    }

    #[test]
    fn a_claim_that_the_service_sets_is_refused_in_any_case() {
        for name in CustomClaims::RESERVED.into_iter().chain(CustomClaims::OWN_FIELDS) {
            for name in
                [name.to_owned(), name.to_uppercase(), format!("{}{}", name[..1].to_uppercase(), &name[1..])]
            {
                let refused = Err(CustomClaimsError::Reserved(name.clone()));
                assert_eq!(parse(&format!(r#"{{"role":1,"{name}":1}}"#)), refused);
            }
        }
        // In capitals, the long s becomes an S, and a reader that ignores case treats it as one.
        assert_eq!(parse(r#"{"i\u017fs":1}"#), Err(CustomClaimsError::Reserved("i\u{17f}s".to_owned())));
        assert_eq!(
            parse(r#"{"role":1,"subject":{"sub":1,"client_id":"x"}}"#),
            Ok(()),
            "only the names at the top"
        );
    }

    #[test]
    fn custom_claims_are_one_object_without_repetitions_of_at_most_4_kib() {
        for json in ["[]", "null", "\"x\"", r#"{"a":1,"a":1}"#, r#"{"a":{"b":1,"b":2}}"#] {
            assert_eq!(parse(json), Err(CustomClaimsError::NotAnObject), "{json}");
        }
        let sized = |len: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(len - 8));
        assert_eq!(parse(&sized(CustomClaims::MAX_BYTES)), Ok(()));
        assert_eq!(parse(&sized(CustomClaims::MAX_BYTES + 1)), Err(CustomClaimsError::TooLarge));
    }

    #[test]
    fn an_empty_object_adds_nothing() {
        for json in ["{}", " { } "] {
            let custom = CustomClaims::parse(&RawValue::from_string(json.to_owned()).unwrap()).unwrap();
            assert_eq!(custom.members(), "");
        }
    }
}
