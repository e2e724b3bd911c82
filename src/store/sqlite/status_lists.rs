//! The tables of status lists and of the tokens that have places in them.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::Sqlite;
use crate::domain::{
    Denial, Denied, GrantId, Kid, RegistrationId, SessionId, StatusEntry, StatusLease, StatusListRecord,
    StatusPlace, Timestamp,
};
use crate::store::{StatusLists, StoreError};

/// Records that one write removes: some milliseconds.
const PURGED_AT_ONCE: usize = 1000;

/// The tokens that a denial of each kind concerns. The second value is the instant of the denial.
const OF_TOKEN: &str = "SELECT place FROM status_entries WHERE jti = ?1";
const OF_GRANT: &str = "SELECT place FROM status_entries WHERE grant_id = ?1";
const OF_SESSION: &str = "SELECT place FROM status_entries WHERE session = ?1";
const OF_REGISTRATION: &str = "SELECT place FROM status_entries WHERE registration = ?1";
const OF_USER: &str = "SELECT place FROM status_entries WHERE user = ?1 AND issued_at <= ?2";
const OF_ACCESS: &str = "SELECT place FROM status_entries
                         WHERE user = ?1 AND issued_at <= ?2 AND client = ?3 AND grant_id IS NOT NULL";
const OF_KEY: &str = "SELECT place FROM status_entries WHERE kid = ?1 AND place > ?2 ORDER BY place LIMIT ?3";

#[async_trait]
impl StatusLists for Sqlite {
    async fn lease_status_positions(
        &self,
        key: &str,
        live_until: Timestamp,
    ) -> Result<StatusLease, StoreError> {
        self.upgrade().await?;
        let (key, live_until) = (key.to_owned(), millis(live_until));
        self.writer.run(move |connection| lease(connection, &key, live_until)).await
    }

    async fn list_status_lists(&self) -> Result<Vec<StatusListRecord>, StoreError> {
        self.upgrade().await?;
        let query = |connection: &Connection| {
            let mut statement =
                connection.prepare_cached("SELECT number, live_until FROM status_lists ORDER BY number")?;
            let rows = statement.query_map([], |row| {
                let live_until = Timestamp::from_millis(row.get::<_, i64>("live_until")?.max(0) as u64);
                Ok(StatusListRecord { number: row.get::<_, i64>("number")?.max(0) as u64, live_until })
            })?;
            rows.collect()
        };
        self.read(query).await
    }

    async fn create_status_entry(&self, entry: &StatusEntry) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let entry = entry.clone();
        self.writer.run_statement(move |connection| insert(connection, &entry)).await.map(|added| added == 1)
    }

    async fn list_denied_places(&self, denials: &[Denial]) -> Result<Vec<StatusPlace>, StoreError> {
        self.upgrade().await?;
        let denials = denials.to_vec();
        let query = move |connection: &Connection| {
            let mut places = Vec::new();
            for denial in &denials {
                add_denied(connection, denial, &mut places)?;
            }
            Ok(places)
        };
        self.read(query).await
    }

    async fn list_places_of_key(
        &self,
        kid: &Kid,
        after: Option<StatusPlace>,
        limit: usize,
    ) -> Result<Vec<StatusPlace>, StoreError> {
        self.upgrade().await?;
        let kid = kid.to_string();
        let after = after.map_or(-1, |after| after.to_number() as i64);
        let query = move |connection: &Connection| {
            let mut places = Vec::new();
            add_found(connection, OF_KEY, &[&kid, &after, &(limit as i64)], &mut places)?;
            Ok(places)
        };
        self.read(query).await
    }

    async fn purge_status_entries(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let now = millis(now);
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM status_lists
                     WHERE live_until < ?1 AND number < (SELECT max(number) FROM status_lists)",
                )?
                .execute([now])?;
            connection
                .prepare_cached(
                    "DELETE FROM status_entries WHERE place IN
                     (SELECT place FROM status_entries WHERE expires_at < ?1 LIMIT ?2)",
                )?
                .execute(params![now, PURGED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == PURGED_AT_ONCE)
    }
}

