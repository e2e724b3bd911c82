//! What the failures of log-ins are counted for: a user, or the names that no user has.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::{LoginThrottle, Timestamp, UserId};

/// How long a record is kept after the last change of it, in seconds: 30 days.
const KEPT_SECS: u64 = 30 * 86_400;

/// An account as log-ins name it. A name that no user has behaves like a user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThrottledAccount {
    /// The user, by whatever name or address the caller means it.
    User(UserId),
    /// One of [`ThrottledAccount::UNKNOWN_NAMES`] places, which names that no user has share: so there is no such name that
    /// costs another row.
    UnknownName(u32),
}

/// An address as an account remembers it: a keyed hash, which tells nothing without the server secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTag(String);

/// The stored record of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleRecord {
    /// Whose it is.
    pub account: ThrottledAccount,
    /// Counts the changes; a change replaces the revision that it was made from.
    pub revision: u64,
    /// When it may be removed; `None` if only an operator ends what it says.
    pub forget_at: Option<Timestamp>,
    /// What is remembered.
    pub throttle: LoginThrottle,
}

impl ThrottledAccount {
    /// Names that no user has cost this many records at the most.
    pub const UNKNOWN_NAMES: u32 = 100_000;

    /// The place of a name that no user has, from a keyed hash of the name.
    pub fn of_unknown_name(hash: [u8; 16]) -> Self {
        let place = u128::from_be_bytes(hash) % u128::from(Self::UNKNOWN_NAMES);
        Self::UnknownName(place as u32)
    }
}

/// The key of the record in a store.
impl fmt::Display for ThrottledAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::UnknownName(place) => write!(f, "unknown-{place}"),
        }
    }
}

impl AddressTag {
    /// The tag of an address with this keyed hash.
    pub fn from_hash(hash: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(hash)))
    }
}

impl ThrottleRecord {
    /// The record that follows `before`.
    pub fn after(
        account: ThrottledAccount,
        before: Option<&Self>,
        throttle: LoginThrottle,
        now: Timestamp,
    ) -> Self {
        let is_user = matches!(account, ThrottledAccount::User(_));
        let stays = is_user && throttle.is_limited();
        let forget_at = (!stays).then(|| now.plus_secs(KEPT_SECS));
        Self { account, revision: before.map_or(1, |before| before.revision + 1), forget_at, throttle }
    }
}

/// The network that an address stands for: one IPv4 address, or the /64 that one IPv6 client can choose from.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_stands_for_itself_and_an_ipv6_address_for_its_64() {
        let network = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
    }

    #[test]
    fn unknown_names_share_a_hundred_thousand_places() {
        assert_eq!(ThrottledAccount::of_unknown_name([0; 16]).to_string(), "unknown-0");
        for n in 0..=u8::MAX {
            let ThrottledAccount::UnknownName(place) = ThrottledAccount::of_unknown_name([n; 16]) else {
                panic!("{n}");
            };
            assert!(place < ThrottledAccount::UNKNOWN_NAMES);
        }
    }

    #[test]
    fn only_the_limit_of_a_user_is_kept_until_an_operator_ends_it() {
        let now = Timestamp::from_secs(1_800_000_000);
        let mut limited = LoginThrottle::default();
        for _ in 0..100 {
            limited = limited.after_failure(&[], now).0;
        }
        let user = ThrottledAccount::User(UserId::from_bytes([1; 12]));
        let unknown = ThrottledAccount::UnknownName(1);
        let forget_at = |account, throttle: &LoginThrottle| {
            ThrottleRecord::after(account, None, throttle.clone(), now).forget_at
        };
        let month = Some(now.plus_secs(KEPT_SECS));
        assert_eq!(forget_at(user, &limited), None);
        assert_eq!(forget_at(unknown, &limited), month);
        assert_eq!(forget_at(user, &LoginThrottle::default()), month);
    }
}
