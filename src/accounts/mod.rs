//! Accounts: registering, logging in, refreshing, and who a token belongs to. No HTTP here, and no database: a store.

mod authenticate;
mod error;
mod hashing;
mod login;
mod register;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::{Lifetime, User};
use crate::entropy::Entropy;
use crate::store::Store;
use crate::token::{Issued, Tokens};

pub use error::AccountError;
pub use hashing::{HashError, Hasher};
pub use register::Registration;

/// The use cases of accounts.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<dyn Store>,
    tokens: Tokens,
    hasher: Hasher,
    clock: Clock,
    entropy: Entropy,
    session_max_age: Lifetime,
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
    /// Accounts kept in `store`.
    pub fn new(
        store: Arc<dyn Store>,
        tokens: Tokens,
        hasher: Hasher,
        clock: Clock,
        entropy: Entropy,
        session_max_age: Lifetime,
    ) -> Self {
        Self { store, tokens, hasher, clock, entropy, session_max_age }
    }
}
