//! Tokens: the claims of a new token, and the checks of a received one. The modules below provide the keys
//! and the format.

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

/// The operator's decisions about tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The `iss` of every token, and the only accepted one.
    pub issuer: String,
    /// The `aud` of tokens for which the caller names no other, and the expected one.
    pub audience: String,
    /// The lifetime of a token.
    pub lifetime: Lifetime,
    /// The longest lifetime that a demo token may have.
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
    /// Issues and checks tokens with `keys`.
    pub fn new(keys: Arc<Keys>, clock: Clock, entropy: Entropy, settings: TokenSettings) -> Self {
        Self { keys, clock, entropy, settings: Arc::new(settings), metrics: Arc::default() }
    }

    /// The keys that sign and check.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// What is counted of them.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// The settings of tokens.
    pub fn settings(&self) -> &TokenSettings {
        &self.settings
    }
}
