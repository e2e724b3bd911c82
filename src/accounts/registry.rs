//! The stored users: adding, finding, changing. This file issues no tokens, so that the command line needs no
//! keys.

use std::sync::Arc;

use futures_util::future::{try_join, try_join_all};

use super::asker::Asker;
use super::{AccountError, Hasher, Registration};
use crate::clock::Clock;
use crate::domain::{
    Denial, Denied, Event, EventField, EventKind, EventSubject, Initiator, Lifetime, LoginName, Password,
    PasswordHash, Sessions, Timestamp, User, UserId,
};
use crate::entropy::Entropy;
use crate::store::{Database, Denials, LoginThrottles, Stores, Users};
use crate::token::DeniedTokens;

/// How often a change is repeated if another change was written first.
pub(super) const MAX_TRIES: usize = 8;

/// How long tokens live at most, unless the operator sets another length.
const USUAL_LONGEST_TOKEN: Lifetime = Lifetime::hours(24);

/// The users in a store, and the hasher of their passwords.
#[derive(Clone)]
pub struct Registry {
    pub(super) users: Arc<dyn Users>,
    pub(super) login_throttles: Arc<dyn LoginThrottles>,
    denials: Arc<dyn Denials>,
    /// The denials that this process knows, which obeys its own at once.
    denied: DeniedTokens,
    database: Arc<dyn Database>,
    /// How long the access tokens that clients have for a user may still live.
    longest_token: Lifetime,
    pub(super) hasher: Hasher,
    pub(super) clock: Clock,
    entropy: Entropy,
}

impl Registry {
    /// The users in `stores`.
    pub fn new(stores: &Stores, hasher: Hasher, clock: Clock, entropy: Entropy) -> Self {
        let (users, database) = (Arc::clone(&stores.users), Arc::clone(&stores.database));
        let login_throttles = Arc::clone(&stores.login_throttles);
        let (denials, longest_token) = (Arc::clone(&stores.denials), USUAL_LONGEST_TOKEN);
        let denied = DeniedTokens::default();
        Self { users, login_throttles, denials, denied, database, longest_token, hasher, clock, entropy }
    }

    /// The same, which tells these denied tokens of its denials.
    #[must_use]
    pub fn telling(self, denied: DeniedTokens) -> Self {
        Self { denied, ..self }
    }

    /// The same, for tokens that live for at most so long.
    #[must_use]
    pub fn with_longest_token(self, longest_token: Lifetime) -> Self {
        Self { longest_token, ..self }
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`AccountError::Exists`] if another user has the name or the address. This refusal takes as long as
    /// success.
    pub async fn create_user(
        &self,
        registration: Registration,
        by: &Initiator,
    ) -> Result<User, AccountError> {
        let user = self.new_user(Asker::OPERATOR, registration).await?;
        self.add_user(&user, by).await?;
        Ok(user)
    }

    /// A user of this registration, who is not stored yet.
    pub(super) async fn new_user(
        &self,
        asker: Asker,
        registration: Registration,
    ) -> Result<User, AccountError> {
        let Registration { username, email, password } = registration;
        // If the database does not answer, this does not waste time on a hash.
        self.database.ping().await?;
        let password_hash = self.hasher.hash(asker, password).await?;
        let now = self.clock.now();
        let id = self.entropy.user_id(now).map_err(|error| AccountError::Internal(error.into()))?;
        let sessions = Sessions::ALL;
        Ok(User { id, username, email, password_hash, created_at: now, updated_at: now, sessions })
    }

    /// Stores a new user.
    pub(super) async fn add_user(&self, user: &User, by: &Initiator) -> Result<(), AccountError> {
        let registered = self.event(EventKind::UserRegistered, user.id, by, user.created_at)?;
        let registered = registered
            .with(EventField::Username, user.username.as_str())
            .with(EventField::Email, user.email.as_str());
        Ok(self.users.create_user(user, &registered).await?)
    }

