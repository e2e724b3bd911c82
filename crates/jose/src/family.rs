//! The kinds of key that the algorithms need, with the parameters of the library for each.

use aws_lc_rs::signature::{ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaSigningAlgorithm};

use crate::Algorithm;

/// The kind of key that an algorithm needs.
pub enum Family {
    /// RSA, whatever the padding.
    Rsa,
    /// The elliptic curve P-256.
    P256,
    /// The Edwards curve Ed25519.
    Ed25519,
    /// ML-DSA with one of its parameter sets (FIPS 204 §4).
    MlDsa(&'static PqdsaSigningAlgorithm),
}

impl Family {
    /// The kind of key that this algorithm needs.
    pub const fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Self::Rsa,
            Algorithm::Es256 => Self::P256,
            Algorithm::EdDsa => Self::Ed25519,
            Algorithm::MlDsa44 => Self::MlDsa(&ML_DSA_44_SIGNING),
            Algorithm::MlDsa65 => Self::MlDsa(&ML_DSA_65_SIGNING),
            Algorithm::MlDsa87 => Self::MlDsa(&ML_DSA_87_SIGNING),
        }
    }
}
