//! How full the tables are.

use rusqlite::{Connection, Result};

use crate::domain::{Instance, Timestamp};
use crate::store::TableSize;

/// A table, the column of the instant at which a row expires, and the seconds from that instant until it does.
const TABLES: &[(&str, Option<(&str, u64)>)] = &[
    ("users", None),
    ("user_claims", None),
    ("rings", None),
    ("instances", Some(("at", Instance::SILENCE_SECS))),
    ("login_throttles", Some(("forget_at", 0))),
    ("clients", None),
    ("denials", Some(("expires_at", 0))),
    ("assertions", Some(("expires_at", 0))),
    ("grants", Some(("forget_at", 0))),
    ("browser_sessions", Some(("expires_at", 0))),
    ("consents", None),
    ("events", None),
    ("event_counts", None),
    ("status_lists", None),
    ("status_entries", Some(("expires_at", 0))),
    ("checkpoints", None),
    ("checkpoint_keys", None),
    ("webhooks", None),
    ("webhook_cursor", None),
    ("webhook_queues", None),
    ("webhook_deliveries", Some(("expires_at", 0))),
];

/// Counts the rows. SQLite reads the smallest index of a table for that: a million users take tens of milliseconds.
pub(super) fn sizes(connection: &Connection) -> Result<Vec<TableSize>> {
    TABLES.iter().map(|(table, expiry)| size(connection, table, *expiry)).collect()
}

fn size(
    connection: &Connection,
    table: &'static str,
    expiry: Option<(&'static str, u64)>,
) -> Result<TableSize> {
    let rows: i64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM {table}"))?
        .query_row([], |row| row.get(0))?;
    let first_expires_at = match expiry {
        None => None,
        Some((column, after)) => connection
            .prepare_cached(&format!("SELECT min({column}) FROM {table}"))?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?
            .map(|at| Timestamp::from_millis(at.max(0) as u64).plus_secs(after)),
    };
    Ok(TableSize { table, rows: rows.max(0) as u64, first_expires_at })
}
