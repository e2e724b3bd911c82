//! Unlocking: an operator ends what failed log-ins began.

use super::registry::MAX_TRIES;
use super::{AccountError, Registry};
use crate::domain::{EventKind, Initiator, LoginName, ThrottleRecord, ThrottledAccount, User};

impl Registry {
    /// Forgets the failed log-ins to a user's account, so that every address may try again. Known addresses stay known.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and those of the store.
    pub async fn unlock_user(&self, name: &LoginName, by: &Initiator) -> Result<User, AccountError> {
        let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
        let account = ThrottledAccount::User(user.id);
        for _ in 0..MAX_TRIES {
            let seen = self.login_throttles.find_login_throttle(account).await?;
            let Some(unlocked) = seen.as_ref().and_then(|seen| seen.throttle.unlocked()) else {
                return Ok(user);
            };
            let now = self.clock.now();
            let event = self.event(EventKind::LoginUnlocked, user.id, by, now)?;
            let record = ThrottleRecord::after(account, seen.as_ref(), unlocked, now);
            let revision = seen.map(|seen| seen.revision);
            // False if a log-in came first: then its record is the one to change.
            if self.login_throttles.replace_login_throttle_if(revision, &record, Some(&event)).await? {
                return Ok(user);
            }
        }
        Err(AccountError::Busy)
    }
}
