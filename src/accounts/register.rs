//! Registering.

use super::{AccountError, Accounts, LoggedIn};
use crate::domain::{Email, Password, Username};
use crate::token::{Session, Subject};

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
        let user = self.registry.new_user(registration).await?;
        // Before the user is stored: were there no signature, a second try would find the name taken.
        let token = self.tokens.issue(Subject::User { user: &user, session: Session::Begins }).await?;
        self.registry.store().create_user(&user).await?;
        Ok(LoggedIn { user, token })
    }
}
