//! What kind of key signs.

use jose::Algorithm;

/// An algorithm and, for RSA, the size of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyKind {
    /// The JWS algorithm.
    pub algorithm: Algorithm,
    /// The size of a new RSA key, in bits; keys of other kinds have no choice of size.
    pub rsa_bits: u32,
}
