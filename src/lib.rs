//! JWT Generator: issues, publishes and checks JSON Web Tokens.
//!
//! The modules in layers: each module uses only modules to its right (`tests/it/architecture.rs` checks the exact table):
//! [`cli`] → [`app`] → [`http`] → [`oauth`] → [`accounts`] → [`token`] → [`keys`] → [`store`] → [`domain`].
//! [`audit`] signs and checks the events. [`lambda`] turns the events of AWS Lambda into requests. Only `cli` and `app` use
//! [`config`]. Several layers use [`clock`], [`entropy`], [`event_counter`], [`event_record`], [`server_secret`] and [`workers`].

pub mod accounts;
pub mod admin;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod entropy;
pub mod event_counter;
pub mod event_record;
pub mod health;
pub mod http;
pub mod keys;
pub mod lambda;
pub mod limits;
pub mod oauth;
pub mod server_secret;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod webhooks;
pub mod workers;
