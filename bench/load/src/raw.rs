//! The upper limit for any issuer: RSA-2048 signatures by the crypto library alone, with one thread per core.

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use clap::Args;

use crate::figures::{Figures, Label};

/// As long as the signing input of a demo token.
const MESSAGE: [u8; 400] = [b'x'; 400];

/// What to measure.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    label: Label,
    /// How long to sign
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// Signs on all cores, and prints signatures a second.
pub fn run(options: Options) -> Result<()> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let time = Duration::from_secs_f64(options.seconds);
    let rates: Result<Vec<f64>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| rate(&key, time))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?).collect()
    });
    options.label.print(Figures { per_second: Some(rates?.iter().sum()), ..Figures::default() })
}

fn rate(key: &RsaKeyPair, time: Duration) -> Result<f64> {
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let (begun, mut made) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?;
        made += 1;
    }
    Ok(f64::from(made) / begun.elapsed().as_secs_f64())
}
