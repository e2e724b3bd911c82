//! Measures batches against aws-lc-rs on one core, round by round.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for the command line that ends with the first fault"
)]

use std::time::Duration;

use jose::{Algorithm, SigningKey};
use nix::time::{ClockId, clock_gettime};
use rsa_batch::{Batch, NoRandomness, PrivateJob, PrivateKey, PrivateNumbers, PublicJob, PublicKey, Random};

struct System;

impl Random for System {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| NoRandomness)
    }
}

/// Processor time of this thread: other programs on the machine do not count.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock").into()
}

/// How often `operation` runs in a second; it does `each` things at once.
fn rate(each: usize, mut operation: impl FnMut()) -> f64 {
    let (began, mut done) = (processor_time(), 0);
    while processor_time() - began < Duration::from_millis(200) {
        for _ in 0..4 {
            operation();
        }
        done += 4 * each;
    }
    done as f64 / (processor_time() - began).as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn sign(batch: Batch, key: &PrivateKey, encoded: &[u8], signatures: &mut [Vec<u8>]) {
    let mut jobs: Vec<_> =
        signatures.iter_mut().map(|output| PrivateJob { key, input: encoded, output }).collect();
    batch.private(&mut jobs, &mut System).expect("signatures");
}

fn compare(batch: Batch, bits: u32, rounds: usize) {
    let key = SigningKey::generate(Algorithm::Rs256, bits).expect("a key");
    let numbers = key.rsa_numbers().expect("numbers");
    let jose::RsaPrivateNumbers { n, p, q, dp, dq, q_inverse } = &numbers;
    let own = PrivateKey::new(&PrivateNumbers { n, p, q, dp, dq, q_inverse }).expect("a key");
    let public = PublicKey::new(n).expect("a key");
    let message = [7; 300];
    let encoded = key.rsa_encoding(&message, &[0; 32]).expect("an encoded message");
    let signature = key.sign(&message).expect("a signature");
    let mut outputs = vec![vec![0; n.len()]; 8];

    let mut names = vec!["aws-lc-rs: sign".to_owned()];
    names.extend((1..=8).map(|count| format!("batch of {count}: private operation")));
    names.extend((1..=8).map(|count| format!("batch of {count}: signed, checked by aws-lc-rs")));
    names.extend(["aws-lc-rs: verify", "batch of 8: public operation"].map(str::to_owned));
    let mut rates = vec![Vec::new(); names.len()];
    for _ in 0..rounds {
        let mut row = rates.iter_mut();
        let mut next = |rate| row.next().expect("a row").push(rate);
        next(rate(1, || drop(key.sign(&message))));
        for count in 1..=8 {
            next(rate(count, || sign(batch, &own, &encoded, &mut outputs[..count])));
        }
        for count in 1..=8 {
            next(rate(count, || {
                let inputs: Vec<_> =
                    (0..count).map(|_| key.rsa_encoding(&message, &[0; 32]).expect("encoded")).collect();
                sign(batch, &own, &inputs[0], &mut outputs[..count]);
                assert!(
                    outputs[..count].iter().all(|signature| key.verifying_key().verify(&message, signature))
                );
            }));
        }
        next(rate(1, || assert!(key.verifying_key().verify(&message, &signature))));
        next(rate(8, || {
            let mut jobs: Vec<_> = outputs
                .iter_mut()
                .map(|output| PublicJob { key: &public, input: &signature, output })
                .collect();
            batch.public(&mut jobs).expect("results");
        }));
        assert!(outputs.iter().all(|output| *output == encoded));
    }
    let medians: Vec<_> = rates.into_iter().map(median).collect();
    println!(
        "RSA-{bits}, medians of {rounds} rounds, per second of processor time, and as multiples of aws-lc-rs"
    );
    for (name, rate) in names.iter().zip(&medians) {
        let base = if name.contains("verify") || name.contains("public") { medians[17] } else { medians[0] };
        println!("  {name:<44} {rate:>10.0}  {:>5.2}", rate / base);
    }
}

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let Some(batch) = Batch::available() else {
        println!("this machine has no AVX-512 IFMA: batches are not available");
        return;
    };
    for bits in [2048, 3072, 4096] {
        compare(batch, bits, rounds);
    }
}
