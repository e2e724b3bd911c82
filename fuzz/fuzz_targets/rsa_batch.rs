//! RSA operations on any inputs and moduli, against a big-integer crate; and numbers that make no key.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use num_bigint::BigUint;
use rsa_batch::{Batch, NoRandomness, PrivateJob, PrivateKey, PrivateNumbers, PublicJob, PublicKey, Random};

/// Bytes of the modulus.
const LEN: usize = 256;

static KEY: LazyLock<(PrivateKey, BigUint)> = LazyLock::new(|| {
    let one = BigUint::from(1_u8);
    let p: BigUint = (&one << 1024) - 105_u32;
    let q: BigUint = (&one << 1024) - 179_u32;
    let n = &p * &q;
    let e = BigUint::from(65537_u32);
    let exponent = |prime: &BigUint| e.modinv(&(prime - &one)).expect("an inverse").to_bytes_be();
    let numbers = PrivateNumbers {
        n: &n.to_bytes_be(),
        p: &p.to_bytes_be(),
        q: &q.to_bytes_be(),
        dp: &exponent(&p),
        dq: &exponent(&q),
        q_inverse: &q.modinv(&p).expect("an inverse").to_bytes_be(),
    };
    (PrivateKey::new(&numbers).expect("a key"), n)
});

/// The fuzzer's bytes, again and again.
struct Given<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl Random for Given<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            *byte = *self.0.next().ok_or(NoRandomness)?;
        }
        Ok(())
    }
}

fn padded(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_le();
    bytes.resize(LEN, 0);
    bytes.reverse();
    bytes
}

/// Up to eight numbers below `n`.
fn inputs(data: &[u8], n: &BigUint) -> Vec<Vec<u8>> {
    data.chunks(LEN).take(8).map(|chunk| padded(&(BigUint::from_bytes_be(chunk) % n))).collect()
}

fn batches() -> impl Iterator<Item = Batch> {
    [Batch::available(), Some(Batch::portable())].into_iter().flatten()
}

fn private(data: &[u8]) {
    let (key, n) = &*KEY;
    let inputs = inputs(data, n);
    for batch in batches() {
        let mut outputs = vec![vec![0; LEN]; inputs.len()];
        let mut jobs: Vec<_> = inputs
            .iter()
            .zip(&mut outputs)
            .map(|(input, output)| PrivateJob { key, input, output })
            .collect();
        let drawn = batch.private(&mut jobs, &mut Given(data.iter().cycle()));
        // If all bytes are zero, the blinding factor is zero.
        if drawn.is_err() || data.iter().all(|byte| *byte == 0) {
            return;
        }
        for (input, output) in inputs.iter().zip(&outputs) {
            let power = BigUint::from_bytes_be(output).modpow(&BigUint::from(65537_u32), n);
            assert_eq!(padded(&power), *input);
        }
    }
}

fn public(data: &[u8]) {
    let Some((n, data)) = data.split_at_checked(LEN) else { return };
    let Ok(key) = PublicKey::new(n) else { return };
    let n = BigUint::from_bytes_be(n);
    let inputs = inputs(data, &n);
    for batch in batches() {
        let mut outputs = vec![vec![0; LEN]; inputs.len()];
        let mut jobs: Vec<_> = inputs
            .iter()
            .zip(&mut outputs)
            .map(|(input, output)| PublicJob { key: &key, input, output })
            .collect();
        batch.public(&mut jobs).expect("inputs below the modulus");
        for (input, output) in inputs.iter().zip(&outputs) {
            let power = BigUint::from_bytes_be(input).modpow(&BigUint::from(65537_u32), &n);
            assert_eq!(padded(&power), *output);
        }
    }
}

/// No numbers make it panic.
fn numbers(data: &[u8]) {
    let mut parts = data.chunks(LEN / 2);
    let n = data.get(..LEN).unwrap_or(data);
    let mut part = || parts.next().unwrap_or(&[]);
    let numbers = PrivateNumbers { n, p: part(), q: part(), dp: part(), dq: part(), q_inverse: part() };
    drop(PrivateKey::new(&numbers));
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 3 {
        0 => private(rest),
        1 => public(rest),
        _ => numbers(rest),
    }
});
