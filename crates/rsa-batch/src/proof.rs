//! The parts that the proofs of constant time need: a hook for numbers that are computed from secrets and may
//! be known, two mutants that leak secrets, and exponents that are cut short, so that a test can look at each
//! instruction.

use std::hint::black_box;
use std::sync::OnceLock;

use crate::batch::{self, Batch, BatchError, Kind, PrivateJob, Random};
use crate::key::{Crt, PrivateKey, Sizes};
use crate::lanes::{Kernel, Processor};
use crate::line::{LANES, Line};
use crate::look_up::{ENTRIES, Table};

static HOOK: OnceLock<fn(&mut u64)> = OnceLock::new();

/// Calls `hook` with each number that may be known.
pub fn on_reveal(hook: fn(&mut u64)) {
    HOOK.get_or_init(|| hook);
}

/// Gives the number to the hook.
pub fn reveal(mut number: u64) -> u64 {
    if let Some(hook) = HOOK.get() {
        hook(&mut number);
    }
    number
}

/// How a mutant reveals the exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leak {
    /// It compares the index with each entry's and branches.
    Branch,
    /// It reads the entry at the index.
    Address,
}

impl Batch {
    /// Does what [`Batch::private`] does, and leaks.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn leaking_private(
        &self,
        leak: Leak,
        jobs: &mut [PrivateJob<'_>],
        random: &mut dyn Random,
    ) -> Result<(), BatchError> {
        match (self.0, leak) {
            (Kind::Ifma(processor), Leak::Branch) => batch::private(Branching(processor), jobs, random),
            (Kind::Ifma(processor), Leak::Address) => batch::private(Addressing(processor), jobs, random),
            (Kind::Portable(processor), Leak::Branch) => batch::private(Branching(processor), jobs, random),
            (Kind::Portable(processor), Leak::Address) => batch::private(Addressing(processor), jobs, random),
        }
    }
}

impl PrivateKey {
    /// Keeps the lowest `windows` windows of each exponent. The results are no signatures any more.
    pub fn shorten(&mut self, windows: usize) {
        match &mut self.0 {
            Sizes::Bits2048(key) => shorten(key, windows),
            Sizes::Bits3072(key) => shorten(key, windows),
            Sizes::Bits4096(key) => shorten(key, windows),
        }
    }
}

fn shorten<const N: usize, const M: usize>(key: &mut Crt<N, M>, windows: usize) {
    for prime in [&mut key.p, &mut key.q] {
        for exponent in [&mut prime.exponent, &mut prime.blinding_exponent] {
            let longer = exponent.len() - windows;
            exponent.drain(..longer);
        }
    }
}

#[derive(Clone, Copy)]
struct Branching<P>(P);

#[derive(Clone, Copy)]
struct Addressing<P>(P);

impl<P: Processor> Processor for Branching<P> {
    fn run<K: Kernel>(self, kernel: K) {
        self.0.run(kernel);
    }

    fn look_up<const N: usize>(self, result: &mut [Line; N], table: &Table<N>, index: &Line) {
        for lane in 0..LANES {
            for (wanted, entry) in (0..).zip(table) {
                if black_box(index.0[lane] == wanted) {
                    copy_lane(result, entry, lane);
                }
            }
        }
    }
}

impl<P: Processor> Processor for Addressing<P> {
    fn run<K: Kernel>(self, kernel: K) {
        self.0.run(kernel);
    }

    fn look_up<const N: usize>(self, result: &mut [Line; N], table: &Table<N>, index: &Line) {
        for lane in 0..LANES {
            copy_lane(result, &table[index.0[lane] as usize % ENTRIES], lane);
        }
    }
}

#[inline(never)]
fn copy_lane<const N: usize>(result: &mut [Line; N], entry: &[Line; N], lane: usize) {
    for (result, entry) in result.iter_mut().zip(entry) {
        result.0[lane] = entry.0[lane];
    }
}
