//! Logging in.

use std::error::Error;

use super::hashing::PasswordCheck;
use super::{AccountError, Accounts, LoggedIn};
use crate::domain::{Caller, LoginName, Password, PasswordHash, User};
use crate::token::{Session, Subject};

impl Accounts {
    /// A token for a user's name or address with the user's password.
    ///
    /// # Errors
    /// [`AccountError::Credentials`] for a wrong password and for an unknown name alike, in the same time.
    pub async fn log_in(
        &self,
        caller: &Caller,
        name: &LoginName,
        password: Password,
    ) -> Result<LoggedIn, AccountError> {
        // Taken before the look-up: a change of the password after it ends this session, too.
        let now = self.clock.now();
        let found = self.registry.find_user(name).await?;
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let check = self.registry.hasher.check(password, stored).await?;
        let user = match (found, check) {
            (None, _) | (_, PasswordCheck::Wrong) => return Err(AccountError::Credentials),
            (Some(user), PasswordCheck::Right) => user,
            (Some(user), PasswordCheck::RightButWeak { stronger }) => {
                self.strengthen(caller, user, stronger).await
            }
        };
        let session = Session::Since(user.sessions.auth_time(now));
        let token = self.tokens.issue(Subject::User { user: &user, session }, None).await?;
        tracing::debug!(user = %user.id, request_id = %caller.request_id, "a user has logged in");
        Ok(LoggedIn { user, token })
    }

    /// Raises the cost of a stored hash. A user who has just logged in is not turned away because that fails.
    async fn strengthen(&self, caller: &Caller, user: User, stronger: PasswordHash) -> User {
        let now = self.clock.now();
        match self.registry.strengthen_hash(&user, &stronger, now).await {
            Ok(true) => User { password_hash: stronger, updated_at: now, ..user },
            Ok(false) => user,
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(
                    user = %user.id,
                    request_id = %caller.request_id,
                    cause,
                    "cannot raise the cost of a password hash; the next log-in tries again"
                );
                user
            }
        }
    }
}
