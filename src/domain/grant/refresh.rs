//! The use of a refresh token (RFC 6749 §6, RFC 9700 §4.14).

use super::{Grant, GrantLifetimes, GrantStage};
use crate::domain::Timestamp;

/// What a refresh token leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The grant becomes this one. Its newest refresh token is given out after that is written.
    Changed(Box<Grant>),
    /// The refresh token of this number is given out, and nothing is written.
    Unchanged(u64),
}

/// Why a refresh token gives no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshError {
    /// It was not used for too long, or the grant has reached its age.
    Expired,
    /// It was replaced and used again: what it gave must end.
    Reused,
    /// The grant has ended, or it never had a refresh token.
    Ended,
}

impl Grant {
    /// For so many seconds after a refresh token was replaced, it gives the same next one: its answer may be lost, and a
    /// client may use it several times at once.
    pub const REUSE_SECS: u64 = 60;

    /// The grant after its refresh token of this number was used. With `rotates` the token is replaced.
    ///
    /// # Errors
    /// [`RefreshError`]
    pub fn refresh(
        &self,
        presented: u64,
        rotates: bool,
        lifetimes: GrantLifetimes,
        now: Timestamp,
    ) -> Result<Refreshed, RefreshError> {
        let GrantStage::Active { counter: counter @ 1.., rotated_at, used_at, .. } = self.stage else {
            return Err(RefreshError::Ended);
        };
        if now >= lifetimes.refresh_until(self.terms.created_at, used_at) {
            return Err(RefreshError::Expired);
        }
        // A number that is too high is one that the database forgot, because it was restored from a backup.
        if presented >= counter {
            let changed =
                |number, since| Refreshed::Changed(Box::new(self.active(number, since, lifetimes, now)));
            return Ok(match rotates {
                true => changed(presented.saturating_add(1), now),
                false if presented > counter || lifetimes.writes_use(used_at, now) => {
                    changed(presented, rotated_at)
                }
                false => Refreshed::Unchanged(counter),
            });
        }
        let was_just_replaced = presented + 1 == counter && now < rotated_at.plus_secs(Self::REUSE_SECS);
        if was_just_replaced { Ok(Refreshed::Unchanged(counter)) } else { Err(RefreshError::Reused) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{GIVEN, LIFETIMES, grant, proof};
    use super::*;

    fn at(secs: u64) -> Timestamp {
        GIVEN.plus_secs(secs)
    }

    fn active(counter: u64, secs: u64) -> Grant {
        grant().active(counter, at(secs), LIFETIMES, at(secs))
    }

    fn changed(refreshed: Result<Refreshed, RefreshError>) -> Grant {
        match refreshed {
            Ok(Refreshed::Changed(grant)) => *grant,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_token_is_replaced_and_the_one_before_it_gives_the_same_one_for_a_minute() {
        let next = changed(active(1, 0).refresh(1, true, LIFETIMES, at(10)));
        assert_eq!(next, Grant { revision: 3, ..active(2, 10) });
        let last = Timestamp::from_millis(at(70).as_millis() - 1);
        for now in [at(10), last] {
            assert_eq!(next.refresh(1, true, LIFETIMES, now), Ok(Refreshed::Unchanged(2)));
        }
        assert_eq!(next.refresh(1, true, LIFETIMES, at(70)), Err(RefreshError::Reused));
    }

    #[test]
    fn an_older_token_is_reuse_at_once() {
        assert_eq!(active(3, 10).refresh(1, true, LIFETIMES, at(10)), Err(RefreshError::Reused));
        assert_eq!(active(3, 10).refresh(0, true, LIFETIMES, at(10)), Err(RefreshError::Reused));
    }

    #[test]
    fn a_token_that_is_not_replaced_stays_the_same_and_its_use_is_written_once_a_minute() {
        let grant = active(1, 0);
        assert_eq!(grant.refresh(1, false, LIFETIMES, at(59)), Ok(Refreshed::Unchanged(1)));
        let used = changed(grant.refresh(1, false, LIFETIMES, at(60)));
        let stage = GrantStage::Active { counter: 1, rotated_at: at(0), used_at: at(60), proof: proof() };
        assert_eq!((used.stage, used.forget_at), (stage, at(1_060)));
        let short = GrantLifetimes { idle: 100, ..LIFETIMES };
        assert_eq!(grant.refresh(1, false, short, at(9)), Ok(Refreshed::Unchanged(1)));
        assert!(matches!(grant.refresh(1, false, short, at(10)), Ok(Refreshed::Changed(_))));
    }

    #[test]
    fn a_client_that_begins_or_stops_to_rotate_keeps_its_grant() {
        let stopped = active(5, 0);
        assert_eq!(stopped.refresh(4, false, LIFETIMES, at(10)), Ok(Refreshed::Unchanged(5)));
        assert_eq!(stopped.refresh(5, false, LIFETIMES, at(10)), Ok(Refreshed::Unchanged(5)));
        assert_eq!(stopped.refresh(3, false, LIFETIMES, at(10)), Err(RefreshError::Reused));
        assert_eq!(changed(active(1, 0).refresh(1, true, LIFETIMES, at(500))).stage, active(2, 500).stage);
    }

    #[test]
    fn refresh_tokens_end_when_they_are_not_used_and_when_the_grant_has_its_age() {
        assert!(active(1, 0).refresh(1, true, LIFETIMES, at(999)).is_ok());
        assert_eq!(active(1, 0).refresh(1, true, LIFETIMES, at(1_000)), Err(RefreshError::Expired));
        assert!(active(1, 9_500).refresh(1, true, LIFETIMES, at(9_999)).is_ok());
        assert_eq!(active(1, 9_500).refresh(1, true, LIFETIMES, at(10_000)), Err(RefreshError::Expired));
        assert_eq!(active(1, 9_900).forget_at, at(10_260), "its access tokens outlive it");
    }

    #[test]
    fn a_grant_without_refresh_tokens_or_one_that_has_ended_gives_nothing() {
        for grant in [grant(), active(0, 0), active(1, 0).ended(at(1)).unwrap()] {
            assert_eq!(grant.refresh(1, true, LIFETIMES, at(2)), Err(RefreshError::Ended));
        }
    }

    #[test]
    fn a_token_that_a_restored_database_has_forgotten_is_the_newest() {
        assert_eq!(changed(active(2, 0).refresh(7, true, LIFETIMES, at(1))).stage, active(8, 1).stage);
        let stage = GrantStage::Active { counter: 7, rotated_at: at(0), used_at: at(1), proof: proof() };
        assert_eq!(changed(active(2, 0).refresh(7, false, LIFETIMES, at(1))).stage, stage);
    }
}
