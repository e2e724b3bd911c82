//! Base blinding: a message is multiplied by `r^65537` before the private operation and by `1/r` after it. So an attacker who chooses
//! messages does not know which numbers the operation sees. As in aws-lc, a pair is squared after each use and replaced after 32 uses.

use std::array::from_fn;
use std::sync::PoisonError;

use zeroize::{Zeroize, Zeroizing};

use crate::batch::{NoRandomness, Random};
use crate::field::{Field, Numbers, zeros};
use crate::integer::Limbs;
use crate::key::{Crt, Prime};
use crate::lanes::Processor;
use crate::line::{LANES, LIMB_MASK, Line};
use crate::private::Operation;
use crate::spread;

/// How often a pair is used.
const USES: u8 = 32;

/// `r^65537` and `1/r` modulo the modulus of a key, in the form `·R`.
pub struct Pair<const M: usize> {
    factor: Limbs<M>,
    inverse: Limbs<M>,
    uses: u8,
}

impl<const M: usize> Pair<M> {
    const UNUSED: Self = Self { factor: [0; M], inverse: [0; M], uses: USES };
}

/// A pair for each lane.
pub struct Blinding<const M: usize> {
    pub factor: Numbers<M>,
    pub inverse: Numbers<M>,
    uses: [u8; LANES],
}

impl<const M: usize> Blinding<M> {
    /// Takes a pair of its key for each of the first `active` lanes; makes those that are missing.
    pub fn take<P: Processor, const N: usize>(
        operation: &mut Operation<'_, P, N, M>,
        active: usize,
        random: &mut dyn Random,
    ) -> Result<Self, NoRandomness> {
        let keys = operation.keys;
        let mut pairs: [Pair<M>; LANES] =
            from_fn(|lane| if lane < active { pair_of(keys[lane]) } else { Pair::UNUSED });
        if pairs[..active].iter().any(|pair| pair.uses == USES) {
            let fresh = Self::fresh(operation, random)?;
            for (lane, pair) in pairs.iter_mut().enumerate().filter(|(_, pair)| pair.uses == USES) {
                *pair = fresh.pair(lane);
            }
        }
        Ok(Self {
            factor: Zeroizing::new(spread::numbers(from_fn(|lane| &pairs[lane].factor))),
            inverse: Zeroizing::new(spread::numbers(from_fn(|lane| &pairs[lane].inverse))),
            uses: from_fn(|lane| pairs[lane].uses),
        })
    }

    /// Squares the pairs and gives them back to their keys.
    pub fn give_back<P: Processor, const N: usize>(
        mut self,
        field: &mut Field<'_, P, M>,
        keys: [&Crt<N, M>; LANES],
        active: usize,
    ) {
        field.square(&mut self.factor, 1);
        field.square(&mut self.inverse, 1);
        for (lane, key) in keys.iter().enumerate().take(active) {
            let mut pair = self.pair(lane);
            pair.uses += 1;
            if pair.uses < USES {
                key.pairs.lock().unwrap_or_else(PoisonError::into_inner).push(pair);
            }
        }
    }

    fn pair(&self, lane: usize) -> Pair<M> {
        let (factor, inverse) = (spread::lane(&self.factor, lane), spread::lane(&self.inverse, lane));
        Pair { factor, inverse, uses: self.uses[lane] }
    }

    /// Draws `1/r` and computes `r^65537` as its power `−65537`: a private operation like any other. It needs no blinding, because its
    /// input is random.
    fn fresh<P: Processor, const N: usize>(
        operation: &mut Operation<'_, P, N, M>,
        random: &mut dyn Random,
    ) -> Result<Self, NoRandomness> {
        let (low, high) = draw(random)?;
        let (mut inverse, mut input, mut power, mut factor) = (zeros(), zeros(), zeros(), zeros());
        operation.n.reduce(&mut inverse, &low, &high);
        operation.n.leave(&mut input, &inverse);
        operation.power(&mut power, &input, exponent);
        operation.n.enter(&mut factor, &power);
        Ok(Self { factor, inverse, uses: [0; LANES] })
    }
}

fn exponent<const N: usize>(prime: &Prime<N>) -> &[u8] {
    &prime.blinding_exponent
}

fn pair_of<const N: usize, const M: usize>(key: &Crt<N, M>) -> Pair<M> {
    key.pairs.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or(Pair::UNUSED)
}

/// Random numbers from which a modulus takes the remainder. They are more than 2^132 times as large as it, so that no remainder is
/// noticeably likelier than another, and nothing has to be drawn again.
fn draw<const M: usize>(random: &mut dyn Random) -> Result<(Numbers<M>, Numbers<M>), NoRandomness> {
    let (mut low, mut high) = (zeros(), zeros());
    for line in low.iter_mut().chain(&mut high[..2]) {
        let mut bytes = Zeroizing::new([0; 8 * LANES]);
        random.fill(&mut *bytes)?;
        let (words, _) = bytes.as_chunks::<8>();
        *line = Line(from_fn(|lane| u64::from_le_bytes(words[lane]) & LIMB_MASK));
    }
    Ok((low, high))
}

impl<const M: usize> Drop for Pair<M> {
    fn drop(&mut self) {
        self.factor.zeroize();
        self.inverse.zeroize();
    }
}
