//! Distinguishes keys by the object identifiers in their DER (RFC 5280, 5480, 5915, 5958, 8410, 9881).

use crate::der::{BIT_STRING, CONTEXT_0, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE};
use crate::{Algorithm, KeyError};

/// The kinds of key for which this crate has an algorithm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
    Other(&'static str),
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "an RSA key",
            Self::P256 => "an EC P-256 key",
            Self::Ed25519 => "an Ed25519 key",
            Self::MlDsa44 => "an ML-DSA-44 key",
            Self::MlDsa65 => "an ML-DSA-65 key",
            Self::MlDsa87 => "an ML-DSA-87 key",
            Self::Other(name) => name,
        }
    }

    const fn needed_by(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Self::Rsa,
            Algorithm::Es256 => Self::P256,
            Algorithm::EdDsa => Self::Ed25519,
            Algorithm::MlDsa44 => Self::MlDsa44,
            Algorithm::MlDsa65 => Self::MlDsa65,
            Algorithm::MlDsa87 => Self::MlDsa87,
        }
    }

    fn require_for(self, algorithm: Algorithm) -> Result<(), KeyError> {
        let needed = Self::needed_by(algorithm);
        if self == needed {
            Ok(())
        } else {
            Err(KeyError::WrongKind { found: self.name(), expected: needed.name() })
        }
    }
}

/// Opens a SubjectPublicKeyInfo (RFC 5280 §4.1): the content of its BIT STRING.
///
/// # Errors
/// `WrongKind`, or `Malformed`.
pub fn open_spki(algorithm: Algorithm, der: &[u8]) -> Result<&[u8], KeyError> {
    let (identifier, bits) = spki_parts(der).ok_or(KeyError::Malformed)?;
    identified(identifier)?.require_for(algorithm)?;
    bits.strip_prefix(&[0]).ok_or(KeyError::Malformed)
}

/// Opens a PKCS#8 private key (RFC 5958 §2): the content of its OCTET STRING.
///
/// # Errors
/// `WrongKind`, or `Malformed`.
pub fn open_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<&[u8], KeyError> {
    let (identifier, key) = pkcs8_parts(der).ok_or(KeyError::Malformed)?;
    identified(identifier)?.require_for(algorithm)?;
    Ok(key)
}

/// Checks that a PKCS#1 key (RFC 8017) is what the algorithm needs.
///
/// # Errors
/// `WrongKind`.
pub fn require_rsa(algorithm: Algorithm) -> Result<(), KeyError> {
    Kind::Rsa.require_for(algorithm)
}

/// Checks that a SEC1 private key (RFC 5915 §3) lies on the curve that the algorithm needs.
///
/// # Errors
/// `WrongKind`, or `Malformed` (also if the curve is left out).
pub fn require_sec1(algorithm: Algorithm, der: &[u8]) -> Result<(), KeyError> {
    let curve = sec1_curve(der).ok_or(KeyError::Malformed)?;
    curve_kind(curve).require_for(algorithm)
}

fn spki_parts(der: &[u8]) -> Option<(Reader<'_>, &[u8])> {
    let mut outer = Reader::new(der);
    let mut spki = outer.enter(SEQUENCE)?;
    let identifier = spki.enter(SEQUENCE)?;
    let bits = spki.take(BIT_STRING)?;
    (outer.is_empty() && spki.is_empty()).then_some((identifier, bits))
}

fn pkcs8_parts(der: &[u8]) -> Option<(Reader<'_>, &[u8])> {
    let mut outer = Reader::new(der);
    let mut info = outer.enter(SEQUENCE)?;
    info.take(INTEGER)?;
    let identifier = info.enter(SEQUENCE)?;
    let key = info.take(OCTET_STRING)?;
    // Attributes, and in version 2 the public key, may follow.
    outer.is_empty().then_some((identifier, key))
}

fn sec1_curve(der: &[u8]) -> Option<&[u8]> {
    let mut outer = Reader::new(der);
    let mut key = outer.enter(SEQUENCE)?;
    key.take(INTEGER)?;
    key.take(OCTET_STRING)?;
    let curve = key.enter(CONTEXT_0)?.take(OBJECT_IDENTIFIER)?;
    outer.is_empty().then_some(curve) // aws-lc overlooks what follows
}

/// The kind that an AlgorithmIdentifier names.
fn identified(mut identifier: Reader<'_>) -> Result<Kind, KeyError> {
    let oid = identifier.take(OBJECT_IDENTIFIER).ok_or(KeyError::Malformed)?;
    Ok(match oid {
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1] => Kind::Rsa,
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10] => Kind::Other("an RSA key restricted to PSS"),
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1] => match identifier.take(OBJECT_IDENTIFIER) {
            Some(curve) => curve_kind(curve),
            None => Kind::Other("an EC key with explicit curve parameters"),
        },
        [0x2B, 0x65, 0x70] => Kind::Ed25519,
        [0x2B, 0x65, 0x71] => Kind::Other("an Ed448 key"),
        [0x2B, 0x65, 0x6E] => Kind::Other("an X25519 key"),
        [0x2B, 0x65, 0x6F] => Kind::Other("an X448 key"),
        [0x2A, 0x86, 0x48, 0xCE, 0x38, 4, 1] => Kind::Other("a DSA key"),
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11] => Kind::MlDsa44,
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12] => Kind::MlDsa65,
        [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13] => Kind::MlDsa87,
        _ => Kind::Other("a key of an unknown kind"),
    })
}

/// The kind of the keys on a named curve (RFC 5480 §2.1.1.1).
fn curve_kind(curve: &[u8]) -> Kind {
    match curve {
        [0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7] => Kind::P256,
        [0x2B, 0x81, 4, 0, 0x22] => Kind::Other("an EC P-384 key"),
        [0x2B, 0x81, 4, 0, 0x23] => Kind::Other("an EC P-521 key"),
        [0x2B, 0x81, 4, 0, 0x0A] => Kind::Other("an EC secp256k1 key"),
        _ => Kind::Other("an EC key on an unknown curve"),
    }
}
