//! Public keys: parsed once, cheap to clone, bound to one algorithm.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ML_DSA_44, ML_DSA_65, ML_DSA_87, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};

use crate::family::Family;
use crate::pem::Label;
use crate::rsa_strength::{EXPONENT, RsaNumbers};
use crate::{Algorithm, Jwk, KeyError, base64url, key_kind, pem};

/// A public key with its algorithm. Clones share one parsed key; equality is that of the key's bytes
/// (its SubjectPublicKeyInfo), not of the algorithm.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Parsed>);

struct Parsed {
    algorithm: Algorithm,
    key: ParsedPublicKey,
    numbers: PublicNumbers,
    bits: u32,
    spki_der: Vec<u8>,
    spki_pem: String,
}

/// The members of a JWK that make up a public key, base64url-encoded (RFC 7518 §6, RFC 8037 §2,
/// RFC 9964 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicNumbers {
    Rsa { n: String, e: String },
    P256 { x: String, y: String },
    Ed25519 { x: String },
    MlDsa { public: String },
}

impl VerifyingKey {
    /// Reads a PEM SubjectPublicKeyInfo (`PUBLIC KEY`). A byte order mark, CRLF and blank lines around
    /// the one block are tolerated.
    ///
    /// # Errors
    /// Any [`KeyError`] about PEM, kind or strength; `PrivateKey` for a private key.
    pub fn from_spki_pem(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        match pem::only_block(text)? {
            (Label::Spki, der) => Self::from_spki_der(algorithm, &der),
            (Label::Pkcs1Public, der) => {
                key_kind::require_rsa(algorithm)?;
                Self::from_rsa_numbers(algorithm, RsaNumbers::of_public_key(&der)?)
            }
            (Label::Pkcs8 | Label::Pkcs1 | Label::Sec1, _) => Err(KeyError::PrivateKey),
        }
    }

