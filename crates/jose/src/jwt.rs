//! JWT validation (RFC 7519 §7.2, RFC 8725): the signature first, then the claims.

use std::borrow::Cow;

use crate::claims::{ReceivedClaims, Registered};
use crate::{KnownHeader, Rejection, Typ, VerifyingKey, jws};

/// The requirements of a verifier besides the signature.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The token must have this type, so that a token for another use is not accepted (RFC 8725 §3.11).
    pub typ: Typ,
    /// `iss` must have this value.
    pub issuer: &'a str,
    /// `aud` must name at least one of these.
    pub audience: &'a [&'a str],
    /// Tolerance for `exp` and `nbf`, in seconds.
    pub leeway: u64,
    /// The current time, in seconds since 1970.
    pub now: u64,
}

/// A token that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The decoded header, JSON text as signed.
    pub header: String,
    /// The decoded claims, JSON text as signed.
    pub claims: String,
    /// The registered claims.
    pub registered: Registered,
}

/// Verifies a token: structure, `alg`, `crit`, key, signature (see
/// [`verify_signature`](crate::verify_signature)), then `typ`, the types of the registered claims,
/// `exp`, `nbf`, `iss` and `aud`. The first failure is reported.
///
/// `exp`, `iss` and `aud` are required; `iat` is only checked for its type, since clocks are set back.
///
/// # Errors
/// The first [`Rejection`].
pub fn verify<'k>(
    token: &str,
    key_of: impl Fn(&str) -> Option<&'k VerifyingKey>,
    expect: &Expectations<'_>,
) -> Result<Verified, Rejection> {
    verify_known(token, None, key_of, expect)
}

/// As [`verify`], with the same results, and faster for tokens that begin with the header `known`.
///
/// # Errors
/// The first [`Rejection`].
pub fn verify_known<'k>(
    token: &str,
    known: Option<KnownHeader<'k>>,
    key_of: impl Fn(&str) -> Option<&'k VerifyingKey>,
    expect: &Expectations<'_>,
) -> Result<Verified, Rejection> {
    let (signed, found) = jws::verify_parts(token, known, key_of)?;
    if !found.is(expect.typ) {
        return Err(Rejection::InvalidClaim("typ"));
    }
    let claims = jws::text(signed.payload)?;
    let registered = expect.check(ReceivedClaims::parse(&claims)?)?;
    Ok(Verified { header: signed.header, claims, registered })
}

/// A kind of token, for a reader that accepts several kinds.
#[derive(Clone, Copy, Debug)]
pub struct TokenKind<'a> {
    /// The token names exactly this type. A token without `typ` is no [`Typ::Jwt`] here: it could be an id token.
    pub typ: Typ,
    /// `iss` must have this value.
    pub issuer: &'a str,
}

/// As [`verify_known`], for a reader that accepts several kinds of token. Returns the place of the token's kind in `kinds`.
/// The audience is not checked: the reader decides about it ([`Registered::aud`]).
///
/// # Errors
/// The first [`Rejection`]: `InvalidClaim("typ")` if no kind has the type of the token, `WrongIssuer` if none of those has its
/// issuer.
pub fn verify_one_of<'k>(
    token: &str,
    known: Option<KnownHeader<'k>>,
    key_of: impl Fn(&str) -> Option<&'k VerifyingKey>,
    kinds: &[TokenKind<'_>],
    leeway: u64,
    now: u64,
) -> Result<(usize, Verified), Rejection> {
    let (signed, found) = jws::verify_parts(token, known, key_of)?;
    let is_of_typ = |kind: &TokenKind<'_>| found.is_exactly(kind.typ);
    if !kinds.iter().any(is_of_typ) {
        return Err(Rejection::InvalidClaim("typ"));
    }
    let claims = jws::text(signed.payload)?;
    let received = ReceivedClaims::parse(&claims)?;
    received.check_times(leeway, now)?;
    let is_its = |kind: &TokenKind<'_>| is_of_typ(kind) && received.iss.as_deref() == Some(kind.issuer);
    let at = kinds.iter().position(is_its).ok_or(Rejection::WrongIssuer)?;
    let registered = received.into_registered(kinds[at].issuer);
    Ok((at, Verified { header: signed.header, claims, registered }))
}

impl Expectations<'_> {
    fn check(&self, claims: ReceivedClaims<'_>) -> Result<Registered, Rejection> {
        claims.check_times(self.leeway, self.now)?;
        if claims.iss.as_deref() != Some(self.issuer) {
            return Err(Rejection::WrongIssuer);
        }
        if !claims.aud.iter().any(|aud| self.audience.contains(&aud.as_ref())) {
            return Err(Rejection::WrongAudience);
        }
        Ok(claims.into_registered(self.issuer))
    }
}

impl ReceivedClaims<'_> {
    fn check_times(&self, leeway: u64, now: u64) -> Result<(), Rejection> {
        if now >= self.exp.saturating_add(leeway) {
            return Err(Rejection::Expired);
        }
        if self.nbf.is_some_and(|nbf| now.saturating_add(leeway) < nbf) {
            return Err(Rejection::NotYetValid);
        }
        Ok(())
    }

    /// The claims, whose issuer has been found to be `iss`.
    fn into_registered(self, iss: &str) -> Registered {
        Registered {
            iss: iss.to_owned(),
            sub: self.sub.map(Cow::into_owned),
            aud: self.aud.into_iter().map(Cow::into_owned).collect(),
            exp: self.exp,
            nbf: self.nbf,
            iat: self.iat,
            jti: self.jti.map(Cow::into_owned),
        }
    }
}
