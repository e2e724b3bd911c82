//! One number at a time: bytes to limbs and back, and values that are computed once for each modulus. All of
//! it may be secret, so no code here branches on a limb.

use std::hint::black_box;

use zeroize::{Zeroize, Zeroizing};

use crate::line::{LIMB_BITS, LIMB_MASK};
use crate::look_up::WINDOW_BITS;

/// The limbs of a number, the lowest first.
pub type Limbs<const N: usize> = [u64; N];

/// Reads a big-endian number that fits.
pub fn from_bytes<const N: usize>(bytes: &[u8]) -> Limbs<N> {
    let mut limbs = [0; N];
    let (mut pending, mut bits, mut place) = (0_u64, 0, 0);
    for byte in bytes.iter().rev() {
        // At most 51 + 8 bits.
        pending |= u64::from(*byte) << bits;
        bits += u8::BITS;
        if bits >= LIMB_BITS {
            limbs[place] = pending & LIMB_MASK;
            pending >>= LIMB_BITS;
            bits -= LIMB_BITS;
            place += 1;
        }
    }
    if bits > 0 && place < N {
        limbs[place] = pending;
    }
    limbs
}

/// Writes a number that fits, big-endian.
pub fn to_bytes(limbs: &[u64], bytes: &mut [u8]) {
    let (mut pending, mut bits, mut limbs) = (0_u64, 0, limbs.iter());
    for byte in bytes.iter_mut().rev() {
        if bits < u8::BITS {
            pending |= limbs.next().copied().unwrap_or(0) << bits;
            bits += LIMB_BITS;
        }
        *byte = pending as u8;
        pending >>= u8::BITS;
        bits -= u8::BITS;
    }
}

/// `-1/n` modulo 2^52 for an odd `n`, of which the lowest limb is given.
pub fn negated_inverse(lowest: u64) -> u64 {
    let mut inverse = lowest; // right in three bits; each step doubles them
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg() & LIMB_MASK
}

/// `2^(2·52·N)` modulo `n`: one, doubled that many times.
pub fn r_squared<const N: usize>(n: &Limbs<N>) -> Limbs<N> {
    let mut power = Zeroizing::new([0; N]);
    power[0] = 1;
    for _ in 0..2 * LIMB_BITS as usize * N {
        double(&mut power, n);
    }
    *power
}

/// `value = 2·value` modulo `n`.
fn double<const N: usize>(value: &mut Limbs<N>, n: &Limbs<N>) {
    let (mut carry, mut borrow) = (0, 0);
    let mut less = Zeroizing::new([0; N]);
    for i in 0..N {
        let limb = 2 * value[i] + carry;
        carry = limb >> LIMB_BITS;
        value[i] = limb & LIMB_MASK;
        let limb = value[i].wrapping_sub(n[i]).wrapping_sub(borrow);
        borrow = limb >> 63;
        less[i] = limb & LIMB_MASK;
    }
    // n is below R / 4, so nothing was carried out of the highest limb. `borrow` is 1 if the double is below n.
    for i in 0..N {
        value[i] = choose(borrow, value[i], less[i]);
    }
}

/// `one` if the bit is 1, `zero` if it is 0.
#[inline(always)]
pub fn choose(bit: u64, one: u64, zero: u64) -> u64 {
    // This hides the value from the compiler, which otherwise makes a branch of it, or an address.
    let mask = black_box(bit).wrapping_neg();
    zero ^ ((zero ^ one) & mask)
}

/// `a − small`, for a number that is not smaller.
pub fn minus<const N: usize>(a: &Limbs<N>, small: u64) -> Limbs<N> {
    let mut borrow = small;
    a.map(|limb| {
        let limb = limb.wrapping_sub(borrow);
        borrow = limb >> 63;
        limb & LIMB_MASK
    })
}

/// Zero for two equal numbers.
pub fn difference(a: &[u64], b: &[u64]) -> u64 {
    a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b))
}

/// Whether `a` is below `b`. For numbers that are not secret.
pub fn is_below(a: &[u64], b: &[u64]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// `a·b`.
pub fn product<const N: usize, const M: usize>(a: &Limbs<N>, b: &Limbs<N>) -> Limbs<M> {
    let mut result = [0; M];
    for (i, a) in a.iter().enumerate() {
        let mut carry = 0;
        for (place, b) in result[i..].iter_mut().zip(b) {
            let sum = u128::from(*a) * u128::from(*b) + u128::from(*place) + carry;
            *place = sum as u64 & LIMB_MASK;
            carry = sum >> LIMB_BITS;
        }
        result[i + N] = carry as u64;
    }
    result
}

/// The windows of an exponent of `bits` bits, the highest first.
pub fn windows(exponent: &[u64], bits: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; bits.div_ceil(8) + 1]);
    to_bytes(exponent, &mut bytes);
    let window = |number: usize| {
        let (byte, shift) = (number * WINDOW_BITS / 8, number * WINDOW_BITS % 8);
        let last = bytes.len() - 1;
        let pair = u16::from(bytes[last - byte])
            | u16::from(if byte < last { bytes[last - byte - 1] } else { 0 }) << 8;
        (pair >> shift) as u8 & ((1 << WINDOW_BITS) - 1)
    };
    Zeroizing::new((0..bits.div_ceil(WINDOW_BITS)).rev().map(window).collect())
}

/// The values of a modulus that the arithmetic needs.
pub struct Constants<const N: usize> {
    pub n: Limbs<N>,
    pub negated_inverse: u64,
    pub r_squared: Limbs<N>,
}

impl<const N: usize> Constants<N> {
    /// For an odd `n` below `R / 4`.
    pub fn new(n: Limbs<N>) -> Self {
        Self { n, negated_inverse: negated_inverse(n[0]), r_squared: r_squared(&n) }
    }
}

impl<const N: usize> Zeroize for Constants<N> {
    fn zeroize(&mut self) {
        self.n.zeroize();
        self.negated_inverse.zeroize();
        self.r_squared.zeroize();
    }
}