    /// Reads a JWK for the algorithm that its `alg` names. Without `alg`, an RSA key counts as `RS256`.
    ///
    /// # Errors
    /// `InvalidJwk`, `WrongKind`, or an error about the key's strength.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        Self::from_jwk_for(jwk.algorithm()?, jwk)
    }

    /// Reads a JWK for this algorithm; `alg`, if present, must agree.
    ///
    /// # Errors
    /// `InvalidJwk`, `WrongKind`, or an error about the key's strength.
    pub fn from_jwk_for(algorithm: Algorithm, jwk: &Jwk) -> Result<Self, KeyError> {
        jwk.require_use_for(algorithm)?;
        match jwk.public_bytes(algorithm)? {
            PublicBytes::Rsa { n, e } => Self::from_rsa_numbers(algorithm, RsaNumbers { n: &n, e: &e }),
            PublicBytes::P256(key) | PublicBytes::Ed25519(key) | PublicBytes::MlDsa(key) => {
                Self::from_raw(algorithm, &key)
            }
        }
    }

    fn from_rsa_numbers(algorithm: Algorithm, numbers: RsaNumbers<'_>) -> Result<Self, KeyError> {
        numbers.require_strong()?;
        let RsaNumbers { n, e } = numbers;
        let der = RsaPublicKeyComponents { n, e }.as_der().map_err(|_| KeyError::Malformed)?;
        Self::from_spki_der(algorithm, der.as_ref())
    }

    fn from_raw(algorithm: Algorithm, key: &[u8]) -> Result<Self, KeyError> {
        let key = ParsedPublicKey::new(verification(algorithm), key).map_err(|_| KeyError::Malformed)?;
        let der = key.as_der().map_err(|_| KeyError::Malformed)?;
        Self::from_spki_der(algorithm, der.as_ref())
    }

    /// Reads a DER SubjectPublicKeyInfo. Every public key is checked here: its kind, its strength, then
    /// aws-lc's own checks (such as that a point is on its curve).
    ///
    /// # Errors
    /// `Malformed`, `WrongKind`, or an error about the key's strength.
    pub fn from_spki_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let content = key_kind::open_spki(algorithm, der)?;
        if algorithm.is_rsa() {
            RsaNumbers::of_public_key(content)?.require_strong()?;
        }
        let key = ParsedPublicKey::new(verification(algorithm), der).map_err(|_| KeyError::Malformed)?;
        // Written anew, so that one key has one encoding (uncompressed points, NULL parameters).
        let spki_der = key.as_der().map_err(|_| KeyError::Malformed)?.as_ref().to_vec();
        let (numbers, bits) = numbers_of(algorithm, &spki_der)?;
        let spki_pem = pem::of_spki(&spki_der)?;
        Ok(Self(Arc::new(Parsed { algorithm, key, numbers, bits, spki_der, spki_pem })))
    }

    /// The only algorithm this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The length in bits of the RSA modulus or of the encoded ML-DSA public key; 256 for the elliptic curves.
    pub fn bits(&self) -> u32 {
        self.0.bits
    }

    /// The length in bytes of its signatures.
    pub fn signature_len(&self) -> usize {
        match Family::of(self.0.algorithm) {
            Family::Rsa => self.0.bits.div_ceil(8) as usize,
            Family::P256 | Family::Ed25519 => 64,
            Family::MlDsa(parameters) => parameters.signature_len(),
        }
    }

    /// The SubjectPublicKeyInfo as PEM, with the bytes that OpenSSL and Node.js write.
    pub fn to_spki_pem(&self) -> String {
        self.0.spki_pem.clone()
    }

    /// The JWK (RFC 7517) with `use`, `key_ops`, `alg` and this `kid`.
    pub fn to_jwk(&self, kid: &str) -> Jwk {
        Jwk::of_public_key(self.0.algorithm, &self.0.numbers, kid)
    }

    /// The JWK thumbprint with SHA-256, base64url-encoded (RFC 7638 §3, RFC 9964 §6).
    pub fn thumbprint(&self) -> String {
        // The numbers are base64url, so nothing must be escaped. The members are in lexicographic order.
        let canonical = match &self.0.numbers {
            PublicNumbers::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            PublicNumbers::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            PublicNumbers::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            PublicNumbers::MlDsa { public } => {
                format!(r#"{{"alg":"{}","kty":"AKP","pub":"{public}"}}"#, self.0.algorithm)
            }
        };
        base64url::encode(digest(&SHA256, canonical.as_bytes()).as_ref())
    }

    /// Whether `signature` is this key's JWS signature value over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.key.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki_der == other.0.spki_der
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyingKey").field(&self.0.algorithm).finish()
    }
}

/// The decoded numbers of a JWK; EC points in the uncompressed form of SEC 1.
pub enum PublicBytes {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
    MlDsa(Vec<u8>),
}

fn verification(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::EdDsa => &ED25519,
        Algorithm::MlDsa44 => &ML_DSA_44,
        Algorithm::MlDsa65 => &ML_DSA_65,
        Algorithm::MlDsa87 => &ML_DSA_87,
    }
}

fn numbers_of(algorithm: Algorithm, spki_der: &[u8]) -> Result<(PublicNumbers, u32), KeyError> {
    match (Family::of(algorithm), key_kind::open_spki(algorithm, spki_der)?) {
        (Family::Rsa, key) => {
            let numbers = RsaNumbers::of_public_key(key)?;
            let (n, e) = (base64url::encode(numbers.n), base64url::encode(&EXPONENT));
            Ok((PublicNumbers::Rsa { n, e }, numbers.bits()))
        }
        (Family::P256, [4, point @ ..]) if point.len() == 64 => {
            let (x, y) = point.split_at(32);
            Ok((PublicNumbers::P256 { x: base64url::encode(x), y: base64url::encode(y) }, 256))
        }
        (Family::Ed25519, point) if point.len() == 32 => {
            Ok((PublicNumbers::Ed25519 { x: base64url::encode(point) }, 256))
        }
        (Family::MlDsa(parameters), key) if key.len() == parameters.public_key_len() => {
            let bits = u32::try_from(key.len() * 8).unwrap_or(u32::MAX);
            Ok((PublicNumbers::MlDsa { public: base64url::encode(key) }, bits))
        }
        _ => Err(KeyError::Malformed),
    }
}
