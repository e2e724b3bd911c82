//! The table of assertions that were used.

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::Sqlite;
use crate::domain::{Timestamp, UsedAssertion};
use crate::store::{Assertions, StoreError};

/// Assertions that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;

#[async_trait]
impl Assertions for Sqlite {
    async fn create_assertion(&self, assertion: &UsedAssertion) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let (name, expires_at) = (assertion.name, millis(assertion.expires_at));
        let insert = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO assertions (name, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute(params![name, expires_at])
        };
        self.writer.run_statement(insert).await.map(|added| added == 1)
    }

    async fn purge_assertions(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM assertions WHERE name IN
                     (SELECT name FROM assertions WHERE expires_at < ?1 LIMIT ?2)",
                )?
                .execute(params![millis(now), PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}

fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}
