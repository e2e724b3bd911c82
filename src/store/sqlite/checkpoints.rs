//! The tables of checkpoints and of the keys that signed them.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use crate::store::{CheckpointKey, Checkpoints, StoreError, StoredCheckpoint};

/// Checkpoints that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;

#[async_trait]
impl Checkpoints for Sqlite {
    async fn create_checkpoint(
        &self,
        checkpoint: &StoredCheckpoint,
        key: &CheckpointKey,
    ) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let (checkpoint, key) = (checkpoint.clone(), key.clone());
        let create = move |connection: &Connection| {
            let last = last(connection)?.map_or(0, |last| last.number);
            if last.saturating_add(1) != checkpoint.number {
                return Ok(false);
            }
            connection
                .prepare_cached(
                    "INSERT INTO checkpoint_keys (thumbprint, jwk) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute(params![key.thumbprint, key.jwk])?;
            connection
                .prepare_cached("INSERT INTO checkpoints (number, seq, jws, key) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    checkpoint.number as i64,
                    checkpoint.seq as i64,
                    checkpoint.jws,
                    checkpoint.key
                ])?;
            Ok(true)
        };
        self.writer.run(create).await
    }

    async fn find_last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.upgrade().await?;
        self.read(last).await
    }

    async fn list_checkpoints(&self, after: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "SELECT number, seq, jws, key FROM checkpoints WHERE number > ?1 ORDER BY number LIMIT ?2",
                )?
                .query_map(params![after as i64, limit as i64], stored)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await
    }

    async fn list_checkpoint_keys(&self) -> Result<Vec<CheckpointKey>, StoreError> {
        self.upgrade().await?;
        let query = |connection: &Connection| {
            let key = |row: &Row<'_>| {
                Ok(CheckpointKey { thumbprint: row.get("thumbprint")?, jwk: row.get("jwk")? })
            };
            connection
                .prepare_cached("SELECT thumbprint, jwk FROM checkpoint_keys ORDER BY thumbprint")?
                .query_map([], key)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await
    }

    async fn purge_checkpoints(&self, base: u64) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM checkpoints WHERE number IN
                     (SELECT number FROM checkpoints WHERE number < (
                         SELECT number FROM checkpoints WHERE seq < ?1 ORDER BY seq DESC, number DESC LIMIT 1
                     ) ORDER BY number LIMIT ?2)",
                )?
                .execute(params![base as i64, PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}

fn last(connection: &Connection) -> rusqlite::Result<Option<StoredCheckpoint>> {
    connection
        .prepare_cached("SELECT number, seq, jws, key FROM checkpoints ORDER BY number DESC LIMIT 1")?
        .query_row([], stored)
        .optional()
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredCheckpoint> {
    let number = |column| row.get::<_, i64>(column).map(|number| number.max(0) as u64);
    Ok(StoredCheckpoint {
        number: number("number")?,
        seq: number("seq")?,
        jws: row.get("jws")?,
        key: row.get("key")?,
    })
}
