//! Proofs that neither a branch nor an address depends on a secret.
//!
//! Valgrind does not know AVX-512 IFMA, and hides it from programs. So there are two proofs, each of a child process: the portable
//! lanes run under memcheck with their secrets marked as undefined, and the lanes of IFMA are stepped through, instruction by
//! instruction, with several secrets. Two mutants show that both proofs would find a leak.

mod child;
mod memcheck;
mod stepping;
