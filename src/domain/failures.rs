//! Failures in a row, and how long the next attempt waits after them (NIST SP 800-63B-4 §3.2.2).

use serde::{Deserialize, Serialize};

use super::{EventKind, Timestamp};

/// Failures in a row that cost nothing. After the last of them the next attempt waits for a second, after each further one
/// twice as long.
const FREE_FAILURES: u32 = 5;
/// The longest wait, in seconds.
pub(super) const LONGEST_WAIT_SECS: u64 = 15 * 60;
/// Failures in a row after which no further attempt is admitted (NIST SP 800-63B-4 §3.2.2 allows 100).
pub(super) const MAX_FAILURES: u32 = 100;

/// How long failures are remembered after the last one, in seconds: 30 days.
pub(super) const REMEMBERED_SECS: u64 = 30 * 86_400;

/// Failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failures {
    pub(super) count: u32,
    /// When the last of them came.
    #[serde(with = "millis")]
    pub(super) last_at: Timestamp,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Admitted,
    /// It must wait for so many seconds.
    Wait(u16),
    /// Only known addresses may try until an operator unlocks the account, or this known address may no longer try.
    Limited,
}

impl Failures {
    pub(super) const NONE: Self = Self { count: 0, last_at: Timestamp::from_secs(0) };

    /// These, or none if the last of them is long ago. An account that is limited stays so until an operator ends it.
    pub(super) fn remembered(self, now: Timestamp) -> Self {
        let is_forgotten = self.count < MAX_FAILURES && now.secs_since(self.last_at) >= REMEMBERED_SECS;
        if is_forgotten { Self::NONE } else { self }
    }

    /// These and one more.
    pub(super) fn and_one_at(self, now: Timestamp) -> Self {
        Self { count: self.remembered(now).count.saturating_add(1), last_at: now }
    }

    pub(super) fn admission(self, now: Timestamp) -> Admission {
        if self.count >= MAX_FAILURES {
            return Admission::Limited;
        }
        let until = self.last_at.plus_secs(self.wait_secs());
        let left = until.as_millis().saturating_sub(now.as_millis()).div_ceil(1000);
        match u16::try_from(left) {
            Ok(0) => Admission::Admitted,
            // A failure from further ahead than clocks differ was counted while a clock was wrong.
            Ok(left) if u64::from(left) <= 2 * LONGEST_WAIT_SECS => Admission::Wait(left),
            _ => Admission::Admitted,
        }
    }

    /// For how many seconds the next attempt waits.
    fn wait_secs(self) -> u64 {
        match self.count.checked_sub(FREE_FAILURES) {
            Some(doublings) => {
                1_u64.checked_shl(doublings).map_or(LONGEST_WAIT_SECS, |secs| secs.min(LONGEST_WAIT_SECS))
            }
            None => 0,
        }
    }

    /// What the last of these failures began.
    pub(super) fn begun(self) -> Option<EventKind> {
        match self.count {
            FREE_FAILURES => Some(EventKind::LoginThrottled),
            MAX_FAILURES => Some(EventKind::LoginLimited),
            _ => None,
        }
    }
}

impl Default for Failures {
    fn default() -> Self {
        Self::NONE
    }
}

/// Instants in milliseconds: a wait may be as short as a second.
pub(super) mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    pub(in crate::domain) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(at.as_millis())
    }

    pub(in crate::domain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        u64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}
