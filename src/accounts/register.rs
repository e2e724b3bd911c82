//! Registering.

use super::{AccountError, Accounts, LoggedIn};
use crate::domain::{Email, Password, User, Username};
use crate::token::Session;

/// What a newcomer gives; parsed, so that it can be stored.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
}

impl Registration {
    /// Reads what a newcomer typed.
    ///
    /// # Errors
    /// [`AccountError`] for the first field that cannot be used; the password's first, as in the original.
    pub fn parse(username: &str, email: &str, password: &str) -> Result<Self, AccountError> {
        let password = Password::parse(password)?;
        Ok(Self { username: Username::parse(username)?, email: Email::parse(email)?, password })
    }
}

impl Accounts {
    /// Adds a user and logs them in.
    ///
    /// # Errors
    /// [`AccountError::Exists`] where the name or the address is taken; it takes as long as success.
    pub async fn register(&self, registration: Registration) -> Result<LoggedIn, AccountError> {
        let user = self.create_user(registration).await?;
        let token = self.tokens.issue_user(&user, Session::Begins).await?;
        Ok(LoggedIn { user, token })
    }

    /// Adds a user.
    ///
    /// # Errors
    /// As [`Accounts::register`].
    pub async fn create_user(&self, registration: Registration) -> Result<User, AccountError> {
        let Registration { username, email, password } = registration;
        // No hash is made for a database that is not there.
        self.store.ping().await?;
        let password_hash = self.hasher.hash(password).await?;
        let now = self.clock.now();
        let id = self.entropy.user_id(now).map_err(|error| AccountError::Internal(error.into()))?;
        let user = User { id, username, email, password_hash, created_at: now, updated_at: now };
        self.store.create_user(&user).await?;
        Ok(user)
    }
}
