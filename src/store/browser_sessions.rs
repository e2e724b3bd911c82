//! The sessions of users in browsers: the contract of every store.

use async_trait::async_trait;

use super::{Absent, StoreError};
use crate::domain::{BrowserSession, Event, SessionKey, Timestamp, User, UserId};

/// One record for each session. What holds for the verbs of [`super::Users`] holds for these. [`super::Users::delete_user`]
/// removes the sessions of the user.
#[async_trait]
pub trait BrowserSessions: Send + Sync {
    /// Adds a session with a new key.
    async fn create_browser_session(&self, session: &BrowserSession, event: &Event)
    -> Result<(), StoreError>;

    /// The session with this key, and its user as [`super::Users::find_user_by_id`] finds them. On MongoDB the session comes from the
    /// primary: one that was ended is not found.
    async fn find_browser_session(
        &self,
        key: SessionKey,
    ) -> Result<Option<(BrowserSession, Option<User>)>, StoreError>;

    /// The sessions of a user, those that expire last first, at most `limit`.
    async fn list_browser_sessions(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<BrowserSession>, StoreError>;

    /// Puts `session` in the place of its revision `seen`. False if the stored session is another one or does not exist.
    async fn replace_browser_session_if(
        &self,
        seen: u64,
        session: &BrowserSession,
    ) -> Result<bool, StoreError>;

    /// Puts `session`, which has a new key, in the place of the session with the key `seen`. False if there is no such session:
    /// of many changes at once, one is made.
    async fn replace_browser_session_key_if(
        &self,
        seen: SessionKey,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<bool, StoreError>;

    /// Removes a session. False if there was no such session.
    async fn end_browser_session(&self, key: SessionKey, event: &Event) -> Result<bool, StoreError>;

    /// Removes sessions that have expired before `now`. True if there may be more of them.
    async fn purge_browser_sessions(&self, now: Timestamp) -> Result<bool, StoreError>;
}

#[async_trait]
impl BrowserSessions for Absent {
    async fn create_browser_session(&self, _: &BrowserSession, _: &Event) -> Result<(), StoreError> {
        Err(StoreError::Absent)
    }

    async fn find_browser_session(
        &self,
        _: SessionKey,
    ) -> Result<Option<(BrowserSession, Option<User>)>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn list_browser_sessions(&self, _: UserId, _: usize) -> Result<Vec<BrowserSession>, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_browser_session_if(&self, _: u64, _: &BrowserSession) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn replace_browser_session_key_if(
        &self,
        _: SessionKey,
        _: &BrowserSession,
        _: &Event,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn end_browser_session(&self, _: SessionKey, _: &Event) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }

    async fn purge_browser_sessions(&self, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Absent)
    }
}
