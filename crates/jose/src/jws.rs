//! The compact serialisation (RFC 7515 §7.1): building a token, splitting it, and verifying its signature.

use crate::header::ReceivedHeader;
use crate::{Algorithm, Rejection, Typ, VerifyingKey, base64url};

/// The most bytes of a token; a longer one is refused before it is read. HTTP servers commonly allow 8 to 16
/// KiB of headers. A signature of `ML-DSA-87`, the longest, needs 6,170 bytes of it.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;

/// The length of an RSA-4096 signature as base64url, which [`attach`] appends. A longer signature, of ML-DSA, costs a
/// copy of the token.
const SIGNATURE_ROOM: usize = base64url::encoded_len(512);

/// The JWS Signing Input of an encoded header and the claims: `header.payload`.
pub fn signing_input(encoded_header: &str, claims_json: &[u8]) -> String {
    let len = encoded_header.len() + 1 + base64url::encoded_len(claims_json.len());
    let mut input = String::with_capacity(len + 1 + SIGNATURE_ROOM);
    input.push_str(encoded_header);
    input.push('.');
    base64url::encode_into(claims_json, &mut input);
    input
}

/// The finished token: `header.payload.signature`, in the buffer of the signing input.
pub fn attach(signing_input: String, signature: &[u8]) -> String {
    let mut token = signing_input;
    token.push('.');
    base64url::encode_into(signature, &mut token);
    token
}

/// The length in bytes of the token with this signing input, signed with the private half of `key`. No
/// verifier of this crate accepts a token that is longer than [`MAX_TOKEN_LEN`].
pub fn token_len(encoded_header: &str, claims_json: &[u8], key: &VerifyingKey) -> usize {
    let (claims, signature) = (claims_json.len(), key.signature_len());
    encoded_header.len() + base64url::encoded_len(claims) + base64url::encoded_len(signature) + 2
}

/// The content that a valid signature covers. The payload can be any bytes; its claims are not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedParts {
    /// The decoded header, JSON text as signed.
    pub header: String,
    /// The decoded payload.
    pub payload: Vec<u8>,
}

/// Verifies the JWS layer alone (RFC 7515 §5.2): structure, `alg`, `crit`, key, signature, in this order.
///
/// `key_of` finds the key by `kid`. The key's own algorithm decides; an `alg` that differs from it is
/// `UnsupportedAlg`, although another key might accept it.
///
/// # Errors
/// `Malformed`, `UnsupportedAlg`, `UnsupportedCrit`, `UnknownKey` or `BadSignature`.
pub fn verify_signature<'k>(
    token: &str,
    key_of: impl Fn(&str) -> Option<&'k VerifyingKey>,
) -> Result<SignedParts, Rejection> {
    verify_parts(token, None, key_of).map(|(parts, _)| parts)
}

/// As [`verify_signature`], for a set in which `kid` alone does not determine the key: `choose` gets the `kid`, if there
/// is one, and the algorithm that the header names. The algorithm of the chosen key must be the same.
///
/// # Errors
/// `Malformed`, `UnsupportedAlg`, `UnsupportedCrit`, the rejection of `choose`, or `BadSignature`.
pub fn verify_signature_by<'k>(
    token: &str,
    choose: impl FnOnce(Option<&str>, Algorithm) -> Result<&'k VerifyingKey, Rejection>,
) -> Result<SignedParts, Rejection> {
    let parts = Parts::split(token)?;
    let (header, payload, signature) = parts.decode()?;
    let received = ReceivedHeader::parse(&header)?;
    let key = choose(received.kid.as_deref(), received.algorithm)?;
    verified(&parts, &received, key, &signature)?;
    Ok(SignedParts { header, payload })
}

/// As [`verify_signature_by`], for a document that is no token: it must name exactly this type, and its payload is not read as
/// claims.
///
/// # Errors
/// As [`verify_signature_by`], and `InvalidClaim("typ")` if the document is of another type.
pub fn verify_document<'k>(
    document: &str,
    typ: Typ,
    choose: impl FnOnce(Option<&str>, Algorithm) -> Result<&'k VerifyingKey, Rejection>,
) -> Result<SignedParts, Rejection> {
    let parts = verify_signature_by(document, choose)?;
    let is_of_typ = typ.is_exactly(ReceivedHeader::parse(&parts.header)?.typ.as_deref());
    if is_of_typ { Ok(parts) } else { Err(Rejection::InvalidClaim("typ")) }
}

