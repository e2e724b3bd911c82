//! Keys at rest: what is found is adopted or refused, what is made survives, nothing is ever written over. The ids are
//! those of the failure tests in SECURITY.md.

mod crash;
mod folder;
mod simulation;
mod vault;
