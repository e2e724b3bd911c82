//! A Lambda authorizer for API Gateway: tokens of any issuer, checked with the keys that it publishes.
//!
//! `runtime` receives the gateway's events and hands each to `handler`. `handler` reads the event (`event`), has the token
//! judged (`judge`) and writes the answer (`answer`). `judge` checks the signature with `jose` and the keys of `keys`, and
//! the claims with `rules`. If there is any doubt, the answer is a [`Denial`].
//!
//! If the keys of the issuer are in memory, judging a token needs no network.

mod address;
mod answer;
mod arn;
mod claim_path;
mod clock;
mod denial;
mod event;
mod handler;
mod judge;
mod keys;
mod rules;
mod runtime;
mod settings;
mod telemetry;

pub use denial::Denial;
pub use runtime::run;
pub use settings::{SETTINGS, Setting};
