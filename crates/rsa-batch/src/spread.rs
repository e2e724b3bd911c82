//! Puts separate numbers side by side into lanes, and takes them out again.

use std::array::from_fn;

use crate::integer::{Constants, Limbs};
use crate::line::{LANES, Line};
use crate::montgomery::Modulus;

/// One number for each lane.
pub fn numbers<const N: usize>(of: [&Limbs<N>; LANES]) -> [Line; N] {
    from_fn(|limb| Line(from_fn(|lane| of[lane][limb])))
}

/// One modulus for each lane.
pub fn modulus<const N: usize>(of: [&Constants<N>; LANES]) -> Modulus<N> {
    Modulus {
        n: numbers(of.map(|constants| &constants.n)),
        negated_inverse: Line(of.map(|constants| constants.negated_inverse)),
        r_squared: numbers(of.map(|constants| &constants.r_squared)),
    }
}

/// One exponent for each lane; all have as many windows.
pub fn windows(of: [&[u8]; LANES]) -> Vec<Line> {
    (0..of[0].len()).map(|place| Line(from_fn(|lane| u64::from(of[lane][place])))).collect()
}

/// The number in a lane.
pub fn lane<const N: usize>(of: &[Line; N], lane: usize) -> Limbs<N> {
    from_fn(|limb| of[limb].0[lane])
}
