//! Logging in, and changing a password.

use super::hashing::Verdict;
use super::{AccountError, Accounts, LoggedIn};
use crate::domain::{LoginName, Password, PasswordHash, User};
use crate::store::StoreError;
use crate::token::Session;

impl Accounts {
    /// A token for whoever knows a user's name or address and password.
    ///
    /// # Errors
    /// [`AccountError::Credentials`] for a wrong password and for nobody alike, in the same time.
    pub async fn log_in(&self, name: &LoginName, password: Password) -> Result<LoggedIn, AccountError> {
        let found = self.find_user(name).await?;
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let verdict = self.hasher.verify(password, stored).await?;
        let Some(user) = found.filter(|_| verdict != Verdict::Wrong) else {
            return Err(AccountError::Credentials);
        };
        let user = match verdict {
            Verdict::Weak(stronger) => self.strengthen(user, stronger).await,
            _ => user,
        };
        let token = self.tokens.issue_user(&user, Session::Begins).await?;
        Ok(LoggedIn { user, token })
    }

    /// Gives a user another password, whatever the old one was.
    ///
    /// # Errors
    /// [`AccountError::NoUser`] where there is no such user, or another change came first.
    pub async fn set_password(&self, name: &LoginName, password: Password) -> Result<User, AccountError> {
        let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
        let hash = self.hasher.hash(password).await?;
        let now = self.clock.now();
        if self.store.replace_password_if(user.id, &user.password_hash, &hash, now).await? {
            Ok(User { password_hash: hash, updated_at: now, ..user })
        } else {
            Err(AccountError::NoUser)
        }
    }

    /// The user that somebody means by a name or an address.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find_user(&self, name: &LoginName) -> Result<Option<User>, AccountError> {
        if let Some(email) = &name.email
            && let Some(user) = self.store.find_user_by_email(email).await?
        {
            return Ok(Some(user));
        }
        for username in &name.usernames {
            if let Some(user) = self.store.find_user_by_username(username).await? {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Raises the cost of a stored hash. Somebody who has just logged in is not turned away because that fails.
    async fn strengthen(&self, user: User, stronger: PasswordHash) -> User {
        let now = self.clock.now();
        match self.store.replace_password_if(user.id, &user.password_hash, &stronger, now).await {
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
