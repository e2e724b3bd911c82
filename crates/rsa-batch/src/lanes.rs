//! The operations on eight 64-bit lanes at once, with which the arithmetic is written.

use crate::line::Line;
use crate::look_up::{LookUp, Table};

/// Eight 64-bit lanes and what can be done with them. No operation branches on a value, or uses one as an address.
pub trait Lanes: Copy {
    /// The eight lanes in a register.
    type Vector: Copy;

    fn load(self, line: &Line) -> Self::Vector;
    fn store(self, line: &mut Line, vector: Self::Vector);
    /// The same value in each lane.
    fn splat(self, value: u64) -> Self::Vector;
    /// Modulo 2^64.
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Modulo 2^64.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Logical shift to the right.
    fn shift_right<const BITS: u32>(self, a: Self::Vector) -> Self::Vector;
    /// `sum` plus the low 52 bits of the product of the low 52 bits of `a` and `b`.
    fn add_low(self, sum: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `sum` plus the bits from 52 to 103 of the product of the low 52 bits of `a` and `b`.
    fn add_high(self, sum: Self::Vector, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// In each lane `equal` if `index` is `wanted`, else `other`.
    fn pick(self, index: Self::Vector, wanted: u64, equal: Self::Vector, other: Self::Vector)
    -> Self::Vector;
}

/// A piece of arithmetic that is compiled once for each kind of lanes.
pub trait Kernel {
    /// Implementations are `#[inline(always)]`, so that the instructions of `lanes` may be used in them.
    fn call<L: Lanes>(self, lanes: L);
}

/// The processor or the portable code on which kernels run.
pub trait Processor: Copy {
    /// Runs `kernel` in a function that may use the processor's instructions for its lanes.
    fn run<K: Kernel>(self, kernel: K);

    /// `result = table[index]`, in each lane with its own secret index.
    fn look_up<const N: usize>(self, result: &mut [Line; N], table: &Table<N>, index: &Line) {
        self.run(LookUp { result, table, index });
    }
}
