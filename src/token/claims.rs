//! The payloads that we write, in the order in which the original writes them.

use serde::Serialize;
use serde_json::value::RawValue;

/// The claims of a token of ours (RFC 7519 §4.1, and what the original adds).
#[derive(Serialize)]
pub(super) struct Claims<'a> {
    pub(super) sub: &'a str,
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) iat: u64,
    pub(super) iss: &'a str,
    pub(super) aud: Audience<'a>,
    pub(super) exp: u64,
    pub(super) jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_time: Option<u64>,
    /// Whether the user has proved that the address is theirs (OpenID Connect Core §5.1); nothing where there is no user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email_verified: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) demo: bool,
}

/// One audience as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

impl Claims<'_> {
    /// As JSON, with the members of `custom` behind.
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

/// Claims of the caller's own: a JSON object of at most 4 KiB that names none of ours, kept to the letter.
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
    /// Bytes of JSON, at the most.
    pub const MAX_BYTES: usize = 4096;
    /// What callers cannot set.
    pub const RESERVED: [&'static str; 8] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "demo"];
    /// What other fields of a request set.
    const OWN_FIELDS: [&'static str; 4] = ["username", "email", "email_verified", "auth_time"];

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
        // Some readers of JSON take names in any case (Go's do): what is nearly ours counts as ours.
        let ours = |name: &&String| {
            let name = name.to_uppercase().to_lowercase();
            Self::RESERVED.contains(&name.as_str()) || Self::OWN_FIELDS.contains(&name.as_str())
        };
        match members.keys().find(ours) {
            Some(name) => Err(CustomClaimsError::Reserved(name.clone())),
            None => Ok(Self(json.to_owned())),
        }
    }

    /// What stands between the braces.
    fn members(&self) -> &str {
        let inner = self.0.get().trim();
        inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().trim()
    }
}
