//! The ring's document and the instances, as JSON.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Sqlite;
use crate::domain::{Instance, RingRecord, Timestamp};
use crate::store::{Rings, StoreError};

/// There is one ring.
const RING: &str = "ring";

#[async_trait]
impl Rings for Sqlite {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        // A command that looks for keys is told what makes them.
        if self.absent {
            return Ok(None);
        }
        let query = |connection: &rusqlite::Connection| {
            let mut statement =
                connection.prepare_cached("SELECT record, revision FROM rings WHERE name = ?1")?;
            statement
                .query_row([RING], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
                .optional()
        };
        let Some((record, revision)) = self.read(query).await? else { return Ok(None) };
        let ring: RingRecord = read(&record)?;
        // The column is what a replacement is compared with.
        if i64::try_from(ring.revision) != Ok(revision) {
            let fault = format!("its revision is {}, and the row says {revision}", ring.revision);
            return Err(StoreError::Corrupt(fault));
        }
        Ok(Some(ring))
    }

    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError> {
        let (record, revision) = (text(ring)?, ring.revision as i64);
        let replace = move |connection: &rusqlite::Connection| match seen {
            Some(seen) => connection
                .prepare_cached(
                    "UPDATE rings SET revision = ?2, record = ?3 WHERE name = ?1 AND revision = ?4",
                )?
                .execute(params![RING, revision, record, seen as i64]),
            None => connection
                .prepare_cached(
                    "INSERT INTO rings (name, revision, record) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute(params![RING, revision, record]),
        };
        Ok(self.writer.run(replace).await? == 1)
    }

    async fn note_instance(&self, instance: &Instance) -> Result<(), StoreError> {
        let (id, at, record) = (instance.id.clone(), instance.at.as_millis() as i64, text(instance)?);
        let note = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached("REPLACE INTO instances (id, at, record) VALUES (?1, ?2, ?3)")?
                .execute(params![id, at, record])
        };
        self.writer.run(note).await.map(|_| ())
    }

    async fn list_instances(&self) -> Result<Vec<Instance>, StoreError> {
        let query = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached("SELECT record FROM instances ORDER BY id")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        let found = self.read(query).await?;
        Ok(found.iter().filter_map(|record| read(record).ok()).collect())
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

fn text(record: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(record).map_err(|error| StoreError::Backend(error.into()))
}

fn read<T: DeserializeOwned>(record: &str) -> Result<T, StoreError> {
    serde_json::from_str(record).map_err(|error| StoreError::Corrupt(error.to_string()))
}
