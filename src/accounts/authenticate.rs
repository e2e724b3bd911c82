//! From a token to its user, and to the next token.

use super::{AccountError, Accounts, LoggedOut};
use crate::domain::User;
use crate::token::{Issued, Session, Subject, UserSession};

/// A stored user, and when they proved who they are.
struct Bearer {
    user: User,
    auth_time: u64,
}

impl Accounts {
    /// The user whose token this is.
    ///
    /// # Errors
    /// [`AccountError::Token`] where the token does not pass, [`AccountError::NoUser`] where it is a demo token, it
    /// was issued to a client, or its subject is not stored, [`AccountError::LoggedOut`] where the session has been ended since.
    pub async fn profile(&self, token: &str) -> Result<User, AccountError> {
        self.bearer(token).await.map(|bearer| bearer.user)
    }

    /// A new token for a valid one, as long as the session lasts.
    ///
    /// # Errors
    /// As [`Accounts::profile`], and [`AccountError::SessionEnded`].
    pub async fn refresh(&self, token: &str) -> Result<Issued, AccountError> {
        let Bearer { user, auth_time } = self.bearer(token).await?;
        let age = self.clock.now().as_secs().saturating_sub(auth_time);
        if age >= self.session_max_age.as_secs() {
            return Err(AccountError::SessionEnded);
        }
        Ok(self.tokens.issue(Subject::User { user: &user, session: Session::Since(auth_time) }).await?)
    }

    async fn bearer(&self, token: &str) -> Result<Bearer, AccountError> {
        let checked = self.tokens.check(token, None)?;
        let UserSession { user, auth_time } = checked.session().ok_or(AccountError::NoUser)?;
        let user = self.registry.store().find_user_by_id(user).await?.ok_or(AccountError::NoUser)?;
        if !user.sessions.accept(auth_time) {
            return Err(AccountError::LoggedOut(LoggedOut));
        }
        Ok(Bearer { user, auth_time })
    }
}
