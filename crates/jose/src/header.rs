//! The JOSE header (RFC 7515 §4): what we write, and what we read of a received one.

use std::borrow::Cow;

use crate::json::Json;
use crate::{Algorithm, Rejection, base64url};

/// The protected header of the tokens we issue.
pub struct ProtectedHeader;

impl ProtectedHeader {
    /// The base64url form of `{"alg":…,"typ":"JWT","kid":…}`, in this member order. It is the same for
    /// all tokens of a key: prepare it once.
    pub fn encode(algorithm: Algorithm, kid: &str) -> String {
        let kid = serde_json::Value::from(kid); // its Display escapes
        base64url::encode(format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":{kid}}}"#).as_bytes())
    }
}

/// The members of a received header that decide on the verification. All others (`jwk`, `jku`, `x5u`,
/// `x5c`, `x5t` …) are ignored, so that no token brings its own key (RFC 8725 §3.10).
pub struct ReceivedHeader<'a> {
    pub algorithm: Algorithm,
    pub kid: Option<Cow<'a, str>>,
    pub typ: Option<Cow<'a, str>>,
}

impl<'a> ReceivedHeader<'a> {
    /// # Errors
    /// `Malformed`, then `UnsupportedAlg`, then `UnsupportedCrit`.
    pub fn parse(text: &'a str) -> Result<Self, Rejection> {
        let mut header = Json::object(text).map_err(|_| Rejection::Malformed)?;
        let alg = optional_text(header.take("alg"))?.ok_or(Rejection::Malformed)?;
        let kid = optional_text(header.take("kid"))?;
        let typ = optional_text(header.take("typ"))?;
        let algorithm = Algorithm::of_header(&alg).ok_or(Rejection::UnsupportedAlg)?;
        // `b64` (RFC 7797) is only allowed when listed in `crit`.
        if header.take("crit").is_some() || header.take("b64").is_some() {
            return Err(Rejection::UnsupportedCrit);
        }
        Ok(Self { algorithm, kid, typ })
    }

    /// Whether `typ` allows the token to be a JWT: absent, or `JWT` as a media type (RFC 7515 §4.1.9,
    /// RFC 7519 §5.1). Tokens typed for other ends, such as `at+jwt` or `dpop+jwt`, are not ours to
    /// accept (RFC 8725 §3.11).
    pub fn is_typed_jwt(&self) -> bool {
        const PREFIX: &str = "application/";
        self.typ.as_deref().is_none_or(|typ| {
            let subtype = match typ.get(..PREFIX.len()) {
                Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &typ[PREFIX.len()..],
                _ => typ,
            };
            subtype.eq_ignore_ascii_case("jwt")
        })
    }
}

fn optional_text(member: Option<Json<'_>>) -> Result<Option<Cow<'_, str>>, Rejection> {
    match member {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_a_fixed_member_order_and_escapes_the_kid() {
        let decoded = |kid| {
            String::from_utf8(base64url::decode(&ProtectedHeader::encode(Algorithm::Rs256, kid)).unwrap())
                .unwrap()
        };
        assert_eq!(decoded("default-key-id"), r#"{"alg":"RS256","typ":"JWT","kid":"default-key-id"}"#);
        assert_eq!(decoded("a\"b\\\n"), r#"{"alg":"RS256","typ":"JWT","kid":"a\"b\\\n"}"#);
    }
}
