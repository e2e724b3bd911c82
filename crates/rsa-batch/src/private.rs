//! The private operation by the Chinese remainder theorem (RFC 8017 §5.1.2), for a key in each lane.

use std::array::from_fn;

use zeroize::Zeroizing;

use crate::batch::{NoRandomness, Random};
use crate::blinding::Blinding;
use crate::carry::{Difference, MultiplyAdd};
use crate::field::{Field, Numbers, zeros};
use crate::key::{Crt, Prime};
use crate::lanes::Processor;
use crate::line::{LANES, Line};
use crate::montgomery::Modulus;
use crate::spread;

/// The moduli of eight keys, side by side.
pub struct Moduli<const N: usize, const M: usize> {
    n: Modulus<M>,
    p: Zeroizing<Modulus<N>>,
    q: Zeroizing<Modulus<N>>,
}

/// Eight keys, and the arithmetic modulo their numbers.
pub struct Operation<'a, P, const N: usize, const M: usize> {
    pub keys: [&'a Crt<N, M>; LANES],
    pub n: Field<'a, P, M>,
    p: Field<'a, P, N>,
    q: Field<'a, P, N>,
}

impl<const N: usize, const M: usize> Moduli<N, M> {
    pub fn new(keys: [&Crt<N, M>; LANES]) -> Self {
        Self {
            n: spread::modulus(keys.map(|key| &key.n)),
            p: Zeroizing::new(spread::modulus(keys.map(|key| &key.p.constants))),
            q: Zeroizing::new(spread::modulus(keys.map(|key| &key.q.constants))),
        }
    }
}

impl<'a, P: Processor, const N: usize, const M: usize> Operation<'a, P, N, M> {
    pub fn new(processor: P, keys: [&'a Crt<N, M>; LANES], moduli: &'a Moduli<N, M>) -> Self {
        let Moduli { n, p, q } = moduli;
        Self { keys, n: Field::new(processor, n), p: Field::new(processor, p), q: Field::new(processor, q) }
    }

    /// `result = input^d` for inputs below their moduli. The first `active` lanes count.
    pub fn sign(
        &mut self,
        result: &mut [Line; M],
        input: &[Line; M],
        active: usize,
        random: &mut dyn Random,
    ) -> Result<(), NoRandomness> {
        let blinding = Blinding::take(self, active, random)?;
        let (mut blinded, mut power) = (zeros(), zeros());
        self.n.multiply(&mut blinded, input, &blinding.factor);
        self.power(&mut power, &blinded, |prime| &prime.exponent);
        self.n.multiply(result, &power, &blinding.inverse);
        self.n.finish(result);
        blinding.give_back(&mut self.n, self.keys, active);
        Ok(())
    }

    /// `result = input^exponent`, below the modulus, for an input below twice the modulus. The exponent is known modulo each prime less one.
    pub fn power(&mut self, result: &mut [Line; M], input: &[Line; M], exponent: fn(&Prime<N>) -> &[u8]) {
        let (mut by_p, mut by_q) = (zeros(), zeros());
        let windows = Zeroizing::new(spread::windows(self.keys.map(|key| exponent(&key.p))));
        power_modulo(&mut self.p, &mut by_p, input, &windows);
        let windows = Zeroizing::new(spread::windows(self.keys.map(|key| exponent(&key.q))));
        power_modulo(&mut self.q, &mut by_q, input, &windows);
        self.join(result, &by_p, &by_q);
    }

    /// The one number below `p·q` that is `by_p` modulo `p` and `by_q` modulo `q`: `by_q + q·((by_p − by_q)/q mod p)`.
    fn join(&mut self, result: &mut [Line; M], by_p: &Numbers<N>, by_q: &Numbers<N>) {
        let (mut difference, mut inverse, mut factor) = (zeros(), zeros(), zeros());
        let processor = self.p.processor;
        // Both primes have the same length, so q is below 2·p.
        processor.run(Difference { result: &mut difference, a: by_p, b: by_q, n: &self.p.modulus.n });
        let q_inverse = Zeroizing::new(spread::numbers(self.keys.map(|key| &key.q_inverse)));
        self.p.enter(&mut inverse, &q_inverse);
        self.p.multiply(&mut factor, &difference, &inverse);
        self.p.finish(&mut factor);
        processor.run(MultiplyAdd { result, a: &factor, b: &self.q.modulus.n, c: by_q });
    }
}

/// `result = input^exponent` modulo a prime, below it. The input has twice its limbs.
fn power_modulo<P: Processor, const N: usize>(
    field: &mut Field<'_, P, N>,
    result: &mut Numbers<N>,
    input: &[Line],
    windows: &[Line],
) {
    let (mut low, mut high) = (zeros(), zeros());
    low.copy_from_slice(&input[..N]);
    high.copy_from_slice(&input[N..]);
    let (mut reduced, mut residue, mut base, mut power) = (zeros(), zeros(), zeros(), zeros());
    field.reduce(&mut reduced, &low, &high); // input/R
    field.enter(&mut residue, &reduced);
    field.enter(&mut base, &residue);
    field.power(&mut power, &base, windows);
    field.leave(result, &power);
}

/// The keys of the jobs, and the first one's for lanes without a job.
pub fn fill<T>(of: &[T]) -> [&T; LANES] {
    from_fn(|lane| of.get(lane).unwrap_or(&of[0]))
}
