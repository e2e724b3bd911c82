//! JWT Generator: issues, publishes and checks JSON Web Tokens.
//!
//! The modules, from the outermost inwards. Each uses only those behind it (`tests/it/architecture.rs` checks this):
//! [`cli`] → [`app`] → [`http`] → [`accounts`] → [`token`] → [`keys`], [`store`] → [`domain`].
//! [`lambda`] turns what AWS hands to a function into requests, so [`app`] gets them from it and not from a socket. [`config`] is
//! seen by `cli` and `app` alone; [`clock`], [`entropy`] and [`workers`] stand beside them all.

pub mod accounts;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod http;
pub mod keys;
pub mod lambda;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod workers;
