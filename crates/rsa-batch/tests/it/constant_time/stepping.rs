//! The lanes of AVX-512 IFMA, stepped through: with any secrets, the processor goes through the same instructions, and they touch the
//! same addresses.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::IoSliceMut;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Register, UsedMemory};
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rsa_batch::Batch;
use rsa_batch::proof::Leak;

use super::child::{Watcher, command, secrets};

/// Windows of each exponent that are stepped through. Each window takes the same steps.
const WINDOWS: usize = 2;

/// An instruction at an address, and what memory it uses.
struct Decoded {
    memory: Vec<UsedMemory>,
    is_ifma: bool,
}

/// A step: the address of the instruction, and a hash of the addresses that it uses.
type Step = (u64, u64);

struct Trace {
    steps: Vec<Step>,
    /// Multiplications of IFMA among them.
    multiplications: usize,
}

fn same_with_any_secrets(bits: u32, keys: usize) {
    if Batch::available().is_none() {
        println!("this machine has no AVX-512 IFMA: there is nothing to step through");
        return;
    }
    let first = trace(bits, Some(WINDOWS), None);
    assert!(first.multiplications > 10_000, "{} multiplications", first.multiplications);
    for _ in 1..keys {
        assert_same(&first, &trace(bits, Some(WINDOWS), None));
    }
}

#[test]
fn stepping_finds_the_same_instructions_and_addresses_with_any_secrets_of_2048_bits() {
    same_with_any_secrets(2048, 3);
}

#[test]
fn stepping_finds_the_same_instructions_and_addresses_with_any_secrets_of_3072_bits() {
    same_with_any_secrets(3072, 2);
}

#[test]
fn stepping_finds_the_same_instructions_and_addresses_with_any_secrets_of_4096_bits() {
    same_with_any_secrets(4096, 2);
}

/// `cargo test -p rsa-batch --release -- --ignored whole_operation`
#[test]
#[ignore = "steps through millions of instructions: some minutes"]
fn stepping_finds_the_same_instructions_and_addresses_in_a_whole_operation() {
    for bits in [2048, 3072, 4096] {
        let first = trace(bits, None, None);
        assert_same(&first, &trace(bits, None, None));
        println!("RSA-{bits}: {} instructions", first.steps.len());
    }
}

#[test]
fn stepping_finds_a_branch_that_depends_on_a_secret() {
    if Batch::available().is_some() {
        let [first, second] = [(); 2].map(|()| trace(2048, Some(WINDOWS), Some(Leak::Branch)));
        assert!(!has_same_instructions(&first, &second));
    }
}

#[test]
fn stepping_finds_an_address_that_depends_on_a_secret() {
    if Batch::available().is_some() {
        let [first, second] = [(); 2].map(|()| trace(2048, Some(WINDOWS), Some(Leak::Address)));
        assert!(has_same_instructions(&first, &second));
        assert!(difference(&first, &second).is_some());
    }
}

fn difference(first: &Trace, second: &Trace) -> Option<(Step, Step)> {
    first.steps.iter().copied().zip(second.steps.iter().copied()).find(|(first, second)| first != second)
}

fn has_same_instructions(first: &Trace, second: &Trace) -> bool {
    first.steps.iter().map(|step| step.0).eq(second.steps.iter().map(|step| step.0))
}

fn assert_same(first: &Trace, second: &Trace) {
    assert_eq!(difference(first, second), None);
    assert_eq!(first.steps.len(), second.steps.len());
}

/// Steps through a private operation with a new key.
fn trace(bits: u32, windows: Option<usize>, leak: Option<Leak>) -> Trace {
    // Without randomised addresses, so that those of two children can be compared.
    let mut command = command(&["setarch", "-R"], Watcher::Stepping(windows), &secrets(bits), leak);
    let mut child = command.stdout(Stdio::null()).arg0("setarch").spawn().expect("setarch");
    // One thread of the child asks to be traced, by the thread that has started it.
    let mine = Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD);
    let WaitStatus::Stopped(thread, Signal::SIGSTOP) = waitpid(None, mine).unwrap() else {
        panic!("no child")
    };
    let (mut decoded, mut factory) = (HashMap::new(), InstructionInfoFactory::new());
    let mut trace = Trace { steps: Vec::new(), multiplications: 0 };
    loop {
        let registers = ptrace::getregs(thread).unwrap();
        let instruction =
            decoded.entry(registers.rip).or_insert_with(|| decode(thread, registers.rip, &mut factory));
        trace.multiplications += usize::from(instruction.is_ifma);
        trace.steps.push((registers.rip, addresses(instruction, &registers)));
        ptrace::step(thread, None).unwrap();
        match waitpid(thread, mine).unwrap() {
            WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
            WaitStatus::Stopped(_, Signal::SIGSTOP) => break,
            other => panic!("the child has ended: {other:?}"),
        }
    }
    child.kill().unwrap();
    // The thread is waited for by its tracer first: until then the child does not end.
    waitpid(thread, mine).unwrap();
    child.wait().unwrap();
    trace
}

fn decode(pid: Pid, address: u64, factory: &mut InstructionInfoFactory) -> Decoded {
    let mut bytes = [0; 15];
    let remote = RemoteIoVec { base: address as usize, len: bytes.len() };
    let read = process_vm_readv(pid, &mut [IoSliceMut::new(&mut bytes)], &[remote]).unwrap();
    let mut instruction = Instruction::default();
    Decoder::with_ip(64, &bytes[..read], address, DecoderOptions::NONE).decode_out(&mut instruction);
    assert_ne!(instruction.code(), Code::INVALID, "{bytes:02x?}");
    let is_ifma = format!("{:?}", instruction.mnemonic()).starts_with("Vpmadd52");
    Decoded { memory: factory.info(&instruction).used_memory().to_vec(), is_ifma }
}

fn addresses(instruction: &Decoded, registers: &user_regs_struct) -> u64 {
    let mut hasher = DefaultHasher::new();
    for memory in &instruction.memory {
        let address = memory.virtual_address(0, |register, _, _| value(register, registers));
        address.expect("an address of general registers").hash(&mut hasher);
    }
    hasher.finish()
}

/// The value of a register that takes part in an address.
fn value(register: Register, registers: &user_regs_struct) -> Option<u64> {
    Some(match register {
        Register::RAX => registers.rax,
        Register::RBX => registers.rbx,
        Register::RCX => registers.rcx,
        Register::RDX => registers.rdx,
        Register::RSI => registers.rsi,
        Register::RDI => registers.rdi,
        Register::RBP => registers.rbp,
        Register::RSP => registers.rsp,
        Register::R8 => registers.r8,
        Register::R9 => registers.r9,
        Register::R10 => registers.r10,
        Register::R11 => registers.r11,
        Register::R12 => registers.r12,
        Register::R13 => registers.r13,
        Register::R14 => registers.r14,
        Register::R15 => registers.r15,
        Register::FS => registers.fs_base,
        Register::GS => registers.gs_base,
        Register::CS | Register::DS | Register::ES | Register::SS => 0,
        _ => return None,
    })
}
