//! Arithmetic modulo a number for each lane: values in memory, and the steps that `montgomery` and `carry` define.

use zeroize::Zeroizing;

use crate::carry::SubtractOnce;
use crate::lanes::Processor;
use crate::line::Line;
use crate::look_up::{ENTRIES, Table, WINDOW_BITS};
use crate::montgomery::{Modulus, Multiply, Reduce, Scratch, Square};

/// Numbers of `N` limbs, one in each lane; wiped when dropped.
pub type Numbers<const N: usize> = Zeroizing<[Line; N]>;

/// Eight zeros.
pub fn zeros<const N: usize>() -> Numbers<N> {
    Zeroizing::new([Line::ZERO; N])
}

/// The residues modulo a number for each lane.
pub struct Field<'a, P, const N: usize> {
    pub processor: P,
    pub modulus: &'a Modulus<N>,
    scratch: Zeroizing<Scratch<N>>,
}

impl<'a, P: Processor, const N: usize> Field<'a, P, N> {
    pub fn new(processor: P, modulus: &'a Modulus<N>) -> Self {
        Self { processor, modulus, scratch: Zeroizing::new(Scratch::EMPTY) }
    }

    /// `result = a·b/R`, below `2·n`.
    pub fn multiply(&mut self, result: &mut [Line; N], a: &[Line; N], b: &[Line; N]) {
        let Self { processor, modulus, scratch } = self;
        processor.run(Multiply { result, a, b, modulus, scratch });
    }

    /// `value = value²/R`, `times` times.
    pub fn square(&mut self, value: &mut [Line; N], times: usize) {
        let Self { processor, modulus, scratch } = self;
        processor.run(Square { value, times, modulus, scratch });
    }

    /// `result = (high·R + low)/R`, below `2·n`, for `high` below `n`.
    pub fn reduce(&mut self, result: &mut [Line; N], low: &[Line; N], high: &[Line; N]) {
        let Self { processor, modulus, scratch } = self;
        processor.run(Reduce { result, low, high, modulus, scratch });
    }

    /// Makes a value that is below `2·n` less than `n`.
    pub fn finish(&mut self, value: &mut [Line; N]) {
        self.processor.run(SubtractOnce { value, n: &self.modulus.n });
    }

    /// `result = a·R`: the form in which products are taken.
    pub fn enter(&mut self, result: &mut [Line; N], a: &[Line; N]) {
        let r_squared = &self.modulus.r_squared;
        self.multiply(result, a, r_squared);
    }

    /// `result = a/R`, below `n`.
    pub fn leave(&mut self, result: &mut [Line; N], a: &[Line; N]) {
        let mut one = [Line::ZERO; N];
        one[0] = Line::splat(1);
        self.multiply(result, a, &one);
        self.finish(result);
    }

    /// `result = base^exponent` with `base` and `result` in the form `·R`. The exponents are secret: windows of five bits, the
    /// highest first, each as costly as any other.
    pub fn power(&mut self, result: &mut [Line; N], base: &[Line; N], windows: &[Line]) {
        let table = self.powers(base);
        let mut factor = zeros();
        for (place, window) in windows.iter().enumerate() {
            if place == 0 {
                self.processor.look_up(result, &table, window);
            } else {
                self.processor.look_up(&mut factor, &table, window);
                self.square(result, WINDOW_BITS);
                let squared = Zeroizing::new(*result);
                self.multiply(result, &squared, &factor);
            }
        }
    }

    /// `base` to the powers 0 to 31.
    fn powers(&mut self, base: &[Line; N]) -> Box<Zeroizing<Table<N>>> {
        let mut table = Box::new(Zeroizing::new([[Line::ZERO; N]; ENTRIES]));
        let mut one = [Line::ZERO; N];
        one[0] = Line::splat(1);
        self.enter(&mut table[0], &one);
        table[1] = *base;
        for power in 2..ENTRIES {
            let (lower, upper) = table.split_at_mut(power);
            if power.is_multiple_of(2) {
                upper[0] = lower[power / 2];
                self.square(&mut upper[0], 1);
            } else {
                self.multiply(&mut upper[0], &lower[power - 1], base);
            }
        }
        table
    }
}
