//! Logging in.

use super::hashing::Verdict;
use super::{AccountError, Accounts, LoggedIn};
use crate::domain::{LoginName, Password, PasswordHash, User};
use crate::store::StoreError;
use crate::token::{Session, Subject};

impl Accounts {
    /// A token for whoever knows a user's name or address and password.
    ///
    /// # Errors
    /// [`AccountError::Credentials`] for a wrong password and for nobody alike, in the same time.
    pub async fn log_in(&self, name: &LoginName, password: Password) -> Result<LoggedIn, AccountError> {
        // Taken before the look-up: a change of the password after it ends this session, too.
        let now = self.clock.now();
        let found = self.registry.find_user(name).await?;
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let verdict = self.registry.hasher.verify(password, stored).await?;
        let Some(user) = found.filter(|_| verdict != Verdict::Wrong) else {
            return Err(AccountError::Credentials);
        };
        let user = match verdict {
            Verdict::Weak(stronger) => self.strengthen(user, stronger).await,
            _ => user,
        };
        let session = Session::Since(user.sessions.auth_time(now));
        let token = self.tokens.issue(Subject::User { user: &user, session }).await?;
        Ok(LoggedIn { user, token })
    }

    /// Raises the cost of a stored hash. Somebody who has just logged in is not turned away because that fails.
    async fn strengthen(&self, user: User, stronger: PasswordHash) -> User {
        let now = self.clock.now();
        match self.registry.store().replace_hash_if(user.id, &user.password_hash, &stronger, now).await {
            Ok(true) => User { password_hash: stronger, updated_at: now, ..user },
            Ok(false) => user,
            Err(error) => {
                let cause: &StoreError = &error;
                tracing::warn!(%cause, "cannot raise the cost of a password hash; the next log-in tries again");
                user
            }
        }
    }
}
