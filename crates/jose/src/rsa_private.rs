//! The numbers of an RSA private key, for code that computes with them.

use zeroize::Zeroizing;

use crate::der::{Reader, SEQUENCE};

/// The numbers of an RSA private key (RFC 8017 §3.2), big-endian without leading zeros; wiped when dropped.
pub struct RsaPrivateNumbers {
    /// The modulus `p·q`.
    pub n: Vec<u8>,
    /// The first prime.
    pub p: Zeroizing<Vec<u8>>,
    /// The second prime.
    pub q: Zeroizing<Vec<u8>>,
    /// The private exponent modulo `p − 1`.
    pub dp: Zeroizing<Vec<u8>>,
    /// The private exponent modulo `q − 1`.
    pub dq: Zeroizing<Vec<u8>>,
    /// `1/q` modulo `p`.
    pub q_inverse: Zeroizing<Vec<u8>>,
}

impl RsaPrivateNumbers {
    /// Reads an RSAPrivateKey (RFC 8017 A.1.2).
    pub(crate) fn of_private_key(der: &[u8]) -> Option<Self> {
        let mut key = Reader::new(der).enter(SEQUENCE)?;
        key.natural()?; // the version
        let n = key.natural()?.to_vec();
        key.natural()?; // the public exponent
        key.natural()?; // the private exponent
        let mut secret = || key.natural().map(|number| Zeroizing::new(number.to_vec()));
        Some(Self { n, p: secret()?, q: secret()?, dp: secret()?, dq: secret()?, q_inverse: secret()? })
    }
}
