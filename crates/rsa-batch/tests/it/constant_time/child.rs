//! The program that the proofs watch: a private operation whose secrets come from the environment.

use std::env;
use std::ffi::c_void;
use std::process::Command;

use crabgrind::memcheck::{MemState, mark_mem};
use crabgrind::{RunMode, run_mode};
use jose::{Algorithm, SigningKey};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use rsa_batch::proof::{Leak, on_reveal};
use rsa_batch::{Batch, NoRandomness, PrivateJob, PrivateKey, PrivateNumbers, Random};

const CHILD: &str = "constant_time::child::child";
const MODE: &str = "RSA_BATCH_CHILD";
const SECRETS: &str = "RSA_BATCH_SECRETS";
const LEAK: &str = "RSA_BATCH_LEAK";

/// The program that watches the child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Watcher {
    Memcheck,
    /// Of exponents that have been cut to so many windows; as long as they are, without a number.
    Stepping(Option<usize>),
}

/// A command that starts the child under `program` with these secrets.
pub fn command(program: &[&str], watcher: Watcher, secrets: &str, leak: Option<Leak>) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(env::current_exe().unwrap());
    command.args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"]);
    let mode = match watcher {
        Watcher::Memcheck => "memcheck".to_owned(),
        Watcher::Stepping(windows) => format!("{:08}", windows.unwrap_or(0)),
    };
    command.env_clear().envs([(MODE, mode.as_str()), (SECRETS, secrets), (LEAK, &format!("{leak:?}"))]);
    command
}

/// The numbers of a new key in hexadecimal, each as long as any key's of that size, so that what they are does not move the stack.
pub fn secrets(bits: u32) -> String {
    let numbers = SigningKey::generate(Algorithm::Rs256, bits).unwrap().rsa_numbers().unwrap();
    let half = bits as usize / 8;
    let hex = |bytes: &[u8], len: usize| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digits:0>len$}")
    };
    let halves = [&numbers.p, &numbers.q, &numbers.dp, &numbers.dq, &numbers.q_inverse];
    let halves: Vec<_> = halves.iter().map(|number| hex(number, half)).collect();
    format!("{} {}", hex(&numbers.n, 2 * half), halves.join(" "))
}

#[test]
#[ignore = "the other tests of this module start and watch it"]
fn child() {
    let Ok(mode) = env::var(MODE) else { return };
    let secrets = env::var(SECRETS).unwrap();
    let mut numbers: Vec<_> = secrets.split(' ').map(unhex).collect();
    let leak = match env::var(LEAK).unwrap().as_str() {
        "Some(Branch)" => Some(Leak::Branch),
        "Some(Address)" => Some(Leak::Address),
        _ => None,
    };
    if mode == "memcheck" {
        under_memcheck(&mut numbers, leak);
    } else {
        under_ptrace(&numbers, leak, mode.parse().unwrap());
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn key(numbers: &[Vec<u8>]) -> PrivateKey {
    let [n, p, q, dp, dq, q_inverse] = numbers else { panic!("six numbers") };
    PrivateKey::new(&PrivateNumbers { n, p, q, dp, dq, q_inverse }).unwrap()
}

fn sign(
    batch: Batch,
    leak: Option<Leak>,
    key: &PrivateKey,
    outputs: &mut [Vec<u8>],
    random: &mut dyn Random,
) {
    let input = vec![0x55; key.bits() / 8];
    let mut jobs: Vec<_> =
        outputs.iter_mut().map(|output| PrivateJob { key, input: &input, output }).collect();
    match leak {
        None => batch.private(&mut jobs, random).unwrap(),
        Some(leak) => batch.leaking_private(leak, &mut jobs, random).unwrap(),
    }
}

fn mark<T>(values: &mut [T], state: MemState) {
    // What this version of crabgrind says of success is wrong. The mutants show that marks are set.
    let _ = mark_mem(values.as_mut_ptr().cast::<c_void>(), size_of_val(values), state);
}

/// Randomness that is as secret as the key.
struct Undefined;

impl Random for Undefined {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        bytes.fill(0x37);
        mark(bytes, MemState::Undefined);
        Ok(())
    }
}

fn under_memcheck(numbers: &mut [Vec<u8>], leak: Option<Leak>) {
    assert_eq!(run_mode(), RunMode::Valgrind);
    for secret in &mut numbers[1..] {
        mark(secret, MemState::Undefined);
    }
    on_reveal(|number| mark(std::slice::from_mut(number), MemState::Defined));
    let key = key(numbers);
    let mut outputs = vec![vec![0; key.bits() / 8]; 2];
    sign(Batch::portable(), leak, &key, &mut outputs, &mut Undefined);
    for output in &mut outputs {
        mark(output, MemState::Defined);
    }
    assert_eq!(outputs[0], outputs[1]);
    println!("the child has signed");
}

/// Randomness that differs from child to child.
struct OfSecrets(u64);

impl Random for OfSecrets {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}

fn under_ptrace(numbers: &[Vec<u8>], leak: Option<Leak>, windows: usize) {
    let mut key = key(numbers);
    if windows > 0 {
        key.shorten(windows);
    }
    let mut outputs = vec![vec![0; key.bits() / 8]; 2];
    let mut random = OfSecrets(u64::from_be_bytes(numbers[1][8..16].try_into().unwrap()));
    let batch = Batch::available().unwrap();
    if windows > 0 && key.bits() > 2048 {
        // Makes the blinding. It goes through the functions of a signature, and takes as many steps; those of 2048 bits are looked at.
        sign(batch, leak, &key, &mut outputs, &mut random);
    }
    ptrace::traceme().unwrap();
    raise(Signal::SIGSTOP).unwrap();
    sign(batch, leak, &key, &mut outputs, &mut random);
    raise(Signal::SIGSTOP).unwrap();
}
