//! What the failures of log-ins are counted for: a user, or the names that no user has.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{LoginThrottle, Timestamp, UserId};

/// How long a record is kept after the last change of it, in seconds: 30 days.
const KEPT_SECS: u64 = 30 * 86_400;

/// An account as log-ins name it. A name that no user has behaves like a user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThrottledAccount {
    /// The user, by whatever name or address the caller means it.
    User(UserId),
    /// One of [`ThrottledAccount::UNKNOWN_NAMES`] records, which names that no user has share: so there is no such name that
    /// costs another row. Each name has a [`NameTag`] in it.
    UnknownName(u32),
}

/// An address as an account remembers it: a keyed hash, which tells nothing without the server secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTag(String);

/// A name that no user has, as its record remembers it: a keyed hash, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameTag(String);

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
        Self(hex(hash))
    }
}

impl NameTag {
    /// The tag of a name with this keyed hash.
    pub fn from_hash(hash: [u8; 16]) -> Self {
        Self(hex(hash))
    }
}

/// The hash in hex digits.
impl fmt::Display for NameTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex(hash: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(hash))
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

#[cfg(test)]
mod tests {
    use super::*;

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
