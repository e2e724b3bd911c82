//! Almost-Montgomery multiplication in radix 2^52, in blocks of ten limbs whose sums stay in registers.
//!
//! With `R = 2^(52·N)` and a modulus `n < R / 4`, factors below `4·n` give a result `a·b/R (mod n)` below `2·n`. A 64-bit sum holds
//! 4,096 halves of products, and no column has more than `4·N`, so carries are taken once a column.

use zeroize::Zeroize;

use crate::lanes::{Kernel, Lanes};
use crate::line::{LIMB_BITS, LIMB_MASK, Line};

/// Limbs in a block. Ten, because 1024, 1536 and 2048 bits are 20, 30 and 40 limbs, and because twenty sums and ten
/// factors fit in 32 registers.
pub const BLOCK: usize = 10;
/// Sums under way: the columns of a product of two blocks.
const WINDOW: usize = 2 * BLOCK;

type Block = [Line; BLOCK];
type Sums<L> = [<L as Lanes>::Vector; WINDOW];
type Factors<L> = [<L as Lanes>::Vector; BLOCK];

/// A modulus for each lane.
pub struct Modulus<const N: usize> {
    /// Odd, below `R / 4`.
    pub n: [Line; N],
    /// `-1/n` modulo 2^52.
    pub negated_inverse: Line,
    /// `R²` modulo `n`.
    pub r_squared: [Line; N],
}

impl<const N: usize> Zeroize for Modulus<N> {
    fn zeroize(&mut self) {
        self.n.zeroize();
        self.negated_inverse.zeroize();
        self.r_squared.zeroize();
    }
}

/// The temporary values of the arithmetic.
pub struct Scratch<const N: usize> {
    multiples: [Line; N],
    square: [Line; N],
}

impl<const N: usize> Scratch<N> {
    pub const EMPTY: Self = Self { multiples: [Line::ZERO; N], square: [Line::ZERO; N] };
}

impl<const N: usize> Zeroize for Scratch<N> {
    fn zeroize(&mut self) {
        self.multiples.zeroize();
        self.square.zeroize();
    }
}

/// `result = a·b/R`.
pub struct Multiply<'a, const N: usize> {
    pub result: &'a mut [Line; N],
    pub a: &'a [Line; N],
    pub b: &'a [Line; N],
    pub modulus: &'a Modulus<N>,
    pub scratch: &'a mut Scratch<N>,
}

/// `value = value²/R`, `times` times in a row.
pub struct Square<'a, const N: usize> {
    pub value: &'a mut [Line; N],
    pub times: usize,
    pub modulus: &'a Modulus<N>,
    pub scratch: &'a mut Scratch<N>,
}

/// `result = value/R` for `value = high·R + low`, at most `n·R`.
pub struct Reduce<'a, const N: usize> {
    pub result: &'a mut [Line; N],
    pub low: &'a [Line; N],
    pub high: &'a [Line; N],
    pub modulus: &'a Modulus<N>,
    pub scratch: &'a mut Scratch<N>,
}

impl<const N: usize> Kernel for Multiply<'_, N> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let (a, b) = (blocks(self.a), blocks(self.b));
        let multiples = &mut self.scratch.multiples;
        montgomery(lanes, self.result, self.modulus, multiples, &Product { a, b });
    }
}

impl<const N: usize> Kernel for Square<'_, N> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let Scratch { multiples, square } = self.scratch;
        let (mut from, mut to) = (self.value, square);
        for _ in 0..self.times {
            montgomery(lanes, to, self.modulus, multiples, &OwnProduct(blocks(from)));
            std::mem::swap(&mut from, &mut to);
        }
        if !self.times.is_multiple_of(2) {
            *to = *from;
        }
    }
}

impl<const N: usize> Kernel for Reduce<'_, N> {
    #[inline(always)]
    fn call<L: Lanes>(self, lanes: L) {
        let (low, high) = (blocks(self.low), blocks(self.high));
        let multiples = &mut self.scratch.multiples;
        montgomery(lanes, self.result, self.modulus, multiples, &Given { low, high });
    }
}

/// What is reduced: it adds its columns of a diagonal of blocks, and those that are carried, to sums that are zero.
trait Source {
    /// Implementations are `#[inline(always)]`, so that the sums stay in registers.
    fn add<L: Lanes>(&self, lanes: L, sums: &mut Sums<L>, diagonal: usize, carried: &Factors<L>);
}

