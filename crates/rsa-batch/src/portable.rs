//! Lanes for any processor: slow, for tests. A memory checker can follow what they compute; it does not know AVX-512 IFMA.

use std::array::from_fn;

use crate::integer;
use crate::lanes::{Kernel, Lanes, Processor};
use crate::line::{LANES, LIMB_BITS, LIMB_MASK, Line};

#[derive(Clone, Copy, Debug)]
pub struct Portable;

type Words = [u64; LANES];

impl Processor for Portable {
    #[inline(never)]
    fn run<K: Kernel>(self, kernel: K) {
        kernel.call(self);
    }
}

impl Lanes for Portable {
    type Vector = Words;

    #[inline(always)]
    fn load(self, line: &Line) -> Words {
        line.0
    }

    #[inline(always)]
    fn store(self, line: &mut Line, vector: Words) {
        line.0 = vector;
    }

    #[inline(always)]
    fn splat(self, value: u64) -> Words {
        [value; LANES]
    }

    #[inline(always)]
    fn add(self, a: Words, b: Words) -> Words {
        from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }

    #[inline(always)]
    fn sub(self, a: Words, b: Words) -> Words {
        from_fn(|lane| a[lane].wrapping_sub(b[lane]))
    }

    #[inline(always)]
    fn and(self, a: Words, b: Words) -> Words {
        from_fn(|lane| a[lane] & b[lane])
    }

    #[inline(always)]
    fn shift_right<const BITS: u32>(self, a: Words) -> Words {
        from_fn(|lane| a[lane] >> BITS)
    }

    #[inline(always)]
    fn add_low(self, sum: Words, a: Words, b: Words) -> Words {
        from_fn(|lane| sum[lane].wrapping_add(a[lane].wrapping_mul(b[lane]) & LIMB_MASK))
    }

    #[inline(always)]
    fn add_high(self, sum: Words, a: Words, b: Words) -> Words {
        from_fn(|lane| {
            let product = u128::from(a[lane] & LIMB_MASK) * u128::from(b[lane] & LIMB_MASK);
            sum[lane].wrapping_add((product >> LIMB_BITS) as u64)
        })
    }

    #[inline(always)]
    fn pick(self, index: Words, wanted: u64, equal: Words, other: Words) -> Words {
        from_fn(|lane| {
            // Both are below 2^63, so the highest bit is set only if they are equal.
            let difference = (index[lane] ^ wanted).wrapping_sub(1);
            integer::choose(difference >> 63, equal[lane], other[lane])
        })
    }
}
