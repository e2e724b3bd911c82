//! Accounts: registering, logging in, refreshing, and finding the user of a token. This module knows no HTTP
//! and no database, only the traits of the store.

mod asker;
mod authenticate;
mod change_password;
mod error;
mod event_budget;
mod hashing;
mod login;
mod login_guard;
mod metrics;
mod register;
mod registry;
mod unlock;
mod user_claims;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{Lifetime, User};
use crate::telemetry::metrics::Source;
use crate::token::{Issued, Tokens};
use metrics::AccountMetrics;

pub use error::AccountError;
pub use hashing::{HashError, Hasher};
pub use login_guard::LoginGuard;
pub use register::Registration;
pub use registry::Registry;
pub use unlock::FailedLogIns;

/// The use cases of accounts.
#[derive(Clone)]
pub struct Accounts {
    registry: Registry,
    guard: LoginGuard,
    tokens: Tokens,
    clock: Clock,
    session_max_age: Lifetime,
    metrics: Arc<AccountMetrics>,
}

/// A user who has just proved who they are.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The user.
    pub user: User,
    /// The instant of the log-in, in seconds since 1970.
    pub auth_time: u64,
}

/// A user and a token for them.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The user.
    pub user: User,
    /// The token.
    pub token: Issued,
}

impl Accounts {
    /// Accounts of the users in `registry`, whose log-ins `guard` admits.
    pub fn new(
        registry: Registry,
        guard: LoginGuard,
        tokens: Tokens,
        clock: Clock,
        session_max_age: Lifetime,
    ) -> Self {
        Self { registry, guard, tokens, clock, session_max_age, metrics: Arc::default() }
    }

    /// What is counted of the use cases and of the queue of password hashes.
    pub fn metrics(&self) -> [Arc<dyn Source>; 2] {
        [Arc::clone(&self.metrics) as Arc<dyn Source>, self.registry.hasher.metrics()]
    }
}
