//! From a token to its user, and to the next token.

use super::{AccountError, Accounts, LoggedOut};
use crate::domain::{Lifetime, Timestamp, User, UserId};
use crate::token::{Issued, Session, Standing};

/// A stored user, and when they proved who they are (seconds since 1970).
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
        if is_over(auth_time, self.clock.now(), self.session_max_age) {
            return Err(AccountError::SessionEnded);
        }
        Ok(self.tokens.issue_user(&user, Session::Since(auth_time)).await?)
    }

    async fn bearer(&self, token: &str) -> Result<Bearer, AccountError> {
        let checked = self.tokens.check(token, None)?;
        let standing = checked.standing();
        let id = user_id(checked.subject(), &standing).ok_or(AccountError::NoUser)?;
        let user = self.registry.users.find_user_by_id(id).await?.ok_or(AccountError::NoUser)?;
        let auth_time = auth_time(&standing);
        if !user.sessions.accept(auth_time) {
            return Err(AccountError::LoggedOut(LoggedOut));
        }
        Ok(Bearer { user, auth_time })
    }
}

/// The user that a token names; anybody can have a demo token made with any subject, so it names no user.
fn user_id(subject: Option<&str>, standing: &Standing) -> Option<UserId> {
    subject.and_then(UserId::parse).filter(|_| !standing.demo)
}

/// When the user logged in (seconds since 1970). The original's tokens tell only when they were issued; a token that tells
/// nothing is as old as can be.
fn auth_time(standing: &Standing) -> u64 {
    standing.auth_time.or(standing.iat).unwrap_or(0)
}

/// Whether a session that began at `auth_time` (seconds since 1970) is too old to be refreshed.
fn is_over(auth_time: u64, now: Timestamp, max_age: Lifetime) -> bool {
    now.as_secs().saturating_sub(auth_time) >= max_age.as_secs()
}

#[cfg(test)]
mod tests {
    use super::{auth_time, is_over, user_id};
    use crate::domain::{Lifetime, Timestamp};
    use crate::token::Standing;

    const SILENT: Standing = Standing { demo: false, auth_time: None, iat: None };

    #[test]
    fn a_session_is_over_in_the_second_in_which_it_reaches_its_age() {
        let max_age = Lifetime::from_secs(60).unwrap();
        let over = |now| is_over(1_000, Timestamp::from_millis(now), max_age);
        assert!(!over(1_059_999));
        assert!(over(1_060_000));
        assert!(!over(900_000), "a log-in on an instance whose clock is ahead");
    }

    #[test]
    fn the_age_of_a_session_is_counted_from_the_log_in_or_else_from_the_token() {
        assert_eq!(auth_time(&Standing { auth_time: Some(5), iat: Some(9), ..SILENT }), 5);
        assert_eq!(auth_time(&Standing { iat: Some(9), ..SILENT }), 9);
        assert_eq!(auth_time(&SILENT), 0);
    }

    #[test]
    fn a_demo_token_and_a_subject_that_is_no_id_name_no_user() {
        let id = "6b04cb1f00400f2ea8d6fe53";
        assert_eq!(user_id(Some(id), &SILENT).unwrap().to_string(), id);
        assert_eq!(user_id(Some(id), &Standing { demo: true, ..SILENT }), None);
        assert_eq!(user_id(Some("demo-user-id"), &SILENT), None);
        assert_eq!(user_id(None, &SILENT), None);
    }
}
