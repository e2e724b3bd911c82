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
    let (signed, is_of_type) = jws::verify_parts(token, expect.typ, known, key_of)?;
    if !is_of_type {
        return Err(Rejection::InvalidClaim("typ"));
    }
    let claims = jws::text(signed.payload)?;
    let registered = expect.check(ReceivedClaims::parse(&claims)?)?;
    Ok(Verified { header: signed.header, claims, registered })
}

impl Expectations<'_> {
    fn check(&self, claims: ReceivedClaims<'_>) -> Result<Registered, Rejection> {
        if self.now >= claims.exp.saturating_add(self.leeway) {
            return Err(Rejection::Expired);
        }
        if claims.nbf.is_some_and(|nbf| self.now.saturating_add(self.leeway) < nbf) {
            return Err(Rejection::NotYetValid);
        }
        let iss = claims.iss.filter(|iss| iss == self.issuer).ok_or(Rejection::WrongIssuer)?;
        if !claims.aud.iter().any(|aud| self.audience.contains(&aud.as_ref())) {
            return Err(Rejection::WrongAudience);
        }
        Ok(Registered {
            iss: iss.into_owned(),
            sub: claims.sub.map(Cow::into_owned),
            aud: claims.aud.into_iter().map(Cow::into_owned).collect(),
            exp: claims.exp,
            nbf: claims.nbf,
            iat: claims.iat,
            jti: claims.jti.map(Cow::into_owned),
        })
    }
}
