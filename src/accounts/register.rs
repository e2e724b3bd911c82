//! Registering.

use super::asker::Asker;
use super::metrics::Action;
use super::{AccountError, Accounts, Authenticated, LoggedIn};
use crate::domain::{Actor, Caller, Email, Initiator, Password, PasswordPolicy, User, Username};
use crate::telemetry::note_user;
use crate::token::{Session, Subject};

/// What a new user gives; parsed, so that it can be stored.
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
    /// Reads what a new user typed.
    ///
    /// # Errors
    /// [`AccountError`] for the first field that cannot be used, in the original's order: the password, the name, the address.
    pub fn parse(
        username: &str,
        email: &str,
        password: &str,
        policy: PasswordPolicy,
    ) -> Result<Self, AccountError> {
        let password = Password::parse(password, policy)?;
        Ok(Self { username: Username::parse(username)?, email: Email::parse(email)?, password })
    }
}

impl Accounts {
    /// Adds a user and logs them in.
    ///
    /// # Errors
    /// [`AccountError::Exists`] if another user has the name or the address. This refusal takes as long as
    /// success.
    pub async fn register(
        &self,
        caller: &Caller,
        registration: Registration,
    ) -> Result<LoggedIn, AccountError> {
        let ended = self.try_to_register(caller, registration).await;
        self.metrics.count(Action::Register, &ended);
        ended
    }

    /// The same without a token, for a registration on a page.
    ///
    /// # Errors
    /// As [`Accounts::register`].
    pub async fn register_in_browser(
        &self,
        caller: &Caller,
        registration: Registration,
    ) -> Result<Authenticated, AccountError> {
        let ended = self.try_to_register_in_browser(caller, registration).await;
        self.metrics.count(Action::Register, &ended);
        ended
    }

    async fn try_to_register_in_browser(
        &self,
        caller: &Caller,
        registration: Registration,
    ) -> Result<Authenticated, AccountError> {
        let user = self.registry.new_user(Asker::of_registration(caller), registration).await?;
        self.add(caller, &user).await?;
        let auth_time = user.created_at.as_secs();
        Ok(Authenticated { user, auth_time })
    }

    async fn try_to_register(
        &self,
        caller: &Caller,
        registration: Registration,
    ) -> Result<LoggedIn, AccountError> {
        let user = self.registry.new_user(Asker::of_registration(caller), registration).await?;
        // This comes before the user is stored. Otherwise, if the signature fails, a second try would find
        // that the name is taken.
        let token = self.tokens.issue(Subject::User { user: &user, session: Session::Begins }, None).await?;
        self.add(caller, &user).await?;
        Ok(LoggedIn { user, token })
    }

    async fn add(&self, caller: &Caller, user: &User) -> Result<(), AccountError> {
        let by_themself = Initiator::in_request(Actor::User(user.id), caller);
        self.registry.add_user(user, &by_themself).await?;
        note_user(user.id);
        self.guard.remember(caller, user).await;
        tracing::debug!(user.id = %user.id, request_id = %caller.request_id, "a user is registered");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Registration;
    use crate::accounts::AccountError;
    use crate::domain::PasswordPolicy;

    #[test]
    fn of_several_faults_that_of_the_password_is_told_first_then_that_of_the_name() {
        let policy = PasswordPolicy { min_length: 6, allows_common: false };
        let fault = |username, email, password| Registration::parse(username, email, password, policy).err();
        assert!(matches!(fault("a", "no address", "short"), Some(AccountError::Password(_))));
        assert!(matches!(fault("a", "no address", "long enough"), Some(AccountError::Username(_))));
        assert!(matches!(fault("ada", "no address", "long enough"), Some(AccountError::Email(_))));
        assert!(fault("ada", "ada@example.com", "long enough").is_none());
    }
}
