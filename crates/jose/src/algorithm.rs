//! The signature algorithms of RFC 7518 §3, RFC 8037 and RFC 9964 that this crate implements.

use std::fmt;
use std::str::FromStr;

/// A JWS signature algorithm. Each key is bound to exactly one (RFC 8725 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 7518 §3.5).
    Ps256,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// Ed25519 (RFC 8037 §3.1).
    EdDsa,
    /// ML-DSA-44: the lattice signatures of FIPS 204 with an empty context, security category 2 (RFC 9964 §5).
    MlDsa44,
    /// ML-DSA-65, security category 3 (RFC 9964 §5).
    MlDsa65,
    /// ML-DSA-87, security category 5 (RFC 9964 §5).
    MlDsa87,
}

impl Algorithm {
    /// Every algorithm, in the order of preference of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa, Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];

    /// The registered JWA name, as written into `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// The algorithm that a received `alg` names: the JWA names, and `Ed25519`, which RFC 9864 §2.2
    /// registers as the fully specified name of the only EdDSA variant spoken here.
    pub(crate) fn of_header(alg: &str) -> Option<Self> {
        if alg == "Ed25519" { Some(Self::EdDsa) } else { alg.parse().ok() }
    }

    /// The `kty` of its keys' JWKs (RFC 7518 §6.1, RFC 8037 §2, RFC 9964 §3).
    pub const fn kty(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Ps256 => "RSA",
            Self::Es256 => "EC",
            Self::EdDsa => "OKP",
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => "AKP",
        }
    }

    /// Whether keys of this algorithm are RSA keys.
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Ps256)
    }

    /// Whether it resists all known attacks by quantum computers. Keys of such an algorithm have a `kty` that
    /// many verifiers do not know, and some of those refuse the whole key set that contains one.
    pub const fn is_post_quantum(self) -> bool {
        matches!(self, Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of an algorithm. JWA names are case-sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm must be one of RS256, PS256, ES256, EdDSA, ML-DSA-44, ML-DSA-65 and ML-DSA-87")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_and_only_exactly() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
            assert_eq!(algorithm.name().to_lowercase().parse::<Algorithm>(), Err(UnknownAlgorithm));
        }
        for other in
            ["", "none", "HS256", "RS384", "ES256K", "Ed25519", "ML-DSA", "MLDSA44", " RS256", "RS256\0"]
        {
            assert_eq!(other.parse::<Algorithm>(), Err(UnknownAlgorithm));
        }
    }

    #[test]
    fn only_keys_of_the_type_akp_are_post_quantum() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.is_post_quantum(), algorithm.kty() == "AKP", "{algorithm}");
        }
    }

    #[test]
    fn a_header_may_use_the_fully_specified_name_of_ed25519() {
        assert_eq!(Algorithm::of_header("Ed25519"), Some(Algorithm::EdDsa));
        assert_eq!(Algorithm::of_header("Ed448"), None);
    }
}
