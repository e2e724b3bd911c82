//! How eight numbers lie in memory: limb by limb, one lane for each.

use zeroize::Zeroize;

/// How many independent numbers are computed at once.
pub const LANES: usize = 8;
/// Bits in a limb: what the multiplier of AVX-512 IFMA takes.
pub const LIMB_BITS: u32 = 52;
/// The bits of a full limb.
pub const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// One limb of each of the eight numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Line(pub [u64; LANES]);

impl Line {
    pub const ZERO: Self = Self([0; LANES]);

    /// The same limb for every number.
    pub const fn splat(limb: u64) -> Self {
        Self([limb; LANES])
    }
}

impl Zeroize for Line {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}