struct Product<'a> {
    a: &'a [Block],
    b: &'a [Block],
}

struct OwnProduct<'a>(&'a [Block]);

struct Given<'a> {
    low: &'a [Block],
    high: &'a [Block],
}

impl Source for Product<'_> {
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, sums: &mut Sums<L>, diagonal: usize, carried: &Factors<L>) {
        for (sum, carried) in sums.iter_mut().zip(carried) {
            *sum = *carried;
        }
        let Self { a, b } = self;
        for i in first(diagonal, a.len())..(diagonal + 1).min(a.len()) {
            add_product(lanes, sums, &a[i], &b[diagonal - i]);
        }
    }
}

impl Source for OwnProduct<'_> {
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, sums: &mut Sums<L>, diagonal: usize, carried: &Factors<L>) {
        add_square(lanes, sums, self.0, diagonal);
        for j in 0..BLOCK {
            sums[j] = lanes.add(sums[j], carried[j]);
        }
    }
}

impl Source for Given<'_> {
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, sums: &mut Sums<L>, diagonal: usize, carried: &Factors<L>) {
        let Self { low, high } = self;
        let block = if diagonal < low.len() { &low[diagonal] } else { &high[diagonal - low.len()] };
        for j in 0..BLOCK {
            sums[j] = lanes.add(carried[j], lanes.load(&block[j]));
        }
    }
}

/// Goes through the diagonals of blocks; then the multiples of `n` are added that make the lower half of the product zero.
#[inline(always)]
fn montgomery<L: Lanes, const N: usize>(
    lanes: L,
    result: &mut [Line; N],
    modulus: &Modulus<N>,
    multiples: &mut [Line; N],
    source: &impl Source,
) {
    let n = blocks(&modulus.n);
    let (result, _) = result.as_chunks_mut::<BLOCK>();
    let (multiples, _) = multiples.as_chunks_mut::<BLOCK>();
    let inverse = lanes.load(&modulus.negated_inverse);
    let zero = lanes.splat(0);
    let mut carried = [zero; BLOCK];
    let mut carry = zero;
    for diagonal in 0..2 * n.len() {
        let mut sums = [zero; WINDOW];
        source.add(lanes, &mut sums, diagonal, &carried);
        for i in first(diagonal, n.len())..diagonal.min(n.len()) {
            add_product(lanes, &mut sums, &multiples[i], &n[diagonal - i]);
        }
        if diagonal < n.len() {
            clear(lanes, &mut sums, &mut multiples[diagonal], &n[0], inverse);
        } else {
            carry = emit(lanes, &mut result[diagonal - n.len()], &sums, carry);
        }
        for (carried, sum) in carried.iter_mut().zip(&sums[BLOCK..]) {
            *carried = *sum;
        }
    }
}

#[inline(always)]
fn blocks(lines: &[Line]) -> &[Block] {
    lines.as_chunks::<BLOCK>().0
}

/// The first block of the first factor on this diagonal.
#[inline(always)]
fn first(diagonal: usize, blocks: usize) -> usize {
    (diagonal + 1).saturating_sub(blocks)
}

#[inline(always)]
fn load<L: Lanes>(lanes: L, block: &Block) -> Factors<L> {
    let mut factors = [lanes.splat(0); BLOCK];
    for (factor, line) in factors.iter_mut().zip(block) {
        *factor = lanes.load(line);
    }
    factors
}

/// Calls a function for rows 0 to 9, so that the place of each sum is known to the compiler.
macro_rules! rows {
    ($row:ident($($argument:expr),*)) => {
        $row::<_, 0>($($argument),*);
        $row::<_, 1>($($argument),*);
        $row::<_, 2>($($argument),*);
        $row::<_, 3>($($argument),*);
        $row::<_, 4>($($argument),*);
        $row::<_, 5>($($argument),*);
        $row::<_, 6>($($argument),*);
        $row::<_, 7>($($argument),*);
        $row::<_, 8>($($argument),*);
        $row::<_, 9>($($argument),*);
    };
}

#[inline(always)]
fn add_product<L: Lanes>(lanes: L, sums: &mut Sums<L>, a: &Block, b: &Block) {
    let b = load(lanes, b);
    rows!(product_row(lanes, sums, a, &b));
}