/// The protected header of a key's own tokens, read in advance: a token that begins with exactly this text
/// needs no further reading of its header.
#[derive(Clone, Copy, Debug)]
pub struct KnownHeader<'k> {
    /// As [`ProtectedHeader::encode`](crate::ProtectedHeader::encode) made it.
    pub encoded: &'k str,
    /// The type in it.
    pub typ: Typ,
    /// The key that it names, which made it.
    pub key: &'k VerifyingKey,
}

/// The type of a token whose signature was verified.
pub(crate) enum FoundTyp {
    /// That of the known header.
    Known(Typ),
    /// The `typ` of its own header.
    Named(Option<String>),
}

impl FoundTyp {
    /// Whether this is `typ` ([`Typ::is_named_by`]).
    pub(crate) fn is(&self, typ: Typ) -> bool {
        match self {
            Self::Known(known) => typ.is_named_by(known.name()),
            Self::Named(name) => typ.is_named_by(name.as_deref()),
        }
    }

    /// Whether this is exactly `typ` ([`Typ::is_exactly`]).
    pub(crate) fn is_exactly(&self, typ: Typ) -> bool {
        match self {
            Self::Known(known) => *known == typ,
            Self::Named(name) => typ.is_exactly(name.as_deref()),
        }
    }
}

/// As [`verify_signature`], but for a token that begins with the known header; also returns the type of the token.
pub(crate) fn verify_parts<'k>(
    token: &str,
    known: Option<KnownHeader<'k>>,
    key_of: impl Fn(&str) -> Option<&'k VerifyingKey>,
) -> Result<(SignedParts, FoundTyp), Rejection> {
    let parts = Parts::split(token)?;
    let (header, payload, signature) = parts.decode()?;

    if let Some(known) = known.filter(|known| known.encoded == parts.header) {
        let signed = known.key.verify(parts.signing_input.as_bytes(), &signature);
        let found = FoundTyp::Known(known.typ);
        return signed.then_some((SignedParts { header, payload }, found)).ok_or(Rejection::BadSignature);
    }
    let received = ReceivedHeader::parse(&header)?;
    let key = received.kid.as_deref().and_then(key_of).ok_or(Rejection::UnknownKey)?;
    verified(&parts, &received, key, &signature)?;
    let found = FoundTyp::Named(received.typ.map(std::borrow::Cow::into_owned));
    Ok((SignedParts { header, payload }, found))
}

fn verified(
    parts: &Parts<'_>,
    received: &ReceivedHeader<'_>,
    key: &VerifyingKey,
    signature: &[u8],
) -> Result<(), Rejection> {
    if key.algorithm() != received.algorithm {
        return Err(Rejection::UnsupportedAlg);
    }
    let signed = key.verify(parts.signing_input.as_bytes(), signature);
    signed.then_some(()).ok_or(Rejection::BadSignature)
}

/// The header and the claims of a token **whose signature is not checked**, as JSON text. Show them to a
/// person, but never decide anything with them.
///
/// # Errors
/// `Malformed`, also if one of the two is not a strict JSON object.
pub fn decode_unverified(token: &str) -> Result<(String, String), Rejection> {
    let parts = Parts::split(token)?;
    let (header, claims) = (parts.header()?, text(decode(parts.payload)?)?);
    decode(parts.signature)?;
    for json in [&header, &claims] {
        crate::json::check(json).map_err(|_| Rejection::Malformed)?;
    }
    Ok((header, claims))
}

/// The three parts of a compact token, still encoded.
struct Parts<'t> {
    signing_input: &'t str,
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Parts<'t> {
    fn split(token: &'t str) -> Result<Self, Rejection> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(Rejection::Malformed);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(Rejection::Malformed)?;
        // A fourth part would leave a dot in the payload, which is not base64url.
        let (header, payload) = signing_input.split_once('.').ok_or(Rejection::Malformed)?;
        Ok(Self { signing_input, header, payload, signature })
    }

    /// Header, payload and signature.
    fn decode(&self) -> Result<(String, Vec<u8>, Vec<u8>), Rejection> {
        Ok((self.header()?, decode(self.payload)?, decode(self.signature)?))
    }

    fn header(&self) -> Result<String, Rejection> {
        text(decode(self.header)?)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Rejection> {
    base64url::decode(part).ok_or(Rejection::Malformed)
}

pub(crate) fn text(bytes: Vec<u8>) -> Result<String, Rejection> {
    String::from_utf8(bytes).map_err(|_| Rejection::Malformed)
}
