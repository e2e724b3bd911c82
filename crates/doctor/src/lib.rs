//! Inspects a deployment of the service from outside, as verifiers, browsers and strangers see it, and says
//! what to do about each problem. `jwt-generator doctor` reads its arguments, calls [`Inspection::run`] and
//! prints the [`Report`].
//!
//! The rules are pure functions of answers, in one file for each group of checks. `requests` and `oauth` alone send
//! requests, over `client` and `raw_connection`. The crate knows nothing of the service; the caller brings the time ([`Clock`]) and the
//! random bytes ([`Inspection::random`]).

mod authorization;
mod aws;
mod caching;
mod certificate;
mod checks;
mod client;
mod clock;
mod connection;
mod cors;
mod discovery;
mod finding;
mod health;
mod host_names;
mod inspection;
mod instant;
mod key_schedule;
mod key_set;
mod keys;
mod log_in_page;
mod oauth;
mod raw_connection;
mod report;
mod requests;
mod responses;
mod roots;
mod target;
mod tls;
mod tokens;
mod unusual_requests;
mod wrapping;

pub use checks::{list_as_json, list_as_text};
pub use clock::Clock;
pub use finding::Status;
pub use inspection::Inspection;
pub use report::Report;
pub use roots::{NoCertificate, Roots, TrustError};
pub use target::{AddressError, Target};
pub use tokens::Expected;
