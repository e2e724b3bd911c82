//! The table of browser sessions. What is known of a session besides its key and its user is JSON.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::changes::Change;
use super::json::{from_json, to_json};
use super::users::user_with_id;
use crate::domain::{BrowserSession, Event, SessionKey, Timestamp, User, UserId};
use crate::store::{BrowserSessions, StoreError};

/// Sessions that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;

const COLUMNS: &str = "SELECT key, revision, user, expires_at, details FROM browser_sessions";

#[async_trait]
impl BrowserSessions for Sqlite {
    async fn create_browser_session(
        &self,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<(), StoreError> {
        let (key, revision, user) = (session.key.0, session.revision as i64, session.user.to_string());
        let (expires_at, details) = (millis(session.expires_at), to_json(&session.details)?);
        let insert = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO browser_sessions (key, revision, user, expires_at, details)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![key, revision, user, expires_at, details])
                .map(|_| Change::Made(()))
        };
        self.change(event, insert).await
    }

    async fn find_browser_session(
        &self,
        key: SessionKey,
    ) -> Result<Option<(BrowserSession, Option<User>)>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            let found = connection
                .prepare_cached(&format!("{COLUMNS} WHERE key = ?1"))?
                .query_row([key.0], Stored::read)
                .optional()?;
            let Some(session) = found else { return Ok(None) };
            let user = user_with_id(connection, &session.user)?;
            Ok(Some((session, user)))
        };
        let Some((session, user)) = self.read(query).await? else { return Ok(None) };
        Ok(Some((session.session()?, user.transpose()?)))
    }

    async fn list_browser_sessions(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<BrowserSession>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE user = ?1 ORDER BY expires_at DESC, key LIMIT ?2"))?
                .query_map(params![user.to_string(), limit as i64], Stored::read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await?.into_iter().map(Stored::session).collect()
    }

    async fn replace_browser_session_if(
        &self,
        seen: u64,
        session: &BrowserSession,
    ) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let (key, revision) = (session.key.0, session.revision as i64);
        let (expires_at, details) = (millis(session.expires_at), to_json(&session.details)?);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE browser_sessions SET revision = ?1, expires_at = ?2, details = ?3
                     WHERE key = ?4 AND revision = ?5",
                )?
                .execute(params![revision, expires_at, details, key, seen as i64])
        };
        self.writer.run(replace).await.map(|changed| changed == 1)
    }

    async fn replace_browser_session_key_if(
        &self,
        seen: SessionKey,
        session: &BrowserSession,
        event: &Event,
    ) -> Result<bool, StoreError> {
        let (key, revision) = (session.key.0, session.revision as i64);
        let (expires_at, details) = (millis(session.expires_at), to_json(&session.details)?);
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE browser_sessions SET key = ?1, revision = ?2, expires_at = ?3, details = ?4
                     WHERE key = ?5",
                )?
                .execute(params![key, revision, expires_at, details, seen.0])
        };
        self.change_row(event, replace).await
    }

    async fn end_browser_session(&self, key: SessionKey, event: &Event) -> Result<bool, StoreError> {
        let delete = move |connection: &Connection| {
            connection.prepare_cached("DELETE FROM browser_sessions WHERE key = ?1")?.execute([key.0])
        };
        self.change_row(event, delete).await
    }

    async fn purge_browser_sessions(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM browser_sessions WHERE key IN
                     (SELECT key FROM browser_sessions WHERE expires_at < ?1 LIMIT ?2)",
                )?
                .execute(params![millis(now), PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}

/// Whether the session with this key is stored.
pub(super) fn has_session(connection: &Connection, key: SessionKey) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM browser_sessions WHERE key = ?1")?.exists([key.0])
}

/// A row as SQLite has it.
struct Stored {
    key: [u8; 32],
    revision: i64,
    user: String,
    expires_at: i64,
    details: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get("key")?,
            revision: row.get("revision")?,
            user: row.get("user")?,
            expires_at: row.get("expires_at")?,
            details: row.get("details")?,
        })
    }

    fn session(self) -> Result<BrowserSession, StoreError> {
        let corrupt = || StoreError::Corrupt("a session's user cannot be read".to_owned());
        Ok(BrowserSession {
            key: SessionKey(self.key),
            revision: self.revision as u64,
            user: UserId::parse(&self.user).ok_or_else(corrupt)?,
            expires_at: Timestamp::from_millis(self.expires_at.max(0) as u64),
            details: from_json(&self.details)?,
        })
    }
}

fn millis(at: Timestamp) -> i64 {
    at.as_millis() as i64
}
