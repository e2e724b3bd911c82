//! Logging in.

use std::error::Error;

use super::asker::Asker;
use super::hashing::PasswordCheck;
use super::metrics::Action;
use super::{AccountError, Accounts, Authenticated, LoggedIn};
use crate::domain::{Actor, Caller, EventKind, Initiator, LoginName, Password, PasswordHash, User};
use crate::telemetry::note_user;
use crate::token::{Session, Subject};

impl Accounts {
    /// A token for a user's name or address with the user's password.
    ///
    /// # Errors
    /// [`AccountError::Credentials`] for a wrong password and for an unknown name, after the same time. After too many
    /// of them, [`AccountError::Throttled`] and [`AccountError::Limited`], without a look at the password.
    pub async fn log_in(
        &self,
        caller: &Caller,
        name: &LoginName,
        password: Password,
    ) -> Result<LoggedIn, AccountError> {
        let ended = self.try_log_in(caller, name, password).await;
        self.metrics.count(Action::LogIn, &ended);
        ended
    }

    /// The same without a token and without the event of a log-in, for a log-in on a page: the session that begins there has an
    /// event. It takes the same turns, and the same failures count.
    ///
    /// # Errors
    /// As [`Accounts::log_in`].
    pub async fn authenticate(
        &self,
        caller: &Caller,
        name: &LoginName,
        password: Password,
    ) -> Result<Authenticated, AccountError> {
        let ended = self.try_to_authenticate(caller, name, password, None).await;
        self.metrics.count(Action::LogIn, &ended);
        ended
    }

    /// Whether a user with this name has logged in from this address lately.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn knows_address(&self, caller: &Caller, name: &LoginName) -> Result<bool, AccountError> {
        let found = self.registry.find_user(name).await?;
        self.guard.knows(caller, name, found.as_ref()).await
    }

    async fn try_log_in(
        &self,
        caller: &Caller,
        name: &LoginName,
        password: Password,
    ) -> Result<LoggedIn, AccountError> {
        let logged_in = self.try_to_authenticate(caller, name, password, Some(EventKind::UserLoggedIn));
        let Authenticated { user, auth_time } = logged_in.await?;
        let subject = Subject::User { user: &user, session: Session::Since(auth_time) };
        let token = self.tokens.issue(subject, None).await?;
        Ok(LoggedIn { user, token })
    }

    async fn try_to_authenticate(
        &self,
        caller: &Caller,
        name: &LoginName,
        password: Password,
        kind: Option<EventKind>,
    ) -> Result<Authenticated, AccountError> {
        // This reads the time before the look-up, so that a later change of the password ends this session,
        // too.
        let now = self.clock.now();
        let found = self.registry.find_user(name).await?;
        if let Some(user) = &found {
            note_user(user.id);
        }
        let stored = found.as_ref().map(|user| user.password_hash.clone());
        let attempt = self.guard.admit(caller, name, found.as_ref()).await?;
        let asker = Asker::of_log_in(caller, name, attempt.is_from_known_address());
        let check = self.registry.hasher.check(asker, password, stored).await?;
        let (user, stronger) = match admitted(found, check) {
            Ok(admitted) => attempt.succeed(kind).await.map(|()| admitted)?,
            Err(refused) => {
                attempt.fail().await?;
                return Err(refused);
            }
        };
        let user = match stronger {
            Some(stronger) => self.strengthen(caller, user, stronger).await,
            None => user,
        };
        let auth_time = user.sessions.auth_time(now);
        tracing::debug!(user.id = %user.id, request_id = %caller.request_id, "a user has logged in");
        Ok(Authenticated { user, auth_time })
    }

    /// Replaces a stored hash by one of a higher cost. If this fails, the user is logged in all the same.
    async fn strengthen(&self, caller: &Caller, user: User, stronger: PasswordHash) -> User {
        let now = self.clock.now();
        let by = Initiator::in_request(Actor::System, caller);
        match self.registry.strengthen_hash(&user, &stronger, &by, now).await {
            Ok(true) => User { password_hash: stronger, updated_at: now, ..user },
            Ok(false) => user,
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(
                    user.id = %user.id,
                    request_id = %caller.request_id,
                    cause,
                    "cannot raise the cost of a password hash; the next log-in tries again"
                );
                user
            }
        }
    }
}

/// The user who may log in, and a hash to replace the stored one if that costs too little.
fn admitted(found: Option<User>, check: PasswordCheck) -> Result<(User, Option<PasswordHash>), AccountError> {
    match (found, check) {
        (None, _) | (_, PasswordCheck::Wrong) => Err(AccountError::Credentials),
        (Some(user), PasswordCheck::Right) => Ok((user, None)),
        (Some(user), PasswordCheck::RightButWeak { stronger }) => Ok((user, Some(stronger))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Email, Sessions, Timestamp, UserId, Username};

    fn ada() -> User {
        User {
            id: UserId::from_bytes([1; 12]),
            username: Username::from_store("ada".to_owned()),
            email: Email::from_store(String::new()),
            password_hash: PasswordHash::from_text("old".to_owned()),
            created_at: Timestamp::from_secs(0),
            updated_at: Timestamp::from_secs(0),
            sessions: Sessions::ALL,
        }
    }

    fn weak() -> PasswordCheck {
        PasswordCheck::RightButWeak { stronger: PasswordHash::from_text("new".to_owned()) }
    }

    #[test]
    fn a_user_logs_in_with_the_right_password_and_a_weak_hash_is_to_be_replaced() {
        assert_eq!(admitted(Some(ada()), PasswordCheck::Right).unwrap(), (ada(), None));
        let stronger = PasswordHash::from_text("new".to_owned());
        assert_eq!(admitted(Some(ada()), weak()).unwrap(), (ada(), Some(stronger)));
    }

    #[test]
    fn a_wrong_password_and_an_unknown_name_are_refused_alike() {
        let refused = [
            admitted(Some(ada()), PasswordCheck::Wrong),
            admitted(None, PasswordCheck::Wrong),
            admitted(None, PasswordCheck::Right),
            admitted(None, weak()),
        ];
        for refusal in refused {
            assert!(matches!(refusal, Err(AccountError::Credentials)), "{refusal:?}");
        }
    }
}
