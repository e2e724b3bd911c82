//! A user changes the password.

use super::asker::Asker;
use super::{AccountError, Accounts, Authenticated};
use crate::domain::{Actor, Caller, Initiator, LoginName, Password, Sessions, User};

impl Accounts {
    /// Replaces the password of a user who knows the current one. This ends all sessions of the user; the new log-in is one that
    /// counts after the change.
    ///
    /// # Errors
    /// As [`Accounts::log_in`]: wrong passwords count as failed log-ins.
    pub async fn change_password(
        &self,
        caller: &Caller,
        user: &User,
        current: Password,
        new: Password,
    ) -> Result<Authenticated, AccountError> {
        let name = LoginName::from_text(user.username.as_str());
        let known = self.authenticate(caller, &name, current).await?.user;
        // A name of the original may look like the address of another user.
        if known.id != user.id {
            return Err(AccountError::Credentials);
        }
        let by_themself = Initiator::in_request(Actor::User(user.id), caller);
        // The user has just proved to be at this address.
        let asker = Asker::of_log_in(caller, &name, true);
        let changed = self.registry.set_password_in_turn(asker, &name, new, &by_themself).await?;
        // The change may have been written until now.
        let auth_time = Sessions::after(self.clock.now()).as_secs();
        Ok(Authenticated { user: changed, auth_time })
    }
}
