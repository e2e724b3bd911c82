//! Sums, differences and plain products of limbs, and the last subtraction of a modulus.

use crate::lanes::{Kernel, Lanes};
use crate::line::{LIMB_BITS, LIMB_MASK, Line};

/// `value -= n` if `value` is not below `n`. Afterwards a value below `2·n` is below `n`.
pub struct SubtractOnce<'a, const N: usize> {
    pub value: &'a mut [Line; N],
    pub n: &'a [Line; N],
}

/// `result = a + 2·n − b` for `b` below `2·n`.
pub struct Difference<'a, const N: usize> {
    pub result: &'a mut [Line; N],
    pub a: &'a [Line; N],
    pub b: &'a [Line; N],
    pub n: &'a [Line; N],
}

/// `result = a·b + c`; `result` has as many limbs as `a` and `b` together.
pub struct MultiplyAdd<'a, const N: usize, const M: usize> {
    pub result: &'a mut [Line; M],
    pub a: &'a [Line; N],
    pub b: &'a [Line; N],
    pub c: &'a [Line; N],
}

impl<const N: usize> Kernel for SubtractOnce<'_, N> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let mask = lanes.splat(LIMB_MASK);
        let mut difference = [lanes.splat(0); N];
        let mut borrow = lanes.splat(0);
        for i in 0..N {
            let limb = lanes.sub(lanes.load(&self.value[i]), lanes.load(&self.n[i]));
            let limb = lanes.sub(limb, borrow);
            borrow = lanes.shift_right::<63>(limb);
            difference[i] = lanes.and(limb, mask);
        }
        // `borrow` is 1 if the value is below n. Then it stays as it is.
        for i in 0..N {
            let limb = lanes.pick(borrow, 1, lanes.load(&self.value[i]), difference[i]);
            lanes.store(&mut self.value[i], limb);
        }
    }
}

impl<const N: usize> Kernel for Difference<'_, N> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let mask = lanes.splat(LIMB_MASK);
        // Each limb borrows 2 from the limb above it, so that it is never negative.
        let lent = lanes.splat(2 << LIMB_BITS);
        let mut carry = lanes.splat(0);
        for i in 0..N {
            let n = lanes.load(&self.n[i]);
            let plus = lanes.add(lanes.load(&self.a[i]), lanes.add(n, n));
            let limb = lanes.sub(lanes.add(plus, lent), lanes.load(&self.b[i]));
            let limb = lanes.add(limb, carry);
            lanes.store(&mut self.result[i], lanes.and(limb, mask));
            carry = lanes.sub(lanes.shift_right::<LIMB_BITS>(limb), lanes.splat(2));
        }
    }
}

impl<const N: usize, const M: usize> Kernel for MultiplyAdd<'_, N, M> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let mask = lanes.splat(LIMB_MASK);
        let mut carry = lanes.splat(0);
        for column in 0..M {
            let mut sum = carry;
            if column < N {
                sum = lanes.add(sum, lanes.load(&self.c[column]));
            }
            for i in (column + 1).saturating_sub(N)..N.min(column + 1) {
                sum = lanes.add_low(sum, lanes.load(&self.a[i]), lanes.load(&self.b[column - i]));
            }
            for i in column.saturating_sub(N)..N.min(column) {
                sum = lanes.add_high(sum, lanes.load(&self.a[i]), lanes.load(&self.b[column - 1 - i]));
            }
            lanes.store(&mut self.result[column], lanes.and(sum, mask));
            carry = lanes.shift_right::<LIMB_BITS>(sum);
        }
    }
}
