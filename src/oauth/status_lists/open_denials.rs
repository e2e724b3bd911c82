//! Which denials the store must still be asked about.

use std::collections::{HashMap, HashSet};

use crate::domain::{Denial, Denied, Timestamp};
use crate::oauth::denials::LATE_SECS;

/// The denials whose tokens may not all be known. A denial stays until the store has named its tokens after the time in which
/// another instance may still issue one: if the store fails in between, it is asked again.
#[derive(Debug, Default)]
pub(super) struct OpenDenials {
    open: HashMap<Denied, Denial>,
    /// Denials whose tokens are all known, as long as they are listed.
    settled: HashMap<Denied, Timestamp>,
}

impl OpenDenials {
    /// Adds those of the listed denials that are not settled. Returns all that are open.
    pub(super) fn add(&mut self, listed: Vec<Denial>, now: Timestamp) -> Vec<Denial> {
        let denied: HashSet<_> = listed.iter().map(|denial| denial.denied.clone()).collect();
        self.settled.retain(|settled, _| denied.contains(settled));
        for denial in listed {
            if self.settled.get(&denial.denied) != Some(&denial.at) {
                self.open.insert(denial.denied.clone(), denial);
            }
        }
        self.open.retain(|_, denial| denial.expires_at > now);
        self.open.values().cloned().collect()
    }

    /// The store has named the tokens of all that were open.
    pub(super) fn settle(&mut self, now: Timestamp) {
        for (denied, denial) in self.open.extract_if(|_, denial| is_old(denial.at, now)) {
            self.settled.insert(denied, denial.at);
        }
    }
}

/// Whether so much time has passed since `at` that no instance issues a token of before any more.
pub(super) fn is_old(at: Timestamp, now: Timestamp) -> bool {
    at.plus_secs(LATE_SECS) <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::GrantId;

    fn denial(n: u8, at: u64) -> Denial {
        Denial {
            denied: Denied::Grant(GrantId::from_bytes([n; 16])),
            at: Timestamp::from_secs(at),
            expires_at: Timestamp::from_secs(100_000),
        }
    }

    fn now(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    /// Seen: a revoked token stayed valid after one failed look-up, because the next list no longer contained its denial.
    #[test]
    fn a_denial_stays_open_until_the_store_has_named_its_tokens() {
        let mut denials = OpenDenials::default();
        let old = denial(1, 1000);
        assert_eq!(denials.add(vec![old.clone()], now(9000)), std::slice::from_ref(&old));
        assert_eq!(denials.add(vec![], now(9001)), [old], "the store failed");
        denials.settle(now(9001));
        assert_eq!(denials.add(vec![], now(9002)), []);
    }

    #[test]
    fn a_denial_is_settled_when_no_instance_can_issue_a_token_that_it_concerns() {
        let mut denials = OpenDenials::default();
        let young = denial(1, 9000);
        denials.add(vec![young.clone()], now(9000));
        denials.settle(now(9000));
        assert_eq!(denials.add(vec![], now(9001)), std::slice::from_ref(&young));
        denials.settle(now(9000 + LATE_SECS));
        assert_eq!(denials.add(vec![young], now(9000 + LATE_SECS)), [], "it is still listed");
        let again = denial(1, 9500);
        assert_eq!(denials.add(vec![again.clone()], now(9999)), [again]);
        assert_eq!(denials.add(vec![], now(100_000)), [], "the last of its tokens has expired");
    }
}
