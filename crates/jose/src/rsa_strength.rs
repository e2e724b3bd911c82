//! The conditions under which RSA public keys are strong enough: size, exponent, and the ROCA fingerprint.

use std::ops::RangeInclusive;

use crate::KeyError;
use crate::der::{Reader, SEQUENCE};

/// Accepted lengths of the modulus in bits: RFC 7518 §3.3 sets the minimum, and the cost of verifying the
/// maximum.
const ACCEPTED_BITS: RangeInclusive<u32> = 2048..=8192;

/// 65537, big-endian. Smaller exponents allow padding attacks, larger ones make every verifier slower.
pub const EXPONENT: [u8; 3] = [1, 0, 1];

/// The primes that distinguish ROCA moduli (CVE-2017-15361) from random ones: modulo each of them, 65537
/// generates a proper subgroup. A random modulus passes all of them by chance once in 2^27.
const ROCA_PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// The numbers of an RSA public key, big-endian without leading zeros.
#[derive(Clone, Copy)]
pub struct RsaNumbers<'a> {
    pub n: &'a [u8],
    pub e: &'a [u8],
}

impl<'a> RsaNumbers<'a> {
    /// Reads an RSAPublicKey (RFC 8017 A.1.1).
    ///
    /// # Errors
    /// `Malformed`.
    pub fn of_public_key(der: &'a [u8]) -> Result<Self, KeyError> {
        let mut outer = Reader::new(der);
        let numbers = outer.enter(SEQUENCE).and_then(|mut key| {
            let numbers = Self { n: key.natural()?, e: key.natural()? };
            (key.is_empty() && outer.is_empty()).then_some(numbers)
        });
        numbers.ok_or(KeyError::Malformed)
    }

    /// Reads the public half of an RSAPrivateKey (RFC 8017 A.1.2).
    ///
    /// # Errors
    /// `Malformed`.
    pub fn of_private_key(der: &'a [u8]) -> Result<Self, KeyError> {
        let mut outer = Reader::new(der);
        let numbers = outer.enter(SEQUENCE).and_then(|mut key| {
            key.natural()?; // the version
            let numbers = Self { n: key.natural()?, e: key.natural()? };
            outer.is_empty().then_some(numbers) // aws-lc overlooks what follows
        });
        numbers.ok_or(KeyError::Malformed)
    }

    /// The length of the modulus in bits.
    pub fn bits(&self) -> u32 {
        let leading = self.n.first().map_or(0, |first| first.leading_zeros());
        u32::try_from(self.n.len() * 8).unwrap_or(u32::MAX).saturating_sub(leading)
    }

    /// # Errors
    /// `TooWeak`, `TooLarge`, `WeakExponent` or `Roca`.
    pub fn require_strong(&self) -> Result<(), KeyError> {
        let bits = self.bits();
        if bits < *ACCEPTED_BITS.start() {
            return Err(KeyError::TooWeak { bits });
        }
        if bits > *ACCEPTED_BITS.end() {
            return Err(KeyError::TooLarge { bits });
        }
        if self.e != EXPONENT {
            return Err(KeyError::WeakExponent);
        }
        if ROCA_PRIMES.iter().all(|&prime| is_power_of_65537(remainder(self.n, prime), prime)) {
            return Err(KeyError::Roca);
        }
        Ok(())
    }
}

fn remainder(n: &[u8], prime: u32) -> u32 {
    n.iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % prime)
}

/// Whether `residue` lies in the subgroup that 65537 generates modulo `prime`.
fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let generator = 65537 % prime;
    let powers = std::iter::successors(Some(generator), |power| Some(power * generator % prime));
    // The powers return to 1 after at most prime − 1 steps.
    powers.take(prime as usize).any(|power| power == residue)
}
