//! A Lambda authorizer for API Gateway: tokens of any issuer, checked with the keys that it publishes.
//!
//! Read from the door inwards: `runtime` takes the gateway's events and hands each to `door`, which reads it (`event`), has
//! the token judged (`judge`) and words the answer (`answer`). A judgement is `jose`'s of the signature, with the keys that
//! `keys` holds, and that of `rules` on the claims. Whatever is in doubt is a [`Denial`].
//!
//! A token whose issuer's keys are at hand is judged in memory alone.

mod address;
mod answer;
mod arn;
mod claim_path;
mod clock;
mod denial;
mod door;
mod event;
mod judge;
mod keys;
mod rules;
mod runtime;
mod settings;
mod telemetry;

pub use denial::Denial;
pub use runtime::run;
pub use settings::{SETTINGS, Setting};
