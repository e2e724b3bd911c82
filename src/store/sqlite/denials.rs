//! The table of denials.

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::Sqlite;
use crate::domain::{Denial, Denied, Event, Timestamp};
use crate::store::{Denials, StoreError};

/// Denials that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;
/// One bound, so that each page begins at its first row in the index.
const NEXT_DENIALS: &str =
    "SELECT denied, at, expires_at FROM denials WHERE (at, denied) > (?1, ?2) ORDER BY at, denied LIMIT ?3";

#[async_trait]
impl Denials for Sqlite {
    async fn record_denial(&self, denial: &Denial, event: Option<&Event>) -> Result<(), StoreError> {
        let (denied, at, expires_at) =
            (denial.denied.to_string(), millis(denial.at), millis(denial.expires_at));
        let record = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "INSERT INTO denials (denied, at, expires_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (denied) DO UPDATE
                     SET at = max(at, excluded.at), expires_at = max(expires_at, excluded.expires_at)",
                )?
                .execute(params![denied, at, expires_at])
        };
        match event {
            Some(event) => self.change_row(event, record).await.map(drop),
            None => {
                self.upgrade().await?;
                self.writer.run(record).await.map(drop)
            }
        }
    }

    async fn list_denials(
        &self,
        since: Timestamp,
        after: Option<&Denial>,
        limit: usize,
    ) -> Result<Vec<Denial>, StoreError> {
        self.upgrade().await?;
        let since = millis(since);
        // No denial has an empty name.
        let after = after.map(|after| (millis(after.at), after.denied.to_string()));
        let (at, denied) = after.filter(|(at, _)| *at >= since).unwrap_or((since, String::new()));
        let query = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(NEXT_DENIALS)?;
            let rows = statement.query_map(params![at, denied, limit as i64], |row| {
                let instant =
                    |column| row.get::<_, i64>(column).map(|at| Timestamp::from_millis(at.max(0) as u64));
                Ok((row.get::<_, String>("denied")?, instant("at")?, instant("expires_at")?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = self.read(query).await?.into_iter();
        rows.map(|(denied, at, expires_at)| {
            let denied =
                Denied::parse(&denied).ok_or_else(|| StoreError::Corrupt(format!("the denial {denied}")))?;
            Ok(Denial { denied, at, expires_at })
        })
        .collect()
    }

    async fn purge_denials(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM denials WHERE denied IN
                     (SELECT denied FROM denials WHERE expires_at < ?1 LIMIT ?2)",
                )?
                .execute(params![millis(now), PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}

fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params};

    use super::NEXT_DENIALS;

    /// With a second bound, SQLite read all rows before the page again for each page.
    #[test]
    fn a_page_begins_in_the_index() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("migrations/0006_oauth.sql")).unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {NEXT_DENIALS}");
        let plan: String =
            connection.query_row(&plan, params![0, "", 1000], |row| row.get("detail")).unwrap();
        assert_eq!(plan, "SEARCH denials USING INDEX denials_at ((at,denied)>(?,?))");
    }
}
