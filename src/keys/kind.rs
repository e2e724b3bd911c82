//! The kind of a key that signs.

use jose::Algorithm;

/// An algorithm and, for RSA, the size of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyKind {
    /// The JWS algorithm.
    pub algorithm: Algorithm,
    /// The size of a new RSA key, in bits; for other kinds there is no choice.
    pub rsa_bits: u32,
}