/// Takes positions. The one writer makes this atomic, and the write is durable before the caller uses them.
fn lease(connection: &Connection, key: &str, live_until: i64) -> rusqlite::Result<StatusLease> {
    let lease = |row: &rusqlite::Row<'_>| {
        let (list, first): (i64, i64) = (row.get("number")?, row.get("first")?);
        Ok(StatusLease { list: list.max(0) as u64, first: first.max(0) as u32 })
    };
    let taken = connection
        .prepare_cached(
            "UPDATE status_lists SET next = next + ?3, live_until = max(live_until, ?2)
             WHERE number = (SELECT max(number) FROM status_lists WHERE key = ?1 AND next + ?3 <= ?4)
             RETURNING number, next - ?3 AS first",
        )?
        .query_row(params![key, live_until, StatusLease::POSITIONS, StatusPlace::PER_LIST], lease)
        .optional()?;
    if let Some(taken) = taken {
        return Ok(taken);
    }
    connection
        .prepare_cached(
            "INSERT INTO status_lists (number, key, next, live_until)
             SELECT coalesce(max(number), 0) + 1, ?1, ?3, ?2 FROM status_lists
             RETURNING number, next - ?3 AS first",
        )?
        .query_row(params![key, live_until, StatusLease::POSITIONS], lease)
}

fn insert(connection: &Connection, entry: &StatusEntry) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "INSERT INTO status_entries (place, jti, kid, client, registration, user, grant_id, session,
                                         issued_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            i64::try_from(entry.place.to_number()).unwrap_or(i64::MAX),
            entry.jti,
            entry.kid.as_str(),
            entry.client.as_str(),
            entry.registration.map(RegistrationId::to_bytes),
            entry.user.map(|id| *id.as_bytes()),
            entry.grant.map(GrantId::to_bytes),
            entry.session.map(SessionId::to_bytes),
            millis(entry.issued_at),
            millis(entry.expires_at),
        ])
}

fn add_denied(
    connection: &Connection,
    denial: &Denial,
    places: &mut Vec<StatusPlace>,
) -> rusqlite::Result<()> {
    let at = millis(denial.at);
    match &denial.denied {
        Denied::Token(jti) => add_found(connection, OF_TOKEN, &[jti], places),
        Denied::Grant(id) => add_found(connection, OF_GRANT, &[&id.to_bytes()], places),
        Denied::Session(id) => add_found(connection, OF_SESSION, &[&id.to_bytes()], places),
        Denied::Registration(id) => add_found(connection, OF_REGISTRATION, &[&id.to_bytes()], places),
        Denied::User(id) => add_found(connection, OF_USER, &[id.as_bytes(), &at], places),
        Denied::Access(user, client) => {
            add_found(connection, OF_ACCESS, &[user.as_bytes(), &at, &client.as_str()], places)
        }
    }
}

fn add_found(
    connection: &Connection,
    query: &str,
    values: &[&dyn ToSql],
    places: &mut Vec<StatusPlace>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(query)?;
    let found = statement.query_map(values, |row| row.get::<_, i64>(0))?;
    for place in found {
        places.push(StatusPlace::from_number(place?.max(0) as u64));
    }
    Ok(())
}

fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A denial would otherwise read all tokens.
    #[test]
    fn each_kind_of_denial_finds_its_tokens_by_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("migrations/0011_status_lists.sql")).unwrap();
        for query in [OF_TOKEN, OF_GRANT, OF_SESSION, OF_REGISTRATION, OF_USER, OF_ACCESS, OF_KEY] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
            let values = vec![rusqlite::types::Null; plan.parameter_count()];
            let found: String =
                plan.query_row(rusqlite::params_from_iter(values), |row| row.get("detail")).unwrap();
            let index = found.strip_prefix("SEARCH status_entries USING ");
            assert!(index.is_some_and(|index| index.contains("INDEX status_entries_")), "{query}: {found}");
        }
    }
}
