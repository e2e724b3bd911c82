//! The table of what is remembered of log-ins, as JSON.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::json::{from_json, to_json};
use crate::domain::{Event, ThrottleRecord, ThrottledAccount, Timestamp};
use crate::store::{LoginThrottles, StoreError};

/// Records that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;

#[async_trait]
impl LoginThrottles for Sqlite {
    async fn find_login_throttle(
        &self,
        account: ThrottledAccount,
    ) -> Result<Option<ThrottleRecord>, StoreError> {
        self.upgrade().await?;
        let key = account.to_string();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT revision, forget_at, record FROM login_throttles WHERE account = ?1")?
                .query_row([key], |row| {
                    let forget_at = row.get::<_, Option<i64>>("forget_at")?;
                    Ok((row.get::<_, i64>("revision")?, forget_at, row.get::<_, String>("record")?))
                })
                .optional()
        };
        let Some((revision, forget_at, record)) = self.read(query).await? else { return Ok(None) };
        Ok(Some(ThrottleRecord {
            account,
            revision: revision as u64,
            forget_at: forget_at.map(|millis| Timestamp::from_millis(millis.max(0) as u64)),
            throttle: from_json(&record)?,
        }))
    }

    async fn replace_login_throttle_if(
        &self,
        seen: Option<u64>,
        record: &ThrottleRecord,
        event: Option<&Event>,
    ) -> Result<bool, StoreError> {
        let (key, revision, json) =
            (record.account.to_string(), record.revision as i64, to_json(&record.throttle)?);
        let forget_at = record.forget_at.map(|at| at.as_millis() as i64);
        let replace = move |connection: &Connection| {
            match seen {
            None => connection
                .prepare_cached(
                    "INSERT INTO login_throttles (account, revision, forget_at, record) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![key, revision, forget_at, json]),
            Some(seen) => connection
                .prepare_cached(
                    "UPDATE login_throttles SET revision = ?2, forget_at = ?3, record = ?4
                     WHERE account = ?1 AND revision = ?5",
                )?
                .execute(params![key, revision, forget_at, json, seen as i64]),
        }
        };
        match event {
            Some(event) => self.change_row(event, replace).await,
            None => {
                self.upgrade().await?;
                self.writer.run(replace).await.map(|changed| changed == 1)
            }
        }
    }

    async fn purge_login_throttles(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM login_throttles WHERE account IN
                     (SELECT account FROM login_throttles WHERE forget_at < ?1 LIMIT ?2)",
                )?
                .execute(params![now.as_millis() as i64, PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}
