//! The users: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{Email, Event, PasswordHash, Timestamp, User, UserId, Username};

/// The users.
///
/// **Durable.** What a verb answered with `Ok` is on disk, or acknowledged by a majority, before the verb returns. A verb
/// that fails with [`StoreError::Unavailable`] may or may not have taken effect. What is found is durable in the same way:
/// a database that was cut off finds no user that no majority has.
///
/// **Atomic.** Others see all of a change or nothing, and what a crash leaves of it changes nothing for them. A changing verb
/// takes the `event` that the change causes, and the store writes both or neither: a change that is refused has no event, and
/// an event that is refused has no change. See [`super::NoEvents`].
///
/// **Bounded.** Each verb ends within two seconds. On MongoDB, adding, changing and removing a user take several writes and
/// end within five; a new user may wait ten more for the indexes and for the keys of users that another program wrote, and
/// where that takes longer, the verb fails at once.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user who clashes with no other (see [`crate::domain::UserKeys`]). Of several at once with the same id, name
    /// or address, one succeeds; of several whose names only look alike, at most one. On MongoDB both can be there where the
    /// server stops within one command for longer than a reservation counts (30 seconds; docs/adr/0023). Users whose names
    /// clashed before they were compared in this way stay.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where something is taken; where several things are, one of them.
    async fn create_user(&self, user: &User, event: &Event) -> Result<(), StoreError>;

    /// The user of this id.
    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user of exactly this name; without one, the user whose name differs from it only in the case of ASCII letters.
    /// Where several users differ only in that, only the exact name finds one of them.
    async fn find_user_by_username(&self, username: &Username) -> Result<Option<User>, StoreError>;

    /// The user of exactly this address; without one, the user whose address has the same [`Email::key`], in the same way.
    async fn find_user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// At most `limit` users in the order of their ids, those behind `after`.
    async fn list_users(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError>;

    /// Puts `new`, another hash of the same password, in the place of `old`, if the user still has `old`; `updated_at`
    /// becomes the instant of the event. False where the user has another hash or is not there. Sessions go on.
    async fn replace_hash_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// As [`Users::replace_hash_if`] for another password: it also ends the sessions, as [`Users::end_sessions`] does.
    /// After a crash in between, and where another change came first, the sessions may have ended though this password is
    /// not in place, never the reverse.
    async fn replace_password_if(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// Moves the user's `sessions.valid_from` to `valid_from` (whole seconds), or to the second after the stored one
    /// where that is later: each call ends all sessions that began before it. False where there is no such user.
    async fn end_sessions(
        &self,
        id: UserId,
        valid_from: Timestamp,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// Removes a user and all that is kept about them. False where there was no such user.
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

    async fn delete_user(&self, _: UserId, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
