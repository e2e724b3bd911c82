//! Whether this instance is ready, and whether it still is: probes ask for this.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Why an instance is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// No ring was read yet, or the ring has moved to another custody.
    #[error("the keys are not loaded")]
    NotLoaded,
    /// The ring was read so long ago that verifiers must no longer rely on it.
    #[error("the keys were read too long ago")]
    TooOld,
    /// The private half of the active key was not opened yet, or the service that keeps it has not signed yet.
    #[error("the active key cannot sign yet")]
    CannotSign,
}

/// The latest answer of a remote service that signs for us. It is the time of the request in milliseconds of
/// uptime, times two, plus one if the service signed. Zero before the first answer.
#[derive(Debug, Default)]
pub(super) struct LatestAnswer(AtomicU64);

impl LatestAnswer {
    /// Records the answer to a request. A request that was sent earlier than the latest one changes nothing:
    /// failed answers arrive late.
    pub(super) fn note(&self, asked_at: Duration, signed: bool) {
        let asked_at = asked_at.as_millis() as u64;
        self.0.fetch_max(asked_at << 1 | u64::from(signed), Ordering::Relaxed);
    }

    /// Whether the latest answer contained no signature.
    pub(super) fn is_failure(&self) -> bool {
        let latest = self.0.load(Ordering::Relaxed);
        latest != 0 && latest & 1 == 0
    }

    /// Whether the latest answer was a signature that was requested at this instant of uptime or later.
    pub(super) fn has_signed_since(&self, instant: Duration) -> bool {
        let latest = self.0.load(Ordering::Relaxed);
        latest & 1 == 1 && latest >> 1 >= instant.as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_latest_question_counts_in_whatever_order_the_answers_come() {
        let latest = LatestAnswer::default();
        assert!(!latest.is_failure() && !latest.has_signed_since(AT(0)));
        latest.note(AT(10), false);
        assert!(latest.is_failure());
        latest.note(AT(20), true);
        assert!(!latest.is_failure());
        latest.note(AT(15), false);
        assert!(!latest.is_failure(), "an older question that fails late");
        assert!(latest.has_signed_since(AT(20)) && !latest.has_signed_since(AT(21)));
        latest.note(AT(30), false);
        assert!(latest.is_failure() && !latest.has_signed_since(AT(20)));
    }
}
