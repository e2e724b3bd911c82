//! What kind of key signs.

use jose::Algorithm;

/// An algorithm and, for RSA, the size of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyKind {
    /// The JWS algorithm.
    pub algorithm: Algorithm,
    /// The size of a new RSA key; other kinds have but one.
    pub rsa_bits: u32,
}
