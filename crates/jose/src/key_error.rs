//! Why a key was refused.

/// Why a key was refused. No message contains any part of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no PEM block in the text.
    #[error("this is not a PEM file: no \"-----BEGIN …-----\" line was found")]
    NotPem,
    /// The file holds binary DER.
    #[error("this is a binary (DER) file; convert it to PEM")]
    Binary,
    /// A key file holds exactly one key.
    #[error("the file holds more than one PEM block; exactly one is needed")]
    SeveralBlocks,
    /// The block is neither a private nor a public key.
    #[error("the PEM block is not a key (it may be a certificate, a request or parameters)")]
    NotAKey,
    /// The private key is protected by a passphrase.
    #[error("the private key is encrypted with a passphrase; decrypt it first")]
    Encrypted,
    /// The text is a public key, but a private key is needed.
    #[error("this is a public key; a private key is needed")]
    PublicKey,
    /// The text is a private key, but a public key is needed.
    #[error("this is a private key; a public key is needed")]
    PrivateKey,
    /// A valid key, but of another kind than the algorithm needs.
    #[error("this is {found}; {expected} is needed")]
    WrongKind {
        /// What the key is, with its article.
        found: &'static str,
        /// What the algorithm needs, with its article.
        expected: &'static str,
    },
    /// An RSA modulus below 2048 bits (RFC 7518 §3.3).
    #[error("the RSA key has {bits} bits; at least 2048 are needed")]
    TooWeak {
        /// The length of the modulus.
        bits: u32,
    },
    /// An RSA modulus above 8192 bits: verifying would cost too much.
    #[error("the RSA key has {bits} bits; at most 8192 are accepted")]
    TooLarge {
        /// The length of the modulus.
        bits: u32,
    },
    /// The size cannot be generated.
    #[error("RSA keys are generated with 2048, 3072 or 4096 bits")]
    UnsupportedSize,
    /// The RSA public exponent is not 65537.
    #[error("the public exponent of the RSA key is not 65537")]
    WeakExponent,
    /// The modulus has the fingerprint of a faulty generator.
    #[error("the RSA key comes from a flawed generator (ROCA, CVE-2017-15361) and can be factored")]
    Roca,
    /// Damaged, truncated or inconsistent.
    #[error("the key is damaged or not in the expected encoding")]
    Malformed,
    /// An ML-DSA key in the form that FIPS 204 expands from the seed. The seed cannot be computed from it,
    /// but this crate stores only the seed of a key (RFC 9881 §6, RFC 9964 §4).
    #[error("the ML-DSA key is stored without its seed; a key with its seed is needed")]
    NoSeed,
    /// A JWK that breaks RFC 7517, RFC 7518 §6, RFC 8037 §2 or RFC 9964 §3.
    #[error("the JWK is not acceptable: {0}")]
    InvalidJwk(&'static str),
    /// The library could not make a key.
    #[error("the cryptographic library could not generate a key")]
    Generation,
}
