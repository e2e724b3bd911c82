//! How full the tables are.

use rusqlite::{Connection, Result};

use crate::domain::{Instance, Timestamp};
use crate::store::TableSize;

/// Counts the rows. SQLite reads the smallest index of a table for that: a million users take tens of milliseconds.
pub(super) fn sizes(connection: &Connection) -> Result<Vec<TableSize>> {
    let rows = |query: &str| connection.prepare_cached(query)?.query_row([], |row| row.get::<_, i64>(0));
    let first_beat: Option<i64> =
        connection.prepare_cached("SELECT min(at) FROM instances")?.query_row([], |row| row.get(0))?;
    let first_forgotten: Option<i64> = connection
        .prepare_cached("SELECT min(forget_at) FROM login_throttles")?
        .query_row([], |row| row.get(0))?;
    let size =
        |table, rows: i64, first_expires_at| TableSize { table, rows: rows.max(0) as u64, first_expires_at };
    let instant = |at: i64| Timestamp::from_millis(at.max(0) as u64);
    let expires_at = |at: i64| instant(at).plus_secs(Instance::SILENCE_SECS);
    Ok(vec![
        size("users", rows("SELECT count(*) FROM users")?, None),
        size("rings", rows("SELECT count(*) FROM rings")?, None),
        size("instances", rows("SELECT count(*) FROM instances")?, first_beat.map(expires_at)),
        size("login_throttles", rows("SELECT count(*) FROM login_throttles")?, first_forgotten.map(instant)),
    ])
}
