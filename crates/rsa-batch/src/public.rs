//! The public operation (RFC 8017 §5.2.2).

use crate::field::{Field, zeros};
use crate::lanes::Processor;
use crate::line::Line;
use crate::montgomery::Modulus;

/// `result = input^65537`, below the modulus, for inputs below their moduli.
pub fn power<P: Processor, const M: usize>(
    processor: P,
    result: &mut [Line; M],
    input: &[Line; M],
    modulus: &Modulus<M>,
) {
    let mut field = Field::new(processor, modulus);
    let mut power = zeros();
    field.enter(&mut power, input);
    field.square(&mut power, 16);
    // One factor in the form ·R, one not: the product is in plain form.
    field.multiply(result, &power, input);
    field.finish(result);
}
