//! The JOSE header (RFC 7515 §4): the one that we write, and the members that we read from a received one.

use std::borrow::Cow;

use crate::json::Json;
use crate::{Algorithm, Rejection, base64url};

/// The purpose of a token: the media type in its `typ`, without `application/` (RFC 7515 §4.1.9). It
/// distinguishes the kinds of token, so that one kind is not accepted as another (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Typ {
    /// `JWT`: a token that has no more special type (RFC 7519 §5.1).
    Jwt,
    /// `at+jwt`: an OAuth access token (RFC 9068 §2.1).
    AtJwt,
    /// `token-introspection+jwt`: a signed answer about a token (RFC 9701 §5).
    TokenIntrospection,
    /// `statuslist+jwt`: a list of the states of tokens (draft-ietf-oauth-status-list-21 §5.1).
    StatusList,
    /// `audit-checkpoint+jwt`: a signed statement about a chain of events. It is no token, and no standard has this type.
    AuditCheckpoint,
    /// No `typ` at all: an id token or a signed userinfo answer, as OpenID Connect Core shows them.
    Untyped,
}

impl Typ {
    /// The value of `typ`; `None` if the header has no such member.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Jwt => Some("JWT"),
            Self::AtJwt => Some("at+jwt"),
            Self::TokenIntrospection => Some("token-introspection+jwt"),
            Self::StatusList => Some("statuslist+jwt"),
            Self::AuditCheckpoint => Some("audit-checkpoint+jwt"),
            Self::Untyped => None,
        }
    }

    /// As [`Self::is_named_by`], but a token without `typ` is only [`Self::Untyped`]: for a reader that knows several kinds of
    /// token and must not take one for another.
    pub(crate) fn is_exactly(self, typ: Option<&str>) -> bool {
        if self == Self::Jwt && typ.is_none() { false } else { self.is_named_by(typ) }
    }

    /// Whether a token with this `typ` is of this type. The value is a media type in any case, with or without
    /// `application/` (RFC 7515 §4.1.9). A token without `typ` counts as a `JWT` (RFC 7519 §5.1) and as nothing else: an
    /// access token must say that it is one (RFC 9068 §4).
    pub(crate) fn is_named_by(self, typ: Option<&str>) -> bool {
        const PREFIX: &str = "application/";
        let Some(typ) = typ else { return matches!(self, Self::Jwt | Self::Untyped) };
        let subtype = match typ.get(..PREFIX.len()) {
            Some(prefix) if prefix.eq_ignore_ascii_case(PREFIX) => &typ[PREFIX.len()..],
            _ => typ,
        };
        self.name().is_some_and(|name| subtype.eq_ignore_ascii_case(name))
    }
}

/// The protected header of the tokens we issue.
pub struct ProtectedHeader;

impl ProtectedHeader {
    /// The base64url form of `{"alg":…,"typ":…,"kid":…}`, in this member order; [`Typ::Untyped`] leaves `typ` out. It is the
    /// same for all tokens of a key and a type: prepare it once.
    pub fn encode(algorithm: Algorithm, typ: Typ, kid: &str) -> String {
        let kid = serde_json::Value::from(kid); // its Display escapes
        let typ = typ.name().map(|name| format!(r#""typ":"{name}","#)).unwrap_or_default();
        base64url::encode(format!(r#"{{"alg":"{algorithm}",{typ}"kid":{kid}}}"#).as_bytes())
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
    fn a_type_is_named_in_any_case_and_only_a_jwt_needs_no_name() {
        for (typ, is_jwt, is_at_jwt) in [
            (None, true, false),
            (Some("JWT"), true, false),
            (Some("application/jwt"), true, false),
            (Some("at+jwt"), false, true),
            (Some("Application/AT+JWT"), false, true),
            (Some("dpop+jwt"), false, false),
            (Some("application/"), false, false),
            (Some(""), false, false),
        ] {
            assert_eq!(
                (Typ::Jwt.is_named_by(typ), Typ::AtJwt.is_named_by(typ)),
                (is_jwt, is_at_jwt),
                "{typ:?}"
            );
        }
    }

    #[test]
    fn a_token_is_exactly_of_the_type_that_it_names() {
        let all = [
            Typ::Jwt,
            Typ::AtJwt,
            Typ::TokenIntrospection,
            Typ::StatusList,
            Typ::AuditCheckpoint,
            Typ::Untyped,
        ];
        for typ in all {
            let fits: Vec<_> = all.into_iter().filter(|wanted| wanted.is_exactly(typ.name())).collect();
            assert_eq!(fits, [typ]);
        }
        assert!(!all.iter().any(|typ| typ.is_exactly(Some(""))));
    }

    #[test]
    fn the_header_has_a_fixed_member_order_and_escapes_the_kid() {
        let decoded = |typ, kid| {
            let header = ProtectedHeader::encode(Algorithm::Rs256, typ, kid);
            String::from_utf8(base64url::decode(&header).unwrap()).unwrap()
        };
        assert_eq!(
            decoded(Typ::Jwt, "default-key-id"),
            r#"{"alg":"RS256","typ":"JWT","kid":"default-key-id"}"#
        );
        assert_eq!(decoded(Typ::AtJwt, "a"), r#"{"alg":"RS256","typ":"at+jwt","kid":"a"}"#);
        assert_eq!(decoded(Typ::Untyped, "a"), r#"{"alg":"RS256","kid":"a"}"#);
        assert_eq!(decoded(Typ::Jwt, "a\"b\\\n"), r#"{"alg":"RS256","typ":"JWT","kid":"a\"b\\\n"}"#);
    }
}
