//! The entry of a table that a secret index chooses, found by reading the whole table.

use crate::lanes::{Kernel, Lanes};
use crate::line::Line;
use crate::montgomery::BLOCK;

/// Entries of a table: one for each value of a window of five bits.
pub const ENTRIES: usize = 1 << WINDOW_BITS;
/// Bits of the exponent that one multiplication takes.
pub const WINDOW_BITS: usize = 5;

/// The powers of a number for each lane.
pub type Table<const N: usize> = [[Line; N]; ENTRIES];

/// `result = table[index]`, in each lane with its own index.
pub struct LookUp<'a, const N: usize> {
    pub result: &'a mut [Line; N],
    pub table: &'a Table<N>,
    pub index: &'a Line,
}

impl<const N: usize> Kernel for LookUp<'_, N> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let index = lanes.load(self.index);
        for (number, block) in self.result.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let mut found = [lanes.splat(0); BLOCK];
            for (wanted, entry) in (0_u64..).zip(self.table) {
                let entry = &entry.as_chunks::<BLOCK>().0[number];
                for (found, line) in found.iter_mut().zip(entry) {
                    *found = lanes.pick(index, wanted, lanes.load(line), *found);
                }
            }
            for (line, found) in block.iter_mut().zip(found) {
                lanes.store(line, found);
            }
        }
    }
}
