//! The one method by which a request authenticates its client, and what it presents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ClientAuthError;
use super::client_assertion::JWT_BEARER;
use crate::domain::Secret;

/// What a request presents. An empty parameter counts as absent; an empty header does not.
#[derive(Clone, Copy, Default)]
pub struct PresentedCredentials<'a> {
    /// The value of the header `Authorization`, or an empty text if the value is not text. Its scheme must be `Basic`.
    pub authorization: Option<&'a str>,
    /// The form field `client_id`.
    pub client_id: Option<&'a str>,
    /// The form field `client_secret`.
    pub client_secret: Option<&'a str>,
    /// The form field `client_assertion_type`.
    pub client_assertion_type: Option<&'a str>,
    /// The form field `client_assertion`.
    pub client_assertion: Option<&'a str>,
}

/// A method with what it presents.
pub(super) enum Presented<'a> {
    Basic { id: String, secret: Secret<String> },
    Post { id: &'a str, secret: &'a str },
    Assertion { id: Option<&'a str>, assertion: &'a str },
    Nothing { id: &'a str },
}

impl<'a> Presented<'a> {
    /// The one method of a request (RFC 6749 §2.3: a client must not use more than one).
    pub(super) fn of(presented: PresentedCredentials<'a>) -> Result<Self, ClientAuthError> {
        use ClientAuthError::{Ambiguous, Failed, Missing};
        let filled = |text: Option<&'a str>| text.filter(|text| !text.is_empty());
        let id = filled(presented.client_id);
        let assertion = filled(presented.client_assertion);
        let is_assertion = assertion.is_some() || filled(presented.client_assertion_type).is_some();
        let basic = presented.authorization.map(basic_of).transpose()?;
        let methods = (basic, filled(presented.client_secret), is_assertion);
        match methods {
            (Some(_), Some(_), _) | (Some(_), _, true) | (_, Some(_), true) => {
                Err(Ambiguous("the request uses more than one method of client authentication"))
            }
            (Some(basic), None, false) => {
                let (basic_id, secret) =
                    decode_basic(basic).ok_or(Failed("Authorization: Basic is not base64 of ID:SECRET"))?;
                if id.is_some_and(|id| id != basic_id) {
                    return Err(Ambiguous("client_id and Authorization name different clients"));
                }
                Ok(Self::Basic { id: basic_id, secret })
            }
            (None, Some(secret), false) => id.map(|id| Self::Post { id, secret }).ok_or(Missing),
            (None, None, true) if presented.client_assertion_type != Some(JWT_BEARER) => {
                Err(Failed("client_assertion_type is not that of RFC 7523"))
            }
            (None, None, true) => assertion
                .map(|assertion| Self::Assertion { id, assertion })
                .ok_or(Failed("client_assertion is missing")),
            (None, None, false) => id.map(|id| Self::Nothing { id }).ok_or(Missing),
        }
    }
}

/// The credentials of `Authorization: Basic`, still encoded.
fn basic_of(authorization: &str) -> Result<&str, ClientAuthError> {
    let (scheme, rest) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if scheme.eq_ignore_ascii_case("basic") { Ok(rest.trim()) } else { Err(ClientAuthError::OtherScheme) }
}

/// Id and secret. RFC 6749 §2.3.1: each was encoded as a form value before it was put together.
fn decode_basic(encoded: &str) -> Option<(String, Secret<String>)> {
    let decoded = Secret::new(STANDARD.decode(encoded).ok()?);
    let (id, secret) = std::str::from_utf8(decoded.expose()).ok()?.split_once(':')?;
    Some((form_value(id)?, Secret::new(form_value(secret)?)))
}

/// The text that was encoded as `application/x-www-form-urlencoded`. `&` and `=` can only come from a client that does not
/// encode, and then they stand for themselves.
fn form_value(text: &str) -> Option<String> {
    let form = Secret::new(format!("={}", text.replace('&', "%26")));
    let (_, value) = form_urlencoded::parse(form.expose().as_bytes()).next()?;
    Some(value.into_owned()).filter(|value| !value.is_empty())
}
