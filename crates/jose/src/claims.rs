//! The registered claims (RFC 7519 §4.1), with their types checked.

use std::borrow::Cow;

use crate::Rejection;
use crate::json::Json;

/// Fractional NumericDates from here on are refused: a double cannot represent every second.
const EXACT_SECONDS: f64 = 9_007_199_254_740_992.0;

/// The registered claims of a verified token. Instants are whole seconds since 1970 (NumericDate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Issuer; it is the expected one.
    pub iss: String,
    /// Subject.
    pub sub: Option<String>,
    /// Audience; a single string has become a list of one.
    pub aud: Vec<String>,
    /// Expiration time; a fraction is cut off.
    pub exp: u64,
    /// Not before; a fraction is rounded up.
    pub nbf: Option<u64>,
    /// Issued at; a fraction is cut off. It may be in the future, because clocks differ and are set back.
    pub iat: Option<u64>,
    /// The token's unique name.
    pub jti: Option<String>,
}

/// The registered claims as received: types checked, values not.
pub struct ReceivedClaims<'a> {
    pub iss: Option<Cow<'a, str>>,
    pub sub: Option<Cow<'a, str>>,
    pub aud: Vec<Cow<'a, str>>,
    pub exp: u64,
    pub nbf: Option<u64>,
    pub iat: Option<u64>,
    pub jti: Option<Cow<'a, str>>,
}

impl<'a> ReceivedClaims<'a> {
    /// # Errors
    /// `Malformed` if the text is not a strict JSON object, `InvalidClaim` for a wrong type or a missing
    /// `exp`.
    pub fn parse(text: &'a str) -> Result<Self, Rejection> {
        let mut claims = Json::object(text).map_err(|_| Rejection::Malformed)?;
        Ok(Self {
            iss: string(&mut claims, "iss")?,
            sub: string(&mut claims, "sub")?,
            aud: audience(&mut claims)?,
            exp: date(&mut claims, "exp", f64::floor)?.ok_or(Rejection::InvalidClaim("exp"))?,
            nbf: date(&mut claims, "nbf", f64::ceil)?,
            iat: date(&mut claims, "iat", f64::floor)?,
            jti: string(&mut claims, "jti")?,
        })
    }
}

fn string<'a>(claims: &mut Json<'a>, name: &'static str) -> Result<Option<Cow<'a, str>>, Rejection> {
    match claims.take(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Rejection::InvalidClaim(name)),
    }
}

/// `aud`: a string or a non-empty array of strings; empty here means absent.
fn audience<'a>(claims: &mut Json<'a>) -> Result<Vec<Cow<'a, str>>, Rejection> {
    let invalid = Rejection::InvalidClaim("aud");
    match claims.take("aud") {
        None => Ok(Vec::new()),
        Some(Json::Text(one)) => Ok(vec![one]),
        Some(Json::Array(many)) if !many.is_empty() => {
            let texts = many.into_iter().map(|one| match one {
                Json::Text(text) => Ok(text),
                _ => Err(invalid),
            });
            texts.collect()
        }
        Some(_) => Err(invalid),
    }
}

/// A NumericDate: RFC 7519 §2 allows fractions, which are rounded to the side that accepts less.
fn date(claims: &mut Json<'_>, name: &'static str, round: fn(f64) -> f64) -> Result<Option<u64>, Rejection> {
    let invalid = Rejection::InvalidClaim(name);
    match claims.take(name) {
        None => Ok(None),
        Some(Json::Number(number)) => match (number.as_u64(), number.as_f64()) {
            (Some(seconds), _) => Ok(Some(seconds)),
            // The cast is exact: the value is whole, not negative, and below 2^53.
            (None, Some(seconds)) if (0.0..EXACT_SECONDS).contains(&seconds) => {
                Ok(Some(round(seconds) as u64))
            }
            _ => Err(invalid),
        },
        Some(_) => Err(invalid),
    }
}
