//! JWT Generator: issues, publishes and checks JSON Web Tokens.
//!
//! The rooms, from the door inwards; each calls only those below it (`tests/it/architecture.rs` holds them to it):
//! [`cli`] → [`app`] → [`http`] → [`accounts`] → [`token`] → [`keys`], [`store`] → [`domain`].
//! [`lambda`] turns what AWS hands to a function into requests, and stands before [`app`] as a socket does. [`config`] is
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