    /// Finds the user whom a caller means by a name or an address. Which queries run, and when, depends only
    /// on the text and not on what they find, so that the time does not show which addresses are stored.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn find_user(&self, name: &LoginName) -> Result<Option<User>, AccountError> {
        let by_email = async {
            match &name.email {
                Some(email) => self.users.find_user_by_email(email).await,
                None => Ok(None),
            }
        };
        let by_name = name.usernames.iter().map(|username| self.users.find_user_by_username(username));
        let (by_email, by_name) = try_join(by_email, try_join_all(by_name)).await?;
        Ok(first_found(by_email, by_name))
    }

    /// At most `limit` users in the order of their ids, beginning behind `after`.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, AccountError> {
        Ok(self.users.list_users(after, limit).await?)
    }

    /// Gives a user another password, whatever the old one was, and ends the sessions of the user.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and the errors of the store and of the hasher.
    pub async fn set_password(
        &self,
        name: &LoginName,
        password: Password,
        by: &Initiator,
    ) -> Result<User, AccountError> {
        self.set_password_in_turn(Asker::OPERATOR, name, password, by).await
    }

    /// The same, with a hash for this asker.
    pub(super) async fn set_password_in_turn(
        &self,
        asker: Asker,
        name: &LoginName,
        password: Password,
        by: &Initiator,
    ) -> Result<User, AccountError> {
        let hash = self.hasher.hash(asker, password).await?;
        for _ in 0..MAX_TRIES {
            let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
            let now = self.clock.now();
            let changed = self.event(EventKind::PasswordChanged, user.id, by, now)?;
            let (old, valid_from) = (&user.password_hash, Sessions::after(now));
            self.deny_tokens(user.id, now).await?;
            // False if another change was written first: then the caller repeats this one on top of it.
            if self.users.replace_password_if(user.id, old, &hash, valid_from, &changed).await? {
                self.end_late_sessions(user.id, now, by).await?;
                return Ok(User { password_hash: hash, updated_at: now, ..user });
            }
        }
        Err(AccountError::Busy)
    }

    /// Replaces the hash of a user by one of a higher cost for the same password. Returns false if the hash
    /// has changed.
    pub(super) async fn strengthen_hash(
        &self,
        user: &User,
        stronger: &PasswordHash,
        by: &Initiator,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let strengthened = self.event(EventKind::HashStrengthened, user.id, by, now)?;
        Ok(self.users.replace_hash_if(user.id, &user.password_hash, stronger, &strengthened).await?)
    }

    /// Ends a user's sessions: this service no longer accepts the tokens of earlier log-ins.
    ///
    /// # Errors
    /// [`AccountError::NoUser`], and the errors of the store.
    pub async fn log_out(&self, name: &LoginName, by: &Initiator) -> Result<User, AccountError> {
        let user = self.find_user(name).await?.ok_or(AccountError::NoUser)?;
        let now = self.clock.now();
        if !self.end_sessions(user.id, Sessions::after(now), by, now).await? {
            return Err(AccountError::NoUser);
        }
        self.end_late_sessions(user.id, now, by).await?;
        Ok(user)
    }

    /// Removes a user and everything that is stored about the user. Returns false if there is no such user.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn delete_user(&self, id: UserId, by: &Initiator) -> Result<bool, AccountError> {
        let now = self.clock.now();
        let deleted = self.event(EventKind::UserDeleted, id, by, now)?;
        self.deny_tokens(id, now).await?;
        Ok(self.users.delete_user(id, &deleted).await?)
    }

    /// Ends the sessions that began while a change was being written; the change began at `began`. This is a
    /// separate change with its own event. It is needed only if the change ended in a later second than it
    /// began.
    async fn end_late_sessions(
        &self,
        id: UserId,
        began: Timestamp,
        by: &Initiator,
    ) -> Result<(), AccountError> {
        let now = self.clock.now();
        if let Some(valid_from) = valid_from_of_late_sessions(began, now) {
            self.end_sessions(id, valid_from, by, now).await?;
        }
        Ok(())
    }

    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        by: &Initiator,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let ended = self.event(EventKind::SessionsEnded, id, by, now)?;
        self.deny_tokens(id, now).await?;
        Ok(self.users.end_sessions(id, valid_from, &ended).await?)
    }

    /// Has the service refuse the access tokens that clients have for a user. This comes before the change that causes it: a
    /// change whose answer is lost may have been made.
    async fn deny_tokens(&self, id: UserId, now: Timestamp) -> Result<(), AccountError> {
        let denial = Denial::of(Denied::User(id), now, now.plus_secs(self.longest_token.as_secs()));
        self.denials.record_denial(&denial, None).await?;
        self.denied.add(&denial);
        Ok(())
    }

    pub(super) fn event(
        &self,
        kind: EventKind,
        user: UserId,
        by: &Initiator,
        at: Timestamp,
    ) -> Result<Event, AccountError> {
        Ok(self.entropy.event(at, kind, by.clone(), EventSubject::User(user))?)
    }
}

/// The user that a text means. The user with this address comes before a user with this name; names are tried
/// in the order of [`LoginName`].
fn first_found(by_email: Option<User>, by_name: Vec<Option<User>>) -> Option<User> {
    by_email.or_else(|| by_name.into_iter().flatten().next())
}

/// The second from which sessions are valid after a change that was written from `began` to `ended`, if it
/// differs from [`Sessions::after`] the beginning: a log-in of a later second may have read the user as it
/// was before the change.
fn valid_from_of_late_sessions(began: Timestamp, ended: Timestamp) -> Option<Timestamp> {
    let (first, last) = (Sessions::after(began), Sessions::after(ended));
    (last > first).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::{first_found, valid_from_of_late_sessions};
    use crate::domain::{Email, PasswordHash, Sessions, Timestamp, User, UserId, Username};

    fn named(name: &str) -> Option<User> {
        Some(User {
            id: UserId::from_bytes([0; 12]),
            username: Username::from_store(name.to_owned()),
            email: Email::from_store(String::new()),
            password_hash: PasswordHash::from_text(String::new()),
            created_at: Timestamp::from_secs(0),
            updated_at: Timestamp::from_secs(0),
            sessions: Sessions::ALL,
        })
    }

    #[test]
    fn an_address_comes_before_a_name_and_names_in_their_order() {
        let (address, typed, enforced) = (named("address"), named("typed"), named("enforced"));
        assert_eq!(first_found(address.clone(), vec![typed.clone(), enforced.clone()]), address);
        assert_eq!(first_found(None, vec![typed.clone(), enforced.clone()]), typed);
        assert_eq!(first_found(None, vec![None, enforced.clone()]), enforced);
        assert_eq!(first_found(None, vec![None, None]), None);
    }

    #[test]
    fn a_change_that_is_written_into_another_second_ends_the_sessions_of_that_second_too() {
        let late = |began, ended| {
            let valid_from =
                valid_from_of_late_sessions(Timestamp::from_millis(began), Timestamp::from_millis(ended));
            valid_from.map(Timestamp::as_millis)
        };
        assert_eq!(late(7_000, 7_000), None);
        assert_eq!(late(7_000, 7_999), None, "the second of the change is over by its own rule");
        assert_eq!(late(7_999, 8_000), Some(9_000));
        assert_eq!(late(7_500, 9_200), Some(10_000));
        assert_eq!(late(7_500, 6_000), None, "a clock that was set back ends nothing more");
    }
}
