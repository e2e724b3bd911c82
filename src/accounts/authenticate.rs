//! From a token to its user, and to the next token.

use super::{AccountError, Accounts, LoggedOut};
use crate::domain::{User, UserId};
use crate::token::{Issued, Session};

/// A stored user, and when they proved who they are.
struct Bearer {
    user: User,
    auth_time: u64,
}

impl Accounts {
    /// The user whose token this is.
    ///
    /// # Errors
    /// [`AccountError::Token`] where the token does not pass, [`AccountError::NoUser`] where it is a demo token or its
    /// subject is not stored, [`AccountError::LoggedOut`] where the session has been ended since.
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
        Ok(self.tokens.issue_user(&user, Session::Since(auth_time)).await?)
    }

    async fn bearer(&self, token: &str) -> Result<Bearer, AccountError> {
        let checked = self.tokens.check(token, None)?;
        let standing = checked.standing();
        let id = checked.subject().and_then(UserId::parse).filter(|_| !standing.demo);
        let id = id.ok_or(AccountError::NoUser)?;
        let user = self.registry.store().find_user_by_id(id).await?.ok_or(AccountError::NoUser)?;
        // The original's tokens tell only when they were issued; a token that tells nothing is as old as can be.
        let auth_time = standing.auth_time.or(standing.iat).unwrap_or(0);
        if !user.sessions.accept(auth_time) {
            return Err(AccountError::LoggedOut(LoggedOut));
        }
        Ok(Bearer { user, auth_time })
    }
}
