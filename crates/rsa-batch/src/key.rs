//! Keys: their numbers, read and prepared once.

use std::fmt;
use std::sync::Mutex;

use zeroize::{Zeroize, Zeroizing};

use crate::blinding::Pair;
use crate::integer::{self, Constants, Limbs};
use crate::reveal::reveal;

/// The only public exponent.
pub const EXPONENT: u64 = 65537;

/// The numbers of a private key, big-endian (RFC 8017 §3.2).
#[derive(Clone, Copy)]
pub struct PrivateNumbers<'a> {
    /// The modulus `p·q`.
    pub n: &'a [u8],
    /// The first prime.
    pub p: &'a [u8],
    /// The second prime.
    pub q: &'a [u8],
    /// `1/65537` modulo `p − 1`.
    pub dp: &'a [u8],
    /// `1/65537` modulo `q − 1`.
    pub dq: &'a [u8],
    /// `1/q` modulo `p`.
    pub q_inverse: &'a [u8],
}

/// Why a key cannot be used here. It may be a valid key for another library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The modulus has not 2048, 3072 or 4096 bits, or a prime has not half as many.
    #[error("the modulus has not 2048, 3072 or 4096 bits, or its primes are not half as long")]
    Size,
    /// The numbers do not belong together.
    #[error("the numbers do not make a key")]
    Numbers,
}

/// A private key for the public exponent 65537. Wiped when dropped.
pub struct PrivateKey(pub(crate) Sizes);

pub(crate) enum Sizes {
    Bits2048(Box<Crt<20, 40>>),
    Bits3072(Box<Crt<30, 60>>),
    Bits4096(Box<Crt<40, 80>>),
}

/// A public key with the exponent 65537.
pub struct PublicKey(pub(crate) PublicSizes);

pub(crate) enum PublicSizes {
    Bits2048(Box<Constants<40>>),
    Bits3072(Box<Constants<60>>),
    Bits4096(Box<Constants<80>>),
}

/// A private key whose primes have `N` limbs and whose modulus has `M`.
pub(crate) struct Crt<const N: usize, const M: usize> {
    pub n: Constants<M>,
    pub p: Prime<N>,
    pub q: Prime<N>,
    pub q_inverse: Limbs<N>,
    /// Blinding pairs that are not in use.
    pub pairs: Mutex<Vec<Pair<M>>>,
}

/// One of the two primes.
pub(crate) struct Prime<const N: usize> {
    pub constants: Constants<N>,
    /// `d` modulo `p − 1`, in windows.
    pub exponent: Zeroizing<Vec<u8>>,
    /// `−65537` modulo `p − 1`, in windows.
    pub blinding_exponent: Zeroizing<Vec<u8>>,
}

impl PrivateKey {
    /// Prepares a key. It takes about a millisecond.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new(numbers: &PrivateNumbers<'_>) -> Result<Self, KeyError> {
        Ok(Self(match numbers.n.len() * 8 {
            2048 => Sizes::Bits2048(Box::new(Crt::new(numbers)?)),
            3072 => Sizes::Bits3072(Box::new(Crt::new(numbers)?)),
            4096 => Sizes::Bits4096(Box::new(Crt::new(numbers)?)),
            _ => return Err(KeyError::Size),
        }))
    }

    /// The length of the modulus in bits: 2048, 3072 or 4096.
    pub fn bits(&self) -> usize {
        match self.0 {
            Sizes::Bits2048(_) => 2048,
            Sizes::Bits3072(_) => 3072,
            Sizes::Bits4096(_) => 4096,
        }
    }
}

impl PublicKey {
    /// Prepares a key from its big-endian modulus. It takes about a millisecond.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn new(n: &[u8]) -> Result<Self, KeyError> {
        Ok(Self(match n.len() * 8 {
            2048 => PublicSizes::Bits2048(Box::new(modulus(n)?)),
            3072 => PublicSizes::Bits3072(Box::new(modulus(n)?)),
            4096 => PublicSizes::Bits4096(Box::new(modulus(n)?)),
            _ => return Err(KeyError::Size),
        }))
    }

    /// The length of the modulus in bits: 2048, 3072 or 4096.
    pub fn bits(&self) -> usize {
        match self.0 {
            PublicSizes::Bits2048(_) => 2048,
            PublicSizes::Bits3072(_) => 3072,
            PublicSizes::Bits4096(_) => 4096,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.bits()).finish()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.bits()).finish()
    }
}

impl<const N: usize, const M: usize> Crt<N, M> {
    fn new(numbers: &PrivateNumbers<'_>) -> Result<Self, KeyError> {
        let half = numbers.n.len() / 2;
        if numbers.p.len() != half || numbers.q.len() != half {
            return Err(KeyError::Size);
        }
        if [numbers.dp, numbers.dq, numbers.q_inverse].iter().any(|number| number.len() > half) {
            return Err(KeyError::Numbers);
        }
        let n = modulus(numbers.n)?;
        let key = Self {
            n,
            p: Prime::new(numbers.p, numbers.dp),
            q: Prime::new(numbers.q, numbers.dq),
            q_inverse: integer::from_bytes(numbers.q_inverse),
            pairs: Mutex::default(),
        };
        let product: Zeroizing<Limbs<M>> =
            Zeroizing::new(integer::product(&key.p.constants.n, &key.q.constants.n));
        let unfit = unfit(numbers.p) | unfit(numbers.q) | integer::difference(&*product, &key.n.n);
        if reveal(unfit) == 0 { Ok(key) } else { Err(KeyError::Numbers) }
    }
}

impl<const N: usize> Prime<N> {
    fn new(prime: &[u8], exponent: &[u8]) -> Self {
        let constants = Constants::<N>::new(integer::from_bytes(prime));
        let bits = prime.len() * 8;
        let exponent: Zeroizing<Limbs<N>> = Zeroizing::new(integer::from_bytes(exponent));
        let blinding = Zeroizing::new(integer::minus(&constants.n, EXPONENT + 1));
        Self {
            constants,
            exponent: integer::windows(&*exponent, bits),
            blinding_exponent: integer::windows(&*blinding, bits),
        }
    }
}

fn modulus<const M: usize>(n: &[u8]) -> Result<Constants<M>, KeyError> {
    if unfit(n) == 0 { Ok(Constants::new(integer::from_bytes(n))) } else { Err(KeyError::Numbers) }
}

/// Zero for a number that can be a modulus: it fills its bytes and is odd.
fn unfit(bytes: &[u8]) -> u64 {
    let (first, last) = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
    u64::from(!first >> 7 | (!last & 1))
}

impl<const N: usize, const M: usize> Drop for Crt<N, M> {
    fn drop(&mut self) {
        self.p.constants.zeroize();
        self.q.constants.zeroize();
        self.q_inverse.zeroize();
    }
}
