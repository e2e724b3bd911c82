//! The users: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Email, Event, PasswordHash, Timestamp, User, UserClaims, UserId, Username};

/// The users.
///
/// **Durable.** A verb returns `Ok` only after its change is on disk, or a majority has acknowledged it. A
/// verb that fails with [`StoreError::Unavailable`] may or may not have taken effect. Data that a verb finds
/// is durable in the same way: a database that was cut off finds no user that no majority has.
///
/// **Atomic.** Other callers see a change as a whole or not at all, and the remains that a crash leaves
/// change nothing for them. A changing verb takes the `event` that the change causes, and the store writes
/// both or neither: if a change is refused, it has no event, and if an event is refused, the change is not
/// made. See [`super::NoEvents`].
///
/// **Bounded.** Each verb ends within two seconds. On MongoDB, adding, changing and removing a user take
/// several writes and end within five. The first event of a user needs a key there, which takes several steps
/// before the change, and at most five seconds. A new user may wait ten more for the indexes and for the keys of users
/// that another program wrote; if that takes longer, the verb fails at once.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user who clashes with no other (see [`crate::domain::UserKeys`]). If several users have the
    /// same id, name or address, one of them succeeds; if their names only look alike, at most one does. On
    /// MongoDB both can be added if the server stops within one command for longer than a reservation counts
    /// (30 seconds; docs/adr/0023). Users whose names clashed before they were compared in this way stay.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another user has a value; if several values clash, it names one of them.
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError>;

    /// The user with this id.
    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user with exactly this name; without one, the user whose name differs from it only in the case of
    /// ASCII letters. If several users differ only in that, only the exact name finds one of them.
    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError>;

    /// The user with exactly this address; without one, the user whose address has the same [`Email::key`],
    /// in the same way.
    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// At most `limit` users in the order of their ids, beginning behind `after`.
    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError>;

    /// Replaces `old` by `new`, another hash of the same password, if the user still has `old`; `updated_at`
    /// becomes the instant of the event. Returns false if the user has another hash or does not exist.
    /// Sessions continue.
    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// As [`Users::replace_hash_if`] for another password: it also ends the sessions, as
    /// [`Users::end_sessions`] does. After a crash in between, or if another change came first, the sessions
    /// may have ended although this password is not in place, but never the reverse.
    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// Moves the user's `sessions.valid_from` to `valid_from` (whole seconds), or to the second after the
    /// stored one if that is later: each call ends all sessions that began before it. Returns false if there
    /// is no such user.
    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// The claims that an operator gave the user; `None` if there are none, or no such user.
    async fn find_user_claims(&self, id: UserId) -> Result<Option<UserClaims>, StoreError>;

    /// Replaces the claims of a user by these. Returns false if there is no such user.
    async fn record_user_claims(
        &self,
        id: UserId,
        claims: &UserClaims,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// Removes a user and everything that is stored about the user. Returns false if there was no such user.
    async fn delete_user(&self, id: UserId, event: &Event) -> Result<bool, StoreError>;
}

#[async_trait]
impl Users for Absent {
    async fn create_user(&self, _: &User, _: &Event) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_by_id(&self, _: UserId) -> Result<Option<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_by_username(&self, _: &Username) -> Result<Option<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_by_email(&self, _: &Email) -> Result<Option<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_users(&self, _: Option<UserId>, _: usize) -> Result<Vec<User>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_hash_if(
        &self,
        _: UserId,
        _: &PasswordHash,
        _: &PasswordHash,
        _: &Event,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_password_if(
        &self,
        _: UserId,
        _: &PasswordHash,
        _: &PasswordHash,
        _: Timestamp,
        _: &Event,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn end_sessions(&self, _: UserId, _: Timestamp, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_user_claims(&self, _: UserId) -> Result<Option<UserClaims>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn record_user_claims(&self, _: UserId, _: &UserClaims, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn delete_user(&self, _: UserId, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
