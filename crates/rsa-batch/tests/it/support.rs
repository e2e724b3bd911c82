//! Keys, randomness and batches for the tests.

use jose::{Algorithm, RsaPrivateNumbers, SigningKey};
use num_bigint::BigUint;
use rsa_batch::{
    Batch, BatchError, NoRandomness, PrivateJob, PrivateKey, PrivateNumbers, PublicJob, PublicKey, Random,
};

/// The system's randomness.
pub struct System;

impl Random for System {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests of the service itself take randomness from its Entropy; this is no part of it"
    )]
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
    }
}

/// The lanes of this machine, and the portable ones.
pub fn batches() -> Vec<Batch> {
    [Batch::available(), Some(Batch::portable())].into_iter().flatten().collect()
}

/// A new key, as both libraries know it.
pub fn generate(algorithm: Algorithm, bits: u32) -> (SigningKey, PrivateKey) {
    let key = SigningKey::generate(algorithm, bits).unwrap();
    let own = own(&key.rsa_numbers().unwrap());
    (key, own)
}

pub fn own(numbers: &RsaPrivateNumbers) -> PrivateKey {
    let RsaPrivateNumbers { n, p, q, dp, dq, q_inverse } = numbers;
    PrivateKey::new(&PrivateNumbers { n, p, q, dp, dq, q_inverse }).unwrap()
}

/// A key of these primes, and its modulus.
pub fn of_primes(p: &BigUint, q: &BigUint) -> (PrivateKey, BigUint) {
    let one = BigUint::from(1_u8);
    let e = BigUint::from(65537_u32);
    let exponent = |prime: &BigUint| e.modinv(&(prime - &one)).unwrap().to_bytes_be();
    let numbers = PrivateNumbers {
        n: &(p * q).to_bytes_be(),
        p: &p.to_bytes_be(),
        q: &q.to_bytes_be(),
        dp: &exponent(p),
        dq: &exponent(q),
        q_inverse: &q.modinv(p).unwrap().to_bytes_be(),
    };
    (PrivateKey::new(&numbers).unwrap(), p * q)
}

/// A number in as many bytes as a modulus has.
pub fn bytes(number: &BigUint, len: usize) -> Vec<u8> {
    let mut bytes = number.to_bytes_le();
    bytes.resize(len, 0);
    bytes.reverse();
    bytes
}

/// The private operation on up to eight inputs, each with its key.
pub fn private(batch: Batch, jobs: &[(&PrivateKey, &[u8])]) -> Result<Vec<Vec<u8>>, BatchError> {
    let mut outputs: Vec<_> = jobs.iter().map(|(_, input)| vec![0; input.len()]).collect();
    let mut batched: Vec<_> = jobs
        .iter()
        .zip(&mut outputs)
        .map(|((key, input), output)| PrivateJob { key, input, output })
        .collect();
    batch.private(&mut batched, &mut System)?;
    Ok(outputs)
}

/// The public operation on up to eight inputs, each with its key.
pub fn public(batch: Batch, jobs: &[(&PublicKey, &[u8])]) -> Result<Vec<Vec<u8>>, BatchError> {
    let mut outputs: Vec<_> = jobs.iter().map(|(_, input)| vec![0; input.len()]).collect();
    let mut batched: Vec<_> = jobs
        .iter()
        .zip(&mut outputs)
        .map(|((key, input), output)| PublicJob { key, input, output })
        .collect();
    batch.public(&mut batched)?;
    Ok(outputs)
}
