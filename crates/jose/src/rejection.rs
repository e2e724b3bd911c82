//! Why a token was refused.

/// Why a token was refused. Neither the messages nor the codes contain any part of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejection {
    /// Not a compact JWS of at most 16 KiB whose header and claims are strict JSON objects.
    #[error("the token is not a well-formed JWT")]
    Malformed,
    /// `alg` is not the name of an algorithm of this crate, or not the one that the key is bound to.
    #[error("the token's algorithm is not accepted")]
    UnsupportedAlg,
    /// The header has no `kid`, or no key has this one.
    #[error("the token is not signed by a known key")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the token's signature is invalid")]
    BadSignature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iss` is missing or has another value.
    #[error("the token was not issued by the expected issuer")]
    WrongIssuer,
    /// `aud` is missing or only names others.
    #[error("the token is not meant for this audience")]
    WrongAudience,
    /// A claim (or `typ`) has a type or value that is not allowed, or a required one is missing.
    #[error("the token's \"{0}\" is missing or invalid")]
    InvalidClaim(&'static str),
    /// The header has `crit` or `b64`: extensions that a verifier must understand. This crate understands no
    /// extensions.
    #[error("the token demands extensions that are not supported")]
    UnsupportedCrit,
}

impl Rejection {
    /// The stable machine-readable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnsupportedAlg => "unsupported_alg",
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::InvalidClaim(_) => "invalid_claim",
            Self::UnsupportedCrit => "unsupported_crit",
        }
    }
}
