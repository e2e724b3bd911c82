//! Tokens: the claims of a new token, and the checks of a received one. The modules below provide the keys
//! and the format.

mod check;
mod claims;
mod denied_tokens;
mod issue;
mod metrics;
mod requests;
mod status_list;
mod subject;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::Lifetime;
use crate::entropy::Entropy;
use crate::event_counter::EventCounter;
use crate::keys::Keys;
use crate::telemetry::metrics::Source;
use metrics::TokenMetrics;

pub use check::{AccessClaims, AccessToken, CheckError, Checked, Rejection, UserSession};
pub use claims::{CustomClaims, CustomClaimsError};
pub use denied_tokens::DeniedTokens;
pub use issue::{IssueError, Issued, Session, TokenRequest, TracedToken};
pub use requests::{
    AccessTokenRequest, AnswerKind, GeneratedRequest, IdTokenRequest, LogIn, UserOfGrant, at_hash,
};
pub use status_list::{SignedStatusList, StatusReference};
pub use subject::Subject;

/// The operator's decisions about tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The `iss` of the tokens of the API, and the only accepted one there.
    pub issuer: String,
    /// The `iss` of OAuth tokens; `None` if OAuth is off.
    pub oauth_issuer: Option<String>,
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
    denied: DeniedTokens,
    counter: EventCounter,
}

impl Tokens {
    /// Issues and checks tokens with `keys`.
    pub fn new(keys: Arc<Keys>, clock: Clock, entropy: Entropy, settings: TokenSettings) -> Self {
        let (denied, counter) = (DeniedTokens::default(), EventCounter::default());
        Self { keys, clock, entropy, settings: Arc::new(settings), metrics: Arc::default(), denied, counter }
    }

    /// The same, with these denied tokens.
    #[must_use]
    pub fn sharing(self, denied: DeniedTokens) -> Self {
        Self { denied, ..self }
    }

    /// The same; it counts tokens of machines in this counter.
    #[must_use]
    pub fn counting(self, counter: EventCounter) -> Self {
        Self { counter, ..self }
    }

    /// Counts what has no event of its own.
    pub fn event_counter(&self) -> &EventCounter {
        &self.counter
    }

    /// The keys that sign and check.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// What is counted of them.
    pub fn metrics(&self) -> Arc<dyn Source> {
        Arc::clone(&self.metrics) as Arc<dyn Source>
    }

    /// Which tokens are refused although they have not expired.
    pub fn denied(&self) -> &DeniedTokens {
        &self.denied
    }

    /// The settings of tokens.
    pub fn settings(&self) -> &TokenSettings {
        &self.settings
    }
}
