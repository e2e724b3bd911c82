//! The crate against aws-lc-rs, Wycheproof and a big-integer crate, and the proofs that it takes the same steps whatever the secrets are.

// Tells clippy that the helpers are test code too.
#![cfg(test)]

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod constant_time;
mod differential;
mod edges;
mod refusals;
mod support;
mod wycheproof_vectors;