#[inline(always)]
fn product_row<L: Lanes, const ROW: usize>(lanes: L, sums: &mut Sums<L>, a: &Block, b: &Factors<L>) {
    let a = lanes.load(&a[ROW]);
    for (j, b) in b.iter().enumerate() {
        sums[ROW + j] = lanes.add_low(sums[ROW + j], a, *b);
    }
    for (j, b) in b.iter().enumerate() {
        sums[ROW + j + 1] = lanes.add_high(sums[ROW + j + 1], a, *b);
    }
}

/// Products of different limbs count twice in a square: they are added once, doubled together, and joined by the squares.
#[inline(always)]
fn add_square<L: Lanes>(lanes: L, sums: &mut Sums<L>, a: &[Block], diagonal: usize) {
    for i in first(diagonal, a.len())..diagonal.div_ceil(2) {
        add_product(lanes, sums, &a[i], &a[diagonal - i]);
    }
    let middle = if diagonal.is_multiple_of(2) { a.get(diagonal / 2) } else { None };
    if let Some(block) = middle {
        let block = load(lanes, block);
        rows!(triangle_row(lanes, sums, &block));
        double(lanes, sums);
        rows!(square_row(lanes, sums, &block));
    } else {
        double(lanes, sums);
    }
}

#[inline(always)]
fn double<L: Lanes>(lanes: L, sums: &mut Sums<L>) {
    for sum in sums {
        *sum = lanes.add(*sum, *sum);
    }
}

#[inline(always)]
fn triangle_row<L: Lanes, const ROW: usize>(lanes: L, sums: &mut Sums<L>, a: &Factors<L>) {
    for j in ROW + 1..BLOCK {
        sums[ROW + j] = lanes.add_low(sums[ROW + j], a[ROW], a[j]);
    }
    for j in ROW + 1..BLOCK {
        sums[ROW + j + 1] = lanes.add_high(sums[ROW + j + 1], a[ROW], a[j]);
    }
}

#[inline(always)]
fn square_row<L: Lanes, const ROW: usize>(lanes: L, sums: &mut Sums<L>, a: &Factors<L>) {
    sums[2 * ROW] = lanes.add_low(sums[2 * ROW], a[ROW], a[ROW]);
    sums[2 * ROW + 1] = lanes.add_high(sums[2 * ROW + 1], a[ROW], a[ROW]);
}

/// Adds the multiples of `n` that make the lower ten sums zero, and keeps the factors.
#[inline(always)]
fn clear<L: Lanes>(lanes: L, sums: &mut Sums<L>, multiples: &mut Block, n: &Block, inverse: L::Vector) {
    let n = load(lanes, n);
    rows!(clear_row(lanes, sums, multiples, &n, inverse));
}

#[inline(always)]
fn clear_row<L: Lanes, const ROW: usize>(
    lanes: L,
    sums: &mut Sums<L>,
    multiples: &mut Block,
    n: &Factors<L>,
    inverse: L::Vector,
) {
    let multiple = lanes.add_low(lanes.splat(0), sums[ROW], inverse);
    lanes.store(&mut multiples[ROW], multiple);
    // The low product with n[0] would make this sum a multiple of 2^52, the next above it: what it carries is known before.
    let carry = lanes.shift_right::<LIMB_BITS>(lanes.add(sums[ROW], lanes.splat(LIMB_MASK)));
    sums[ROW + 1] = lanes.add(sums[ROW + 1], carry);
    for j in 1..BLOCK {
        sums[ROW + j] = lanes.add_low(sums[ROW + j], multiple, n[j]);
    }
    for j in 0..BLOCK {
        sums[ROW + j + 1] = lanes.add_high(sums[ROW + j + 1], multiple, n[j]);
    }
}

/// Writes the lower ten sums as limbs of 52 bits, and gives what is left to carry.
#[inline(always)]
fn emit<L: Lanes>(lanes: L, result: &mut Block, sums: &Sums<L>, mut carry: L::Vector) -> L::Vector {
    let mask = lanes.splat(LIMB_MASK);
    for (line, sum) in result.iter_mut().zip(sums) {
        let sum = lanes.add(*sum, carry);
        lanes.store(line, lanes.and(sum, mask));
        carry = lanes.shift_right::<LIMB_BITS>(sum);
    }
    carry
}
