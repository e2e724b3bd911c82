//! The table of instances, whose heartbeats are JSON.

use async_trait::async_trait;
use rusqlite::params;

use super::Sqlite;
use super::json::{from_json, to_json};
use crate::domain::{Instance, Timestamp};
use crate::store::{Instances, StoreError};

#[async_trait]
impl Instances for Sqlite {
    async fn record_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        let (id, at, record) = (instance.id.clone(), instance.at.as_millis() as i64, to_json(instance)?);
        let replace = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("REPLACE INTO instances (id, at, record) VALUES (?1, ?2, ?3)")?
                .execute(params![id, at, record])
        };
        self.writer.run(replace).await.map(|_| ())
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        let query = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached("SELECT record FROM instances ORDER BY id")?;
            let rows = statement.query_map([], |row| row.get::<_, String>("record"))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let found = self.read(query).await?;
        Ok(found.iter().filter_map(|record| from_json(record).ok()).collect())
    }

    async fn purge_instances(&self, before: Timestamp) -> Result<(), StoreError> {
        let purge = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("DELETE FROM instances WHERE at < ?1")?
                .execute([before.as_millis() as i64])
        };
        self.writer.run(purge).await.map(|_| ())
    }
}
