//! Inputs and keys at the edges.

use num_bigint::BigUint;
use rsa_batch::{Batch, PrivateKey, PublicKey};

use crate::support::{batches, bytes, of_primes, private, public};

/// What is taken from a power of two to get the two largest primes below it that are not 1 modulo 65537. So `p ≈ q`, and nearly all
/// limbs of the primes and of the modulus are all ones.
const LARGEST: [(u32, u32, u32); 3] = [(1024, 105, 179), (1536, 3453, 4977), (2048, 1557, 2543)];

fn power_of_two(bits: u32) -> BigUint {
    BigUint::from(1_u8) << bits
}

#[test]
fn zero_one_the_largest_and_full_limbs_are_powered_as_any_other() {
    for (bits, first, second) in LARGEST {
        let (p, q) = (power_of_two(bits) - first, power_of_two(bits) - second);
        for (p, q) in [(&p, &q), (&q, &p)] {
            let (key, n) = of_primes(p, q);
            for batch in batches() {
                powers_are_right(batch, &key, &n, p, q);
            }
        }
    }
}

fn powers_are_right(batch: Batch, key: &PrivateKey, n: &BigUint, p: &BigUint, q: &BigUint) {
    let len = key.bits() / 8;
    let one = BigUint::from(1_u8);
    let half = power_of_two(key.bits() as u32 / 2);
    let inputs = [
        BigUint::ZERO,
        one.clone(),
        n - &one,
        power_of_two(key.bits() as u32 - 1) - &one, // all limbs are all ones
        half - &one,
        p.clone(),
        q.clone(),
        n - p,
    ];
    let encoded: Vec<_> = inputs.iter().map(|input| bytes(input, len)).collect();
    let jobs: Vec<_> = encoded.iter().map(|input| (key, input.as_slice())).collect();
    let outputs = private(batch, &jobs).unwrap();
    let e = BigUint::from(65537_u32);
    for (input, output) in inputs.iter().zip(&outputs) {
        let output = BigUint::from_bytes_be(output);
        assert!(output < *n);
        assert_eq!(output.modpow(&e, n), *input);
    }
    let public_key = PublicKey::new(&bytes(n, len)).unwrap();
    let jobs: Vec<_> = encoded.iter().map(|input| (&public_key, input.as_slice())).collect();
    for (input, output) in inputs.iter().zip(public(batch, &jobs).unwrap()) {
        assert_eq!(BigUint::from_bytes_be(&output), input.modpow(&e, n));
    }
}
