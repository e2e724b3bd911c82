//! The assertions that were used (RFC 7523 §3, `jti`). Each counts once on this instance; before a grant is written, it is counted
//! on all instances, too.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{AuthenticatedClient, ClientAuthError, OAuth, TokenError};

/// The most assertions that are remembered: some 60 MB. Only clients that authenticated can add one.
const MAX_USED: usize = 500_000;

/// The name of an assertion: a part of the hash of its client and its `jti`.
type Name = [u8; 16];

/// The names of assertions that have not expired.
#[derive(Default)]
pub(super) struct UsedAssertions(Mutex<Used>);

#[derive(Default)]
struct Used {
    names: HashSet<Name>,
    /// The same names, each with its client, by the second in which they expire.
    by_expiry: BTreeMap<u64, Vec<(Name, Arc<str>)>>,
    /// How many of them each client has.
    of_client: HashMap<Arc<str>, usize>,
}

/// Why an assertion does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotCounted {
    /// It was used before.
    Again,
    /// The client has as many others as there is room left.
    Full,
}

impl UsedAssertions {
    /// Remembers an assertion of a client until `expires_at`, in seconds since 1970. A client may have as many as there is room
    /// left, so that no client takes the room of all: one client alone gets half of it.
    pub(super) fn count(
        &self,
        client: &str,
        name: Name,
        now: u64,
        expires_at: u64,
    ) -> Result<(), NotCounted> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget_before(now);
        if used.names.contains(&name) {
            return Err(NotCounted::Again);
        }
        let left = MAX_USED.saturating_sub(used.names.len());
        let known = used.of_client.get_key_value(client).map(|(client, count)| (Arc::clone(client), *count));
        let (client, count) = known.unwrap_or_else(|| (client.into(), 0));
        if count >= left {
            return Err(NotCounted::Full);
        }
        used.names.insert(name);
        used.by_expiry.entry(expires_at).or_default().push((name, Arc::clone(&client)));
        used.of_client.insert(client, count + 1);
        Ok(())
    }
}

impl Used {
    fn forget_before(&mut self, now: u64) {
        while let Some(first) = self.by_expiry.first_entry().filter(|first| *first.key() < now) {
            for (name, client) in first.remove() {
                self.names.remove(&name);
                if let Entry::Occupied(mut count) = self.of_client.entry(client) {
                    *count.get_mut() -= 1;
                    if *count.get() == 0 {
                        count.remove();
                    }
                }
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
        assert_eq!(used.count("a", name(1), 10, 20), Ok(()));
        assert_eq!(used.count("a", name(2), 10, 15), Ok(()));
        assert_eq!(used.count("a", name(1), 20, 20), Err(NotCounted::Again));
        assert_eq!(used.count("a", name(2), 20, 30), Ok(()), "the first one expired");
        assert_eq!(used.count("a", name(1), 21, 30), Ok(()));
    }

    /// Seen: one client filled the table, and the assertions of all others were refused.
    #[test]
    fn a_client_fills_no_more_than_half_of_the_room_that_the_others_leave() {
        let used = UsedAssertions::default();
        let half = MAX_USED / 2;
        for n in 0..half {
            assert_eq!(used.count("greedy", name(n), 0, 10 + (n % 2) as u64), Ok(()));
        }
        assert_eq!(used.count("greedy", name(MAX_USED), 10, 20), Err(NotCounted::Full));
        for n in half..half + half / 2 {
            assert_eq!(used.count("second", name(n), 10, 20), Ok(()));
        }
        assert_eq!(used.count("second", name(MAX_USED), 10, 20), Err(NotCounted::Full));
        assert_eq!(used.count("third", name(MAX_USED), 10, 20), Ok(()));
        assert_eq!(used.count("greedy", name(MAX_USED + 1), 11, 20), Ok(()), "some have expired");
    }
}
