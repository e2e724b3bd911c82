//! The tables' versions: one file for each step from a version to the next (`PRAGMA user_version`). A step that was
//! released is never changed; `tests/it/store/upgrades.rs` upgrades a database of every version.

mod user_keys;

use rusqlite::{Connection, TransactionBehavior};

use super::store_error;
use crate::store::StoreError;
use user_keys::fill_user_keys;

/// A step: the statements, and what fills new columns by rules that SQL does not have.
struct Migration {
    statements: &'static str,
    fill: fn(&Connection) -> rusqlite::Result<()>,
}

/// The step at index `n` brings the tables from version `n` to version `n + 1`.
const MIGRATIONS: &[Migration] = &[
    Migration { statements: include_str!("0001_users.sql"), fill: nothing },
    Migration { statements: include_str!("0002_rings.sql"), fill: nothing },
    Migration { statements: include_str!("0003_sessions.sql"), fill: nothing },
    Migration { statements: include_str!("0004_user_keys.sql"), fill: fill_user_keys },
];

fn nothing(_: &Connection) -> rusqlite::Result<()> {
    Ok(())
}

/// Brings the tables to today's version, all steps or no step.
///
/// # Errors
/// [`StoreError::Corrupt`] where the tables are of a newer program; then they stay as they are.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    if version(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    // Another process may have taken the steps in the meantime.
    let found = version(&transaction)?;
    let missing = MIGRATIONS.get(found..).ok_or_else(|| {
        StoreError::Corrupt(format!(
            "its tables are of version {found}, newer than this program's {}; start the newer program",
            MIGRATIONS.len()
        ))
    })?;
    for step in missing {
        transaction
            .execute_batch(step.statements)
            .and_then(|()| (step.fill)(&transaction))
            .map_err(store_error)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as u32).map_err(store_error)?;
    transaction.commit().map_err(store_error)
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0));
    version.map(|version| version as usize).map_err(store_error)
}
