//! What an instance can do, and how well.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::domain::Timestamp;

/// Something that an instance does for its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// It signs tokens.
    Mint,
    /// It checks tokens.
    Verify,
    /// It publishes the key set.
    Publish,
    /// It registers users and logs them in.
    Login,
    /// It gives a user with a token another one.
    Refresh,
    /// It stores events, and gives them their places in the chain.
    Events,
}

impl Capability {
    /// Every capability, in the order in which reports list them.
    pub const ALL: [Self; 6] =
        [Self::Mint, Self::Verify, Self::Publish, Self::Login, Self::Refresh, Self::Events];

    /// Its name in reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Verify => "verify",
            Self::Publish => "publish",
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Events => "events",
        }
    }

    /// Whether it needs a database.
    pub const fn needs_accounts(self) -> bool {
        matches!(self, Self::Login | Self::Refresh | Self::Events)
    }
}

/// How well something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It is done, and a part of what it needs fails.
    Degraded,
    /// It is not done.
    Down,
}

impl Status {
    /// Every status, the best first.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Degraded, Self::Down];

    /// Its name in reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// What was found about a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How well it is done.
    pub status: Status,
    /// Why it is not done as it should be. It names no address, no account and no key.
    pub reason: Option<&'static str>,
}

impl Finding {
    /// All is well.
    pub const OK: Self = Self { status: Status::Ok, reason: None };

    /// A part of what it needs fails.
    pub const fn degraded(reason: &'static str) -> Self {
        Self { status: Status::Degraded, reason: Some(reason) }
    }

    /// It is not done.
    pub const fn down(reason: &'static str) -> Self {
        Self { status: Status::Down, reason: Some(reason) }
    }
}

/// The latest status and its first instant: milliseconds since 1970 times four, and the number of the status. Zero before the
/// first finding.
#[derive(Debug, Default)]
pub(super) struct Since(AtomicU64);

impl Since {
    /// Notes a finding. Gives since when the status is what it is, and whether it has just changed.
    pub(super) fn note(&self, status: Status, now: Timestamp) -> (Timestamp, bool) {
        let number = status as u64 + 1;
        let seen = self.0.load(Ordering::Relaxed);
        if seen & 3 == number {
            return (Timestamp::from_millis(seen >> 2), false);
        }
        // Of several that find a change at the same time, one notes it.
        let noted = self.0.compare_exchange(
            seen,
            now.as_millis() << 2 | number,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        (now, noted.is_ok() && (seen != 0 || status != Status::Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_dates_from_its_first_finding() {
        let (since, at) = (Since::default(), Timestamp::from_secs);
        assert_eq!(since.note(Status::Ok, at(10)), (at(10), false), "that all is well at first is no news");
        assert_eq!(since.note(Status::Ok, at(20)), (at(10), false));
        assert_eq!(since.note(Status::Down, at(30)), (at(30), true));
        assert_eq!(since.note(Status::Down, at(40)), (at(30), false));
        assert_eq!(since.note(Status::Degraded, at(50)), (at(50), true));
        assert_eq!(since.note(Status::Ok, at(60)), (at(60), true));
    }

    #[test]
    fn a_first_finding_that_is_bad_is_news() {
        assert!(Since::default().note(Status::Down, Timestamp::from_secs(1)).1);
    }
}
