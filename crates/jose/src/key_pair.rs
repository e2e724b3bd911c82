//! The library's key pairs, and the operations of each kind.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, PqdsaKeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::der::OCTET_STRING;
use crate::family::Family;
use crate::rsa_strength::RsaNumbers;
use crate::{Algorithm, KeyError, key_kind};

/// The library's key pairs.
pub enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl Pair {
    /// An RSA pair for one of the two RSA algorithms.
    pub fn rsa(pair: RsaKeyPair, algorithm: Algorithm) -> Self {
        Self::Rsa(pair, padding(algorithm))
    }

    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let key = key_kind::open_pkcs8(algorithm, der)?;
        let pair = match Family::of(algorithm) {
            Family::Rsa => {
                RsaNumbers::of_private_key(key)?.require_strong()?;
                RsaKeyPair::from_pkcs8(der).map(|pair| Self::Rsa(pair, padding(algorithm)))
            }
            Family::P256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self::Ecdsa),
            Family::Ed25519 => Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519),
            // This is only the expanded form; the seed, and both together, have other tags (RFC 9881 §6).
            Family::MlDsa(_) if key.first() == Some(&OCTET_STRING) => return Err(KeyError::NoSeed),
            Family::MlDsa(parameters) => PqdsaKeyPair::from_pkcs8(parameters, der).map(Self::MlDsa),
        };
        pair.map_err(|_| KeyError::Malformed)
    }

    pub fn public_der(&self) -> Result<Vec<u8>, Unspecified> {
        let der = match self {
            Self::Rsa(pair, _) => pair.public_key().as_der(),
            Self::Ecdsa(pair) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
            Self::MlDsa(pair) => pair.public_key().as_der(),
        };
        der.map(|der| der.as_ref().to_vec())
    }

    pub fn pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let der = match self {
            Self::Rsa(pair, _) => pair.as_der()?.as_ref().to_vec(),
            Self::Ecdsa(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Ed25519(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
            Self::MlDsa(pair) => pair.to_pkcs8v1()?.as_ref().to_vec(),
        };
        Ok(Zeroizing::new(der))
    }

    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        // aws-lc draws its own random numbers; the parameter is kept for compatibility with ring.
        let rng = SystemRandom::new();
        match self {
            Self::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &rng, message, &mut signature)?;
                Ok(signature)
            }
            Self::Ecdsa(pair) => Ok(pair.sign(&rng, message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
            Self::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

fn padding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    if algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 }
}
