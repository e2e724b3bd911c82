//! The assertions that were used (RFC 7523 §3, `jti`). Each counts once on this instance; before a grant is written, it is counted
//! on all instances, too.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::{AuthenticatedClient, ClientAuthError, OAuth, TokenError};

/// The most assertions that are remembered: some 50 MB. Only clients that authenticated can add one.
const MAX_USED: usize = 500_000;

/// The names of assertions that have not expired.
#[derive(Default)]
pub(super) struct UsedAssertions(Mutex<Used>);

#[derive(Default)]
struct Used {
    names: HashSet<[u8; 16]>,
    /// The same names by the second in which they expire.
    by_expiry: BTreeMap<u64, Vec<[u8; 16]>>,
}

/// Why an assertion does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotCounted {
    /// It was used before.
    Again,
    /// Too many others are remembered.
    Full,
}

impl UsedAssertions {
    /// Remembers an assertion until `expires_at`, in seconds since 1970.
    pub(super) fn count(&self, name: [u8; 16], now: u64, expires_at: u64) -> Result<(), NotCounted> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget_before(now);
        if used.names.contains(&name) {
            return Err(NotCounted::Again);
        }
        if used.names.len() >= MAX_USED {
            return Err(NotCounted::Full);
        }
        used.names.insert(name);
        used.by_expiry.entry(expires_at).or_default().push(name);
        Ok(())
    }
}

impl Used {
    fn forget_before(&mut self, now: u64) {
        while let Some(first) = self.by_expiry.first_entry().filter(|first| *first.key() < now) {
            for name in first.remove() {
                self.names.remove(&name);
            }
        }
    }
}

impl OAuth {
    /// Counts the assertion of a client on all instances, if the client used one.
    ///
    /// # Errors
    /// [`TokenError::InvalidClient`] if it was used on another instance, and those of the store.
    pub(super) async fn count_everywhere(&self, client: &AuthenticatedClient) -> Result<(), TokenError> {
        match &client.assertion {
            Some(used) if !self.assertions.create_assertion(used).await? => {
                Err(ClientAuthError::Failed("the assertion was used before, on another instance").into())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_USED, NotCounted, UsedAssertions};

    fn name(n: usize) -> [u8; 16] {
        (n as u128).to_be_bytes()
    }

    #[test]
    fn an_assertion_counts_once_until_it_expires() {
        let used = UsedAssertions::default();
        assert_eq!(used.count(name(1), 10, 20), Ok(()));
        assert_eq!(used.count(name(2), 10, 15), Ok(()));
        assert_eq!(used.count(name(1), 20, 20), Err(NotCounted::Again));
        assert_eq!(used.count(name(2), 20, 30), Ok(()), "the first one expired");
        assert_eq!(used.count(name(1), 21, 30), Ok(()));
    }

    #[test]
    fn a_full_table_admits_more_when_some_have_expired() {
        let used = UsedAssertions::default();
        for n in 0..MAX_USED {
            assert_eq!(used.count(name(n), 0, 10 + (n % 2) as u64), Ok(()));
        }
        assert_eq!(used.count(name(MAX_USED), 10, 20), Err(NotCounted::Full));
        assert_eq!(used.count(name(MAX_USED), 11, 20), Ok(()));
    }
}
