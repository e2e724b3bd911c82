//! Assertions that clients sign with their private key (RFC 7523 §2.2, OpenID Connect Core §9).

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use super::client_directory::KnownClient;
use super::client_keys::KeysError;
use super::key_fetcher::KeyFetcher;
use super::used_assertions::{NotCounted, UsedAssertions};
use crate::domain::{Timestamp, UsedAssertion};

/// The `client_assertion_type` of RFC 7523 §2.2.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest time until an assertion expires: common libraries let theirs live for an hour.
const MAX_LIFE_SECS: u64 = 3600;
/// The most characters of a `jti`.
const MAX_JTI_CHARS: usize = 512;
/// Seconds after which a client should try again for whose assertions there is no room.
const FULL_RETRY: u32 = 5;

/// Why an assertion is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AssertionError {
    /// It is not valid, for this reason.
    Invalid(&'static str),
    /// It cannot be checked now, for this reason, but perhaps after so many seconds.
    Unchecked { why: &'static str, retry_secs: u32 },
}

/// The requirements of this service.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    /// `aud`.
    pub(super) issuer: &'a str,
    /// Tolerance in seconds.
    pub(super) leeway: u64,
    pub(super) now: Timestamp,
}

/// The claims of RFC 7523 §3. Another type than that of a member makes the whole assertion invalid: in particular `aud` must
/// be a string, because an assertion for several servers can be replayed by each of them.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: serde_json::Number,
    iat: Option<serde_json::Number>,
    nbf: Option<serde_json::Number>,
    jti: String,
}

/// The id of the client that an assertion says it comes from. Its signature is not checked yet.
pub(super) fn claimed_client(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Sub {
        sub: String,
    }
    let (_, claims) = jose::decode_unverified(assertion).ok()?;
    serde_json::from_str::<Sub>(&claims).ok().map(|claims| claims.sub)
}

/// Checks an assertion of this client. The claims come first: an assertion that cannot be valid makes this service fetch no
/// keys.
pub(super) async fn check(
    known: &KnownClient,
    assertion: &str,
    expected: Expected<'_>,
    fetcher: &KeyFetcher,
    used: &UsedAssertions,
) -> Result<UsedAssertion, AssertionError> {
    use AssertionError::Invalid;
    let (header, claims) =
        jose::decode_unverified(assertion).map_err(|_| Invalid("the assertion is not a JWT"))?;
    check_type(&header)?;
    let claims: Claims = serde_json::from_str(&claims)
        .map_err(|_| Invalid("the assertion needs iss, sub, aud, exp and jti; aud must be a string"))?;
    let client_id = known.client.id.as_str();
    let expires_at = check_claims(&claims, client_id, expected)?;
    known.keys.verify(fetcher, assertion).await?;
    let name = name_of(client_id, &claims.jti);
    match used.count(client_id, name, expected.now.as_secs(), expires_at) {
        Ok(()) => Ok(UsedAssertion { name, expires_at: Timestamp::from_secs(expires_at) }),
        Err(NotCounted::Again) => Err(Invalid("the assertion was used before")),
        Err(NotCounted::Full) => {
            let why = "too many assertions of the client have not expired yet";
            Err(AssertionError::Unchecked { why, retry_secs: FULL_RETRY })
        }
    }
}

impl From<KeysError> for AssertionError {
    fn from(error: KeysError) -> Self {
        let (why, retry_secs) = match error {
            KeysError::Rejected(_) => return Self::Invalid("no key of the client verifies the assertion"),
            KeysError::Unreachable { retry_secs } => {
                ("the keys of the client could not be fetched", retry_secs)
            }
            KeysError::NotKnownYet { retry_secs } => (
                "no key of the client verifies the assertion, and its keys were fetched a moment ago",
                retry_secs,
            ),
        };
        Self::Unchecked { why, retry_secs }
    }
}

/// No token of another kind passes for an assertion (RFC 8725 §3.11).
fn check_type(header: &str) -> Result<(), AssertionError> {
    #[derive(Deserialize)]
    struct Header {
        typ: Option<String>,
    }
    let typ = serde_json::from_str::<Header>(header).map(|header| header.typ.map(|typ| typ.to_lowercase()));
    match typ.as_ref().map(Option::as_deref) {
        Ok(None | Some("jwt" | "application/jwt" | "client-authentication+jwt")) => Ok(()),
        _ => Err(AssertionError::Invalid("typ must be JWT or client-authentication+jwt")),
    }
}

/// Checks the claims, and returns the second from which the assertion is refused as expired.
fn check_claims(claims: &Claims, client_id: &str, expected: Expected<'_>) -> Result<u64, AssertionError> {
    let Expected { issuer, leeway, now } = expected;
    let now = now.as_secs();
    let invalid = |reason| Err(AssertionError::Invalid(reason));
    if claims.iss != client_id || claims.sub != client_id {
        return invalid("iss and sub must be the client's id");
    }
    if claims.aud != issuer {
        return invalid("aud must be the issuer");
    }
    let instant = |number: &serde_json::Number| number.as_f64().filter(|secs| *secs >= 0.0);
    let Some(exp) = instant(&claims.exp).map(|exp| exp.floor() as u64) else {
        return invalid("exp is not a point in time");
    };
    if now >= exp.saturating_add(leeway) {
        return invalid("the assertion has expired");
    }
    if exp > now.saturating_add(MAX_LIFE_SECS + leeway) {
        return invalid("the assertion may live for at most an hour");
    }
    let begins = [&claims.iat, &claims.nbf];
    for instant_of in begins.into_iter().flatten() {
        match instant(instant_of) {
            Some(begins) if begins <= now.saturating_add(leeway) as f64 => {}
            _ => return invalid("iat and nbf must not be in the future"),
        }
    }
    if claims.jti.is_empty() || claims.jti.chars().count() > MAX_JTI_CHARS {
        return invalid("jti must have 1 to 512 characters");
    }
    Ok(exp.saturating_add(leeway))
}

fn name_of(client_id: &str, jti: &str) -> [u8; 16] {
    // No id contains a zero byte.
    let hash = digest(&SHA256, &[client_id.as_bytes(), &[0], jti.as_bytes()].concat());
    let mut name = [0; 16];
    name.copy_from_slice(&hash.as_ref()[..16]);
    name
}
