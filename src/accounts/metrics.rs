//! What is counted of the use cases of accounts.

use super::AccountError;
use crate::telemetry::metrics::{Counter, Descriptor, Kind, Snapshot, Source};

const ATTEMPTS: Descriptor = Descriptor {
    name: "jwt_account_attempts",
    kind: Kind::Counter,
    labels: &["action", "outcome"],
    help: "Attempts to register, to log in and to refresh a token, by how they ended.",
};

/// What a client attempts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    Register,
    LogIn,
    Refresh,
}

const ACTIONS: [&str; 3] = ["register", "login", "refresh"];
const OUTCOMES: [&str; 12] = [
    "ok",
    "invalid_field",
    "user_exists",
    "invalid_credentials",
    "invalid_token",
    "session_ended",
    "busy",
    "database_unavailable",
    "keys_unavailable",
    "failed",
    "login_throttled",
    "login_limited",
];

/// The instruments.
#[derive(Debug, Default)]
pub(super) struct AccountMetrics {
    attempts: [[Counter; OUTCOMES.len()]; ACTIONS.len()],
}

impl AccountMetrics {
    /// Counts an attempt.
    pub(super) fn count<T>(&self, action: Action, ended: &Result<T, AccountError>) {
        self.attempts[action as usize][outcome(ended.as_ref().err())].increment();
    }
}

/// The number of an outcome.
fn outcome(error: Option<&AccountError>) -> usize {
    match error {
        None => 0,
        Some(AccountError::Username(_) | AccountError::Email(_) | AccountError::Password(_)) => 1,
        Some(AccountError::Exists) => 2,
        Some(AccountError::Credentials) => 3,
        Some(AccountError::Token(_) | AccountError::LoggedOut | AccountError::NoUser) => 4,
        Some(AccountError::SessionEnded) => 5,
        Some(AccountError::Busy) => 6,
        Some(AccountError::NoDatabase | AccountError::Unavailable(_)) => 7,
        Some(AccountError::NoKeys) => 8,
        Some(AccountError::Internal(_)) => 9,
        Some(AccountError::Throttled(_)) => 10,
        Some(AccountError::Limited) => 11,
    }
}

impl Source for AccountMetrics {
    fn collect(&self, snapshot: &mut Snapshot) {
        let attempts = snapshot.family(&ATTEMPTS);
        for (action, counters) in ACTIONS.iter().zip(&self.attempts) {
            for (outcome, counter) in OUTCOMES.iter().zip(counters) {
                attempts.add(&[*action, *outcome], counter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_counted_by_how_it_ended() {
        let named = |error: AccountError| OUTCOMES[outcome(Some(&error))];
        assert_eq!(OUTCOMES[outcome(None)], "ok");
        assert_eq!(named(AccountError::Credentials), "invalid_credentials");
        assert_eq!(named(AccountError::LoggedOut), "invalid_token");
        assert_eq!(named(AccountError::SessionEnded), "session_ended");
        assert_eq!(named(AccountError::Busy), "busy");
        assert_eq!(named(AccountError::Throttled(1)), "login_throttled");
        assert_eq!(named(AccountError::Limited), "login_limited");
        assert_eq!(named(AccountError::NoKeys), "keys_unavailable");
        assert_eq!(named(AccountError::Internal("x".into())), "failed");
    }
}
