//! Which tokens of a user are no longer valid because of a new password or a log-out.

use super::Timestamp;

/// The seconds from which a user's log-ins are valid. The service refuses a token whose `auth_time` (OpenID Connect
/// Core §2) is earlier than one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// The first valid second.
    pub valid_from: Timestamp,
    /// The first valid second of a change that has begun and perhaps not ended. [`Self::accept`] compares tokens
    /// with it as well. [`Self::auth_time`] does not: the old password may still be valid, and a log-in with it must
    /// not survive the change.
    pub ending: Timestamp,
}

impl Sessions {
    /// No session was ever ended.
    pub const ALL: Self = Self { valid_from: Timestamp::from_secs(0), ending: Timestamp::from_secs(0) };

    /// The first second that is valid after a change at `now`: the next one. A token has only whole seconds,
    /// so a token of the same second may be older than the change.
    pub const fn after(now: Timestamp) -> Timestamp {
        now.whole_secs().plus_secs(1)
    }

    /// Whether a token with this `auth_time` (seconds since 1970) is still valid.
    pub const fn accept(self, auth_time: u64) -> bool {
        auth_time >= self.valid_from.as_secs() && auth_time >= self.ending.as_secs()
    }

    /// The `auth_time` (seconds since 1970) of a log-in at `now`: at most a moment ahead of the clock, so that the
    /// user can log in within the second of the change.
    pub fn auth_time(self, now: Timestamp) -> u64 {
        now.as_secs().max(self.valid_from.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::Sessions;
    use crate::domain::Timestamp;

    const CHANGED: Timestamp = Timestamp::from_millis(1_800_000_000_400);

    #[test]
    fn a_token_of_the_second_of_the_change_is_ended_and_a_log_in_in_that_second_is_good() {
        let sessions = Sessions { valid_from: Sessions::after(CHANGED), ..Sessions::ALL };
        assert!(!sessions.accept(CHANGED.as_secs()), "this token may be older than the change");
        assert!(!sessions.accept(0));
        let again = sessions.auth_time(Timestamp::from_millis(1_800_000_000_900));
        assert_eq!(again, CHANGED.as_secs() + 1);
        assert!(sessions.accept(again));
    }

    #[test]
    fn a_change_that_has_not_ended_refuses_tokens_and_dates_no_log_in_after_itself() {
        let sessions = Sessions { ending: Sessions::after(CHANGED), ..Sessions::ALL };
        assert!(
            !sessions.accept(sessions.auth_time(CHANGED)),
            "the old password may have opened this session"
        );
        assert!(
            sessions.accept(sessions.auth_time(CHANGED.plus_secs(1))),
            "what a crash left behind ends by itself"
        );
    }

    #[test]
    fn where_nothing_was_ended_every_token_is_good() {
        assert!(Sessions::ALL.accept(0));
        assert_eq!(Sessions::ALL.auth_time(CHANGED), CHANGED.as_secs());
    }
}
