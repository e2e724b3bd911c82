//! Finds the user of a token, and issues the next token.

use super::metrics::Action;
use super::{AccountError, Accounts};
use crate::domain::{Caller, Lifetime, Timestamp, User};
use crate::telemetry::note_user;
use crate::token::{Issued, Session, Subject, UserSession};

/// A stored user, and when the user proved who they are (seconds since 1970).
struct Bearer {
    user: User,
    auth_time: u64,
}

impl Accounts {
    /// The user to whom this token belongs.
    ///
    /// # Errors
    /// [`AccountError::Token`] if the token is not valid. [`AccountError::NoUser`] if it is a demo token, if
    /// it was issued to a client, or if its subject is not stored. [`AccountError::LoggedOut`] if the session
    /// has ended since.
    pub async fn profile(&self, caller: &Caller, token: &str) -> Result<User, AccountError> {
        let Bearer { user, .. } = self.bearer(token).await?;
        tracing::debug!(user.id = %user.id, request_id = %caller.request_id, "a user's profile is shown");
        Ok(user)
    }

    /// A new token for a valid one, as long as the session lasts.
    ///
    /// # Errors
    /// As [`Accounts::profile`], and [`AccountError::SessionEnded`].
    pub async fn refresh(&self, caller: &Caller, token: &str) -> Result<Issued, AccountError> {
        let ended = self.try_to_refresh(caller, token).await;
        self.metrics.count(Action::Refresh, &ended);
        ended
    }

    async fn try_to_refresh(&self, caller: &Caller, token: &str) -> Result<Issued, AccountError> {
        let Bearer { user, auth_time } = self.bearer(token).await?;
        if is_over(auth_time, self.clock.now(), self.session_max_age) {
            return Err(AccountError::SessionEnded);
        }
        let subject = Subject::User { user: &user, session: Session::Since(auth_time) };
        let token = self.tokens.issue(subject, None).await?;
        tracing::debug!(user.id = %user.id, request_id = %caller.request_id, "a user's token is refreshed");
        Ok(token)
    }

    async fn bearer(&self, token: &str) -> Result<Bearer, AccountError> {
        let checked = self.tokens.check(token, None)?;
        let UserSession { user, auth_time } = checked.session().ok_or(AccountError::NoUser)?;
        note_user(user);
        let user = self.registry.users.find_user_by_id(user).await?.ok_or(AccountError::NoUser)?;
        if !user.sessions.accept(auth_time) {
            return Err(AccountError::LoggedOut);
        }
        Ok(Bearer { user, auth_time })
    }
}

/// Whether a session that began at `auth_time` (seconds since 1970) is too old to be refreshed.
fn is_over(auth_time: u64, now: Timestamp, max_age: Lifetime) -> bool {
    now.as_secs().saturating_sub(auth_time) >= max_age.as_secs()
}

#[cfg(test)]
mod tests {
    use super::is_over;
    use crate::domain::{Lifetime, Timestamp};

    #[test]
    fn a_session_is_over_in_the_second_in_which_it_reaches_its_age() {
        let max_age = Lifetime::from_secs(60).unwrap();
        let over = |now| is_over(1_000, Timestamp::from_millis(now), max_age);
        assert!(!over(1_059_999));
        assert!(over(1_060_000));
        assert!(!over(900_000), "a log-in on an instance whose clock is ahead");
    }
}
