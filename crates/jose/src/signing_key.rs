//! Private keys: parsed once, bound to one algorithm, hidden in `Debug`.

use std::fmt;

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, PqdsaKeyPair, RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::family::Family;
use crate::key_pair::Pair;
use crate::pem::Label;
use crate::private_jwk::PrivateJwk;
use crate::rsa_private::RsaPrivateNumbers;
use crate::rsa_strength::RsaNumbers;
use crate::{Algorithm, KeyError, VerifyingKey, key_kind, pem, rsa_encoding};

/// A private key with its algorithm and its public half.
pub struct SigningKey {
    pair: Pair,
    verifying: VerifyingKey,
}

/// The library refused to sign. This happens only if the process has no memory or no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library could not sign")]
pub struct SignError;

impl SigningKey {
    /// Makes a new key. `rsa_bits` is 2048, 3072 or 4096; the other algorithms ignore it. RSA keys take
    /// from a tenth of a second to several seconds of processor time.
    ///
    /// # Errors
    /// `TooWeak` or `UnsupportedSize` for another `rsa_bits`; `Generation`.
    pub fn generate(algorithm: Algorithm, rsa_bits: u32) -> Result<Self, KeyError> {
        let pair = match Family::of(algorithm) {
            Family::Rsa => {
                let size = rsa_key_size(rsa_bits)?;
                RsaKeyPair::generate(size).map(|pair| Pair::rsa(pair, algorithm))
            }
            Family::P256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::Ecdsa),
            Family::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            Family::MlDsa(parameters) => PqdsaKeyPair::generate(parameters).map(Pair::MlDsa),
        };
        Self::of_pair(algorithm, pair.map_err(|_| KeyError::Generation)?)
    }

    /// Reads an unencrypted PEM private key: PKCS#8, or PKCS#1 for RSA, or SEC1 for EC. A byte order
    /// mark, CRLF and blank lines around the one block are tolerated.
    ///
    /// # Errors
    /// Any [`KeyError`] about PEM, kind or strength; `PublicKey` for a public key; `NoSeed` for an ML-DSA key without it.
    pub fn from_pem(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let pair = match pem::only_block(text)? {
            (Label::Pkcs8, der) => Pair::from_pkcs8(algorithm, &der)?,
            (Label::Pkcs1, der) => {
                key_kind::require_rsa(algorithm)?;
                RsaNumbers::of_private_key(&der)?.require_strong()?;
                let pair = RsaKeyPair::from_der(&der).map_err(|_| KeyError::Malformed)?;
                Pair::rsa(pair, algorithm)
            }
            (Label::Sec1, der) => {
                key_kind::require_sec1(algorithm, &der)?;
                let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
                Pair::Ecdsa(pair.map_err(|_| KeyError::Malformed)?)
            }
            (Label::Spki | Label::Pkcs1Public, _) => return Err(KeyError::PublicKey),
        };
        Self::of_pair(algorithm, pair)
    }

    /// Reads a private JWK, and its `kid` if it has one. Without `alg`, the key is for `preferred` if that fits its kind, else
    /// for the usual algorithm of its kind.
    ///
    /// # Errors
    /// `InvalidJwk`, `Malformed`, or the errors of weak RSA keys.
    pub fn from_jwk(preferred: Algorithm, text: &str) -> Result<(Self, Option<String>), KeyError> {
        let jwk = PrivateJwk::from_json(text)?;
        let algorithm = jwk.algorithm(preferred)?;
        let key = Self::of_pair(algorithm, jwk.pair(algorithm)?)?;
        Ok((key, jwk.kid().map(str::to_owned)))
    }

    fn of_pair(algorithm: Algorithm, pair: Pair) -> Result<Self, KeyError> {
        let spki = pair.public_der().map_err(|_| KeyError::Malformed)?;
        let verifying = VerifyingKey::from_spki_der(algorithm, &spki)?;
        Ok(Self { pair, verifying })
    }

    /// The key as PEM PKCS#8 version 1, which every tool reads; for an ML-DSA key it contains the seed (RFC
    /// 9881 §6). The text is wiped when dropped.
    ///
    /// # Errors
    /// `Malformed` if the library cannot write the key.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der = self.pair.pkcs8_der().map_err(|_| KeyError::Malformed)?;
        pem::of_pkcs8(&der)
    }

    /// The only algorithm this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The JWS signature value over `message` (RFC 7518 §3, RFC 8037 §3.1, RFC 9964 §5); for `ES256` it is
    /// `r || s`.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.pair.sign(message).map_err(|_| SignError)
    }

    /// The numbers of an RSA key; `None` for other keys.
    pub fn rsa_numbers(&self) -> Option<RsaPrivateNumbers> {
        let algorithm = self.algorithm();
        if !algorithm.is_rsa() {
            return None;
        }
        let der = self.pair.pkcs8_der().ok()?;
        RsaPrivateNumbers::of_private_key(key_kind::open_pkcs8(algorithm, &der).ok()?)
    }

    /// The number whose private power is the signature over `message` (RFC 8017 §9), as long as the modulus; `None` for keys other than
    /// RSA. `PS256` takes a fresh random `salt`, `RS256` ignores it.
    pub fn rsa_encoding(&self, message: &[u8], salt: &[u8; 32]) -> Option<Vec<u8>> {
        let len = self.verifying.bits().div_ceil(8) as usize;
        match self.algorithm() {
            Algorithm::Rs256 => Some(rsa_encoding::pkcs1(message, len)),
            Algorithm::Ps256 => Some(rsa_encoding::pss(message, salt, len)),
            _ => None,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.algorithm()).finish()
    }
}

fn rsa_key_size(bits: u32) -> Result<KeySize, KeyError> {
    match bits {
        2048 => Ok(KeySize::Rsa2048),
        3072 => Ok(KeySize::Rsa3072),
        4096 => Ok(KeySize::Rsa4096),
        0..2048 => Err(KeyError::TooWeak { bits }),
        _ => Err(KeyError::UnsupportedSize),
    }
}
