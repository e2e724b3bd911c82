//! Tokens: which claims go in, and what is asked of those that come back. The keys and the format lie beneath.

mod check;
mod claims;
mod issue;
mod metrics;
mod subject;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::Lifetime;
use crate::entropy::Entropy;
use crate::keys::Keys;
use crate::telemetry::metrics::Source;
use metrics::TokenMetrics;

pub use check::{CheckError, Checked, Rejection, UserSession};
pub use claims::{CustomClaims, CustomClaimsError};
pub use issue::{ClientRequest, IssueError, Issued, Session, TokenRequest};
pub use subject::Subject;

/// What an operator decides about tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The `iss` of every token, and the only one that is accepted.
    pub issuer: String,
    /// The `aud` of tokens that ask for no other, and the one that is expected.
    pub audience: String,
    /// How long a token lives.
    pub lifetime: Lifetime,
    /// The most that a demo token may ask for.
    pub max_lifetime: Lifetime,
    /// Seconds by which `exp` and `nbf` may be missed.
    pub clock_skew: u64,
}

/// Issues and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<Keys>,
    clock: Clock,
    entropy: Entropy,
    settings: Arc<TokenSettings>,
    metrics: Arc<TokenMetrics>,
}

impl Tokens {
    /// Tokens signed and checked with `keys`.
    pub fn new(keys: Arc<Keys>, clock: Clock, entropy: Entropy, settings: TokenSettings) -> Self {
        Self { keys, clock, entropy, settings: Arc::new(settings), metrics: Arc::default() }
    }

    /// The keys that they are signed and checked with.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// What is counted of them.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// What holds for them.
    pub fn settings(&self) -> &TokenSettings {
        &self.settings
    }
}
