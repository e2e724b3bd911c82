//! The tests of the crate from outside, in one binary.

// Tells clippy that the helpers are test code too.
#![cfg(test)]

mod jwk_documents;
mod key_files;
mod ml_dsa;
mod mutations;
mod refusals;
mod rfc_examples;
mod rsa_computation;
mod support;
mod wycheproof_jwk;
mod wycheproof_jws;
mod wycheproof_primitives;
