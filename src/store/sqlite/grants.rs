//! The table of grants. What was permitted and the stage are JSON.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::browser_sessions::has_session;
use super::json::{from_json, to_json};
use super::users::user_with_id;
use crate::domain::{ClientId, Event, Grant, GrantId, SessionKey, Timestamp, User, UserId};
use crate::store::{GrantCreated, Grants, StoreError};

/// Grants that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;

const COLUMNS: &str = "SELECT id, revision, client, user, forget_at, terms, stage FROM grants";

#[async_trait]
impl Grants for Sqlite {
    async fn create_grant(
        &self,
        grant: &Grant,
        session: Option<SessionKey>,
    ) -> Result<GrantCreated, StoreError> {
        self.upgrade().await?;
        let (id, revision, forget_at) = (grant.id.to_bytes(), grant.revision as i64, millis(grant.forget_at));
        let (client, user) = (grant.client.as_str().to_owned(), grant.user.to_string());
        let (given_at, terms, stage) =
            (millis(grant.terms.created_at), to_json(&grant.terms)?, to_json(&grant.stage)?);
        let insert =
            move |connection: &Connection| {
                // The index alone answers this.
                let (codes, lasting): (u32, u32) = connection
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE forget_at <= ?4), count(*) FILTER (WHERE forget_at > ?4)
                     FROM grants WHERE user = ?1 AND client = ?2 AND forget_at > ?3",
                )?
                .query_row(params![user, client, given_at, forget_at], |row| Ok((row.get(0)?, row.get(1)?)))?;
                if codes as usize >= Grant::MAX_CODES {
                    return Ok(GrantCreated::TooManyCodes);
                }
                if let Some(session) = session
                    && !has_session(connection, session)?
                {
                    return Ok(GrantCreated::SessionEnded);
                }
                connection
                    .prepare_cached(
                        "INSERT INTO grants (id, revision, client, user, forget_at, terms, stage)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    )?
                    .execute(params![id, revision, client, user, forget_at, terms, stage])?;
                Ok(GrantCreated::Added { lasting: lasting as usize })
            };
        self.writer.run_statement(insert).await
    }

    async fn find_grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.upgrade().await?;
        let found = self.read(move |connection| stored_grant(connection, id)).await?;
        found.map(Stored::grant).transpose()
    }

    async fn find_grant_and_user(&self, id: GrantId) -> Result<Option<(Grant, Option<User>)>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            let Some(grant) = stored_grant(connection, id)? else { return Ok(None) };
            let user = user_with_id(connection, &grant.user)?;
            Ok(Some((grant, user)))
        };
        let Some((grant, user)) = self.read(query).await? else { return Ok(None) };
        Ok(Some((grant.grant()?, user.transpose()?)))
    }

    async fn list_grants_of_user(
        &self,
        user: UserId,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        self.upgrade().await?;
        let after = after.map(|id| id.to_bytes().to_vec()).unwrap_or_default();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached(&format!("{COLUMNS} WHERE user = ?1 AND id > ?2 ORDER BY id LIMIT ?3"))?
                .query_map(params![user.to_string(), after, limit as i64], Stored::read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await?.into_iter().map(Stored::grant).collect()
    }

    async fn end_unused_grants(
        &self,
        (user, client): (UserId, &ClientId),
        until: Timestamp,
        keep: usize,
    ) -> Result<(), StoreError> {
        self.upgrade().await?;
        let (user, client) = (user.to_string(), client.as_str().to_owned());
        let delete = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM grants WHERE id IN
                     (SELECT id FROM grants WHERE user = ?1 AND client = ?2 AND forget_at > ?3
                      ORDER BY stage ->> '$.stage' = 'ended',
                               coalesce(stage ->> '$.used_at', terms ->> '$.created_at') DESC, id LIMIT ?4 OFFSET ?5)",
                )?
                .execute(params![user, client, millis(until), PURGED_AT_ONCE as i64, keep as i64])
        };
        self.writer.run(delete).await.map(|_| ())
    }

    async fn replace_grant_if(
        &self,
        seen: u64,
        grant: &Grant,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let (id, revision, forget_at) = (grant.id.to_bytes(), grant.revision as i64, millis(grant.forget_at));
        let stage = to_json(&grant.stage)?;
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE grants SET revision = ?1, forget_at = ?2, stage = ?3 WHERE id = ?4 AND revision = ?5",
                )?
                .execute(params![revision, forget_at, stage, id, seen as i64])
        };
        match event {
            Some(event) => self.change_row(event, replace).await,
            None => {
                self.upgrade().await?;
                self.writer.run_statement(replace).await.map(|changed| changed == 1)
            }
        }
    }

    async fn purge_grants(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE forget_at < ?1 LIMIT ?2)",
                )?
                .execute(params![millis(now), PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}

fn stored_grant(connection: &Connection, id: GrantId) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?
        .query_row([id.to_bytes()], Stored::read)
        .optional()
}

/// A row as SQLite has it.
struct Stored {
    id: [u8; 16],
    revision: i64,
    client: String,
    user: String,
    forget_at: i64,
    terms: String,
    stage: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            revision: row.get("revision")?,
            client: row.get("client")?,
            user: row.get("user")?,
            forget_at: row.get("forget_at")?,
            terms: row.get("terms")?,
            stage: row.get("stage")?,
        })
    }

    fn grant(self) -> Result<Grant, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("a grant's {what} cannot be read"));
        Ok(Grant {
            id: GrantId::from_bytes(self.id),
            revision: self.revision as u64,
            client: ClientId::parse(&self.client).map_err(|_| corrupt("client"))?,
            user: UserId::parse(&self.user).ok_or_else(|| corrupt("user"))?,
            forget_at: Timestamp::from_millis(self.forget_at.max(0) as u64),
            terms: from_json(&self.terms)?,
            stage: from_json(&self.stage)?,
        })
    }
}

fn millis(at: Timestamp) -> i64 {
    at.as_millis() as i64
}
