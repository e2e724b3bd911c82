//! The payloads of our tokens, with the claims in the original's order.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::TokenSettings;
use super::status_list::StatusClaim;
use crate::domain::{GrantId, Lifetime, RegistrationId, SessionId, Timestamp};

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
    /// The registration of the client, so that no token counts for a later client with the same id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rid: Option<RegistrationId>,
    /// What the client may do (RFC 8693 §4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<Cow<'a, str>>,
    /// The class of the log-in (OpenID Connect Core §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acr: Option<&'a str>,
    /// The methods of the log-in (RFC 8176).
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) amr: &'a [String],
    /// The value that binds an id token to the request of its client (OpenID Connect Core §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<&'a str>,
    /// The hash of the access token that was issued with an id token (OpenID Connect Core §3.1.3.6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_hash: Option<String>,
    /// The browser session (OpenID Connect Front-Channel Logout §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<SessionId>,
    /// The grant, so that all access tokens of a grant can be refused at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gid: Option<GrantId>,
    /// The place of the token in a list of the states of tokens (draft-ietf-oauth-status-list-21 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<StatusClaim<'a>>,
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
            rid: None,
            scope: None,
            acr: None,
            amr: &[],
            nonce: None,
            at_hash: None,
            sid: None,
            gid: None,
            status: None,
            demo: false,
        }
    }

    /// As JSON, followed by the members of `more`.
    pub(super) fn to_json(&self, more: MoreClaims<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = serde_json::to_vec(self)?;
        let members = more.members()?;
        if !members.is_empty() {
            json.pop();
            json.push(b',');
            json.extend_from_slice(members.as_bytes());
            json.push(b'}');
        }
        Ok(json)
    }
}

/// The claims behind those that the service sets. They contain none of its names.
#[derive(Clone, Copy, Debug)]
pub(super) enum MoreClaims<'a> {
    /// No claims.
    Nothing,
    /// Those of a request, unchanged.
    Custom(&'a CustomClaims),
    /// Those that the operator gave to a client, or those about a user.
    Map(&'a Map<String, Value>),
}

impl<'a> MoreClaims<'a> {
    pub(super) fn of(custom: Option<&'a CustomClaims>) -> Self {
        custom.map_or(Self::Nothing, Self::Custom)
    }

    /// The text between the braces.
    fn members(self) -> Result<Cow<'a, str>, serde_json::Error> {
        Ok(match self {
            Self::Nothing => "".into(),
            Self::Custom(custom) => custom.members().into(),
            Self::Map(map) if map.is_empty() => "".into(),
            Self::Map(map) => {
                let json = serde_json::to_string(map)?;
                json[1..json.len() - 1].to_owned().into()
            }
        })
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
    /// The claims that the service sets in some kind of token, besides these. A demo token and an operator's token may have
    /// them, but no token that a client generates: no verifier may take it for a token of that kind.
    const OF_OTHER_TOKENS: [&'static str; 23] = [
        "rid",
        "scope",
        "sid",
        "gid",
        "nonce",
        "at_hash",
        "c_hash",
        "s_hash",
        "acr",
        "amr",
        "azp",
        "cnf",
        "act",
        "may_act",
        "events",
        "sub_id",
        "token_introspection",
        "authorization_details",
        "preferred_username",
        "updated_at",
        "active",
        "status",
        "status_list",
    ];

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
        match members.keys().find(|name| is_among(Self::set_by_service(), name)) {
            Some(name) => Err(CustomClaimsError::Reserved(name.clone())),
            None => Ok(Self(json.to_owned())),
        }
    }

    /// Whether the service sets a claim of this name in any kind of token.
    pub fn is_reserved(name: &str) -> bool {
        is_among(Self::set_by_service().chain(Self::OF_OTHER_TOKENS), name)
    }

    /// The names of the claims.
    pub fn names(&self) -> Vec<String> {
        let members = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(self.0.get());
        members.map(|members| members.into_iter().map(|(name, _)| name).collect()).unwrap_or_default()
    }

    /// The text between the braces.
    fn members(&self) -> &str {
        let inner = self.0.get().trim();
        inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default().trim()
    }
}

/// Whether a name is one of ours. Some readers of JSON accept names in upper or lower case (Go's do): a name that differs only
/// in case counts as the same.
fn is_among(ours: impl IntoIterator<Item = &'static str>, name: &str) -> bool {
    let name = name.to_uppercase().to_lowercase();
    ours.into_iter().any(|our| our == name)
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
