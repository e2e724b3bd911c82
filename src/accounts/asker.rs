//! The client and the account for which a password hash is made. Hashes are made in turns of these.

use crate::domain::{Caller, LoginName, Peer};
use crate::workers::{Keys, Rank};

/// The client and the account for which a hash counts.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) rank: Rank,
    pub(super) keys: Keys<AskerKey>,
}

/// Of each of these, one hash is made in each round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AskerKey {
    /// The network of the client's address: a client with thousands of addresses in one network is one client.
    Network(Peer),
    /// The name of a log-in, whether or not a user has it: the order must not show which names are stored.
    Account(String),
    /// All registrations of clients without an address of their own. Each has a new name, so names would not keep
    /// registrations from filling the line.
    Registrations,
}

impl Asker {
    /// An operator at the command line, whose process makes no other hash.
    pub(super) const OPERATOR: Self = Self { rank: Rank::Usual, keys: [None, None] };

    /// A log-in by `caller` to the account of `name`. It is preferred if the account knows the caller's address, so that
    /// strangers cannot fill the line: but not if that address may be that of many clients, strangers among them.
    pub(super) fn of_log_in(caller: &Caller, name: &LoginName, is_known: bool) -> Self {
        let rank = if is_known && caller.peer.is_some() { Rank::Preferred } else { Rank::Usual };
        Self { rank, keys: [network(caller), Some(AskerKey::Account(name.key()))] }
    }

    /// A registration by `caller`.
    pub(super) fn of_registration(caller: &Caller) -> Self {
        let key = network(caller).unwrap_or(AskerKey::Registrations);
        Self { rank: Rank::Usual, keys: [Some(key), None] }
    }
}

fn network(caller: &Caller) -> Option<AskerKey> {
    caller.peer.map(|peer| AskerKey::Network(peer.network()))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Asker, AskerKey};
    use crate::domain::{Caller, LoginName, Peer, RequestId, TrustedProxies};
    use crate::workers::Rank;

    fn caller(address: &str) -> Caller {
        let address: IpAddr = address.parse().unwrap();
        let peer = Peer::counted(address, &TrustedProxies::default());
        Caller { address, peer, request_id: RequestId::numbered(0, 0), operation: "-", trace: None }
    }

    fn log_in(address: &str, name: &str) -> [Option<AskerKey>; 2] {
        Asker::of_log_in(&caller(address), &LoginName::from_text(name), false).keys
    }

    #[test]
    fn spellings_of_a_name_are_one_account() {
        let ada = log_in("127.0.0.1", "ada");
        for spelling in ["ADA", " ada ", "Ada", "\u{ff41}da"] {
            assert_eq!(log_in("127.0.0.1", spelling), ada, "{spelling:?}");
        }
        assert_ne!(log_in("127.0.0.1", "ada1"), ada);
        assert_eq!(log_in("127.0.0.1", "Ada@example.com"), log_in("127.0.0.1", "ada@EXAMPLE.com"));
    }

    #[test]
    fn a_subscriber_is_one_address_and_an_address_that_many_clients_may_share_does_not_count() {
        let near = log_in("2001:db8::1", "ada");
        assert_eq!(log_in("2001:db8::ffff", "ada"), near);
        assert_eq!(log_in("2001:db8:0:ffff::1", "ada"), near);
        assert_ne!(log_in("2001:db8:1::1", "ada"), near);
        for shared in ["127.0.0.1", "::1", "10.0.0.1", "0.0.0.0"] {
            assert_eq!(log_in(shared, "ada")[0], None, "{shared}");
        }
    }

    #[test]
    fn registrations_count_for_their_address_or_all_together() {
        let registration = |address| Asker::of_registration(&caller(address)).keys;
        assert_eq!(registration("10.0.0.1"), [Some(AskerKey::Registrations), None]);
        assert_eq!(registration("198.51.100.7")[0], log_in("198.51.100.7", "ada")[0]);
    }

    #[test]
    fn a_log_in_from_a_known_address_is_preferred_unless_many_clients_may_share_the_address() {
        let rank = |address, is_known| {
            Asker::of_log_in(&caller(address), &LoginName::from_text("ada"), is_known).rank
        };
        assert_eq!(rank("198.51.100.7", true), Rank::Preferred);
        assert_eq!(rank("198.51.100.7", false), Rank::Usual);
        assert_eq!(rank("127.0.0.1", true), Rank::Usual);
    }
}
