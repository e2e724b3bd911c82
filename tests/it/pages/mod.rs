//! The pages on which users log in, and the front channel of OAuth: through real HTTP, by a browser without scripts. The real
//! browser is in `tests/it/browser.rs`.

mod account;
pub mod browser;
mod consent;
mod flow;
mod log_out;
mod look;
mod recipes;
mod requests;
mod rfc9700;
mod sessions;
