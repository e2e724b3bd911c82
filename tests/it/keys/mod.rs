//! Stored keys: the service adopts or refuses the keys that it finds, does not lose the keys that it makes, and never
//! overwrites a key. The ids are the ids of the failure tests in SECURITY.md.

mod algorithms;
mod asleep;
mod aws_kms;
mod batches;
mod commands;
mod crash;
pub mod custody;
mod fleet;
mod folder;
mod instances;
mod interrupted;
mod key_events;
mod models;
mod protected_ring;
mod regions;
mod relocation;
pub mod rotation;
mod server_secret;
mod settings;
mod simulation;
mod supervised;
mod vault;
