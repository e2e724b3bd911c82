//! The secret order of the places of a list. Tokens get their places in this order, so that a place says nothing about when its
//! token was issued or how many there are.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

use crate::domain::{Secret, StatusPlace};
use crate::server_secret::SUBKEY_BYTES;

/// A position has 20 bits: two halves of ten.
const HALF_BITS: u32 = 10;
const HALF: usize = 1 << HALF_BITS;
/// NIST SP 800-38G §5 has ten rounds for its network of the same kind (FF1).
const ROUNDS: usize = 10;
/// Values of a round that one HMAC gives, two bytes each.
const VALUES_AT_ONCE: usize = 16;

/// A permutation of the positions of one list: a balanced Feistel network, whose rounds are functions that HMAC-SHA256 draws.
pub(super) struct Permutation(Vec<[u16; HALF]>);

impl Permutation {
    /// The permutation of the list with this number under this key.
    pub(super) fn new(key: &Secret<[u8; SUBKEY_BYTES]>, list: u64) -> Self {
        let key = Key::new(HMAC_SHA256, key.expose());
        Self((0..ROUNDS).map(|round| drawn(&key, list, round as u32)).collect())
    }

    /// The number of the entry at this position. Different positions have different entries.
    pub(super) fn index(&self, position: u32) -> u32 {
        let low = HALF as u32 - 1;
        let (mut left, mut right) = (position >> HALF_BITS & low, position & low);
        for round in &self.0 {
            let drawn = round.get(right as usize).copied().unwrap_or_default();
            (left, right) = (right, left ^ u32::from(drawn));
        }
        left << HALF_BITS | right
    }
}

/// The function of one round: a value of ten bits for each half.
fn drawn(key: &Key, list: u64, round: u32) -> [u16; HALF] {
    let mut values = [0; HALF];
    for (block, values) in (0_u32..).zip(values.chunks_mut(VALUES_AT_ONCE)) {
        let message = [&list.to_be_bytes()[..], &round.to_be_bytes(), &block.to_be_bytes()].concat();
        let hash = sign(key, &message);
        for (value, bytes) in values.iter_mut().zip(hash.as_ref().chunks_exact(2)) {
            *value = u16::from_be_bytes([bytes[0], bytes[1]]) & (HALF as u16 - 1);
        }
    }
    values
}

/// All positions of a list are those of the permutation.
const _: () = assert!(StatusPlace::PER_LIST == 1 << (2 * HALF_BITS));

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Secret<[u8; SUBKEY_BYTES]> {
        Secret::new([byte; SUBKEY_BYTES])
    }

    #[test]
    fn each_position_has_an_entry_of_its_own() {
        let permutation = Permutation::new(&key(1), 1);
        let mut is_taken = vec![false; StatusPlace::PER_LIST as usize];
        for position in 0..StatusPlace::PER_LIST {
            let taken = &mut is_taken[permutation.index(position) as usize];
            assert!(!std::mem::replace(taken, true), "{position}");
        }
    }

    /// Tokens in a row would show their order otherwise. Of 1,000 pairs, about one in 2^20 / 1,000 has neighbours by chance.
    #[test]
    fn neighbours_are_scattered_over_the_list() {
        let permutation = Permutation::new(&key(1), 1);
        let near = (0..1_000).filter(|at| permutation.index(*at).abs_diff(permutation.index(at + 1)) < 64);
        assert!(near.count() < 5);
        let halves = (0..10_000).filter(|at| permutation.index(*at) < StatusPlace::PER_LIST / 2).count();
        assert!((4_700..5_300).contains(&halves), "{halves}");
    }

    #[test]
    fn another_list_and_another_key_have_another_order() {
        let first: Vec<_> = (0..8).map(|at| Permutation::new(&key(1), 1).index(at)).collect();
        for other in [Permutation::new(&key(1), 2), Permutation::new(&key(2), 1)] {
            assert_ne!((0..8).map(|at| other.index(at)).collect::<Vec<_>>(), first);
        }
    }

    /// Worked out with another implementation: an instance of a later version must give out other places than one of this
    /// version does for the same list.
    #[test]
    fn the_order_stays_what_it_is() {
        let permutation = Permutation::new(&key(7), 3);
        let found: Vec<_> = [0, 1, 2, 1_048_575].into_iter().map(|at| permutation.index(at)).collect();
        assert_eq!(found, [96_735, 392_685, 13_849, 125_245]);
    }
}
