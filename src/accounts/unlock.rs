//! Failed log-ins as an operator sees them, and unlocking: the operator ends what they began.

use super::registry::MAX_TRIES;
use super::{AccountError, Registry};
use crate::domain::{Admission, EventKind, Initiator, LoginName, ThrottleRecord, ThrottledAccount, User};

/// What failed log-ins to an account have begun.
#[derive(Clone, Copy, Debug)]
pub struct FailedLogIns {
    /// The failures that are counted, from all addresses together.
    pub count: u32,
    /// Whether the next attempt from an address that is not known may be made.
    pub next_from_elsewhere: Admission,
}

impl Registry {
    /// Forgets the failed log-ins to a user's account, so that every address may try again. Known addresses stay known. Says how
    /// many failures were forgotten.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and those of the store.
    pub async fn unlock_user(&self, name: &LoginName, by: &Initiator) -> Result<(User, u32), AccountError> {
        let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
        let account = ThrottledAccount::User(user.id);
        for _ in 0..MAX_TRIES {
            let seen = self.login_throttles.find_login_throttle(account).await?;
            let Some(unlocked) = seen.as_ref().and_then(|seen| seen.throttle.unlocked()) else {
                return Ok((user, 0));
            };
            let forgotten = seen.as_ref().map_or(0, |seen| seen.throttle.count_failures());
            let now = self.clock.now();
            let event = self.event(EventKind::LoginUnlocked, user.id, by, now)?;
            let record = ThrottleRecord::after(account, seen.as_ref(), unlocked, now);
            let revision = seen.map(|seen| seen.revision);
            // False if a log-in came first: then its record is the one to change.
            if self.login_throttles.replace_login_throttle_if(revision, &record, Some(&event)).await? {
                return Ok((user, forgotten));
            }
        }
        Err(AccountError::Busy)
    }

    /// The failed log-ins to a user's account.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn failed_log_ins(&self, user: &User) -> Result<FailedLogIns, AccountError> {
        let record = self.login_throttles.find_login_throttle(ThrottledAccount::User(user.id)).await?;
        let throttle = record.map(|record| record.throttle).unwrap_or_default();
        let next_from_elsewhere = throttle.admission(&[], self.clock.now());
        Ok(FailedLogIns { count: throttle.count_failures(), next_from_elsewhere })
    }
}
