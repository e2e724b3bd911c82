//! The ring's document, as JSON.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::Sqlite;
use super::json::{from_json, to_json};
use crate::domain::RingRecord;
use crate::store::{Rings, StoreError};

/// There is one ring.
const RING: &str = "ring";

#[async_trait]
impl Rings for Sqlite {
    async fn find_ring(&self) -> Result<Option<RingRecord>, StoreError> {
        // A command that looks for keys learns how to make them.
        if self.absent {
            return Ok(None);
        }
        let query = |connection: &rusqlite::Connection| {
            let mut statement =
                connection.prepare_cached("SELECT record, revision FROM rings WHERE name = ?1")?;
            statement
                .query_row([RING], |row| {
                    Ok((row.get::<_, String>("record")?, row.get::<_, i64>("revision")?))
                })
                .optional()
        };
        let Some((record, revision)) = self.read(query).await? else { return Ok(None) };
        let ring: RingRecord = from_json(&record)?;
        // A replacement is compared with the column.
        if i64::try_from(ring.revision) != Ok(revision) {
            let fault = format!("its revision is {}, and the row says {revision}", ring.revision);
            return Err(StoreError::Corrupt(fault));
        }
        Ok(Some(ring))
    }

    async fn replace_ring_if(&self, seen: Option<u64>, ring: &RingRecord) -> Result<bool, StoreError> {
        let (record, revision) = (to_json(ring)?, ring.revision as i64);
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
}
