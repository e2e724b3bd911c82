//! The tables' versions: one file for each step from a version to the next (`PRAGMA user_version`). A new table or column is
//! a new file and a row in [`MIGRATIONS`]. A step that was released is never changed; `tests/it/store/upgrades.rs` upgrades
//! a database of every version.

mod user_keys;

use rusqlite::{Connection, TransactionBehavior};

use super::store_error;
use crate::store::StoreError;
use user_keys::fill_user_keys;

/// A step from a version of the tables to the next.
struct Migration {
    statements: &'static str,
    /// Fills new columns by rules that SQL does not have.
    fill: fn(&Connection) -> rusqlite::Result<()>,
    /// Those of its new tables whose rows cannot be made again: a database with such a row is not empty.
    lasting: &'static [&'static str],
}

/// The step at index `n` brings the tables from version `n` to version `n + 1`.
const MIGRATIONS: &[Migration] = &[
    Migration { statements: include_str!("0001_users.sql"), fill: nothing, lasting: &["users"] },
    Migration { statements: include_str!("0002_rings.sql"), fill: nothing, lasting: &["rings"] },
    Migration { statements: include_str!("0003_sessions.sql"), fill: nothing, lasting: &[] },
    Migration { statements: include_str!("0004_user_keys.sql"), fill: fill_user_keys, lasting: &[] },
    Migration { statements: include_str!("0005_login_throttles.sql"), fill: nothing, lasting: &[] },
    Migration {
        statements: include_str!("0006_oauth.sql"),
        fill: nothing,
        lasting: &["clients", "grants", "consents", "denials"],
    },
    Migration { statements: include_str!("0007_assertions.sql"), fill: nothing, lasting: &[] },
    Migration {
        statements: include_str!("0008_events.sql"),
        fill: nothing,
        // Each start stores events, also in a database without anything else.
        lasting: &[],
    },
    Migration { statements: include_str!("0009_consents_and_grants.sql"), fill: nothing, lasting: &[] },
    Migration { statements: include_str!("0010_user_claims.sql"), fill: nothing, lasting: &[] },
    Migration {
        statements: include_str!("0011_status_lists.sql"),
        fill: nothing,
        lasting: &["status_lists"],
    },
    Migration { statements: include_str!("0012_checkpoints.sql"), fill: nothing, lasting: &[] },
    Migration { statements: include_str!("0013_webhooks.sql"), fill: nothing, lasting: &["webhooks"] },
    Migration { statements: include_str!("0014_event_kinds.sql"), fill: nothing, lasting: &[] },
];

fn nothing(_: &Connection) -> rusqlite::Result<()> {
    Ok(())
}

/// The version that is enough for the ring of keys and the instances: their tables have not changed since.
const RINGS_VERSION: usize = 2;

/// Makes the tables of a new database in their current version. Existing tables stay as they are, so that a
/// refused start leaves them to the previous program. Only those of version 1, which has no table for the
/// ring, become version 2.
///
/// # Errors
/// As [`migrate`].
pub(super) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    match version(connection)? {
        0 => migrate(connection),
        found if found < RINGS_VERSION => migrate_to(connection, RINGS_VERSION),
        found => compare(found),
    }
}

/// Converts the tables to the current version, in all steps or in none.
///
/// # Errors
/// [`StoreError::Newer`] if a newer program made the tables; then they stay as they are.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    migrate_to(connection, MIGRATIONS.len())
}

/// Whether the database contains rows that cannot be made again, such as users or a ring.
pub(super) fn holds_lasting_rows(connection: &Connection) -> Result<bool, StoreError> {
    let steps = MIGRATIONS.iter().take(version(connection)?);
    let exists = |table| format!("EXISTS (SELECT 1 FROM {table})");
    let any = std::iter::once("0".to_owned()).chain(steps.flat_map(|step| step.lasting).map(exists));
    let query = format!("SELECT {}", any.collect::<Vec<_>>().join(" OR "));
    connection.query_row(&query, [], |row| row.get(0)).map_err(store_error)
}

fn compare(found: usize) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok(()) }
}

fn migrate_to(connection: &mut Connection, target: usize) -> Result<(), StoreError> {
    let found = version(connection)?;
    compare(found)?;
    if found >= target {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    // Another process may have taken the steps in the meantime.
    let found = version(&transaction)?;
    compare(found)?;
    let Some(missing) = MIGRATIONS.get(found..target) else { return Ok(()) };
    for step in missing {
        transaction
            .execute_batch(step.statements)
            .and_then(|()| (step.fill)(&transaction))
            .map_err(store_error)?;
    }
    transaction.pragma_update(None, "user_version", target as u32).map_err(store_error)?;
    transaction.commit().map_err(store_error)
}

fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0));
    version.map(|version| version as usize).map_err(store_error)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{create, holds_lasting_rows, migrate_to};

    #[test]
    fn a_database_of_heartbeats_alone_holds_nothing_and_one_with_a_user_or_a_ring_does() {
        let heartbeat = "INSERT INTO instances (id, at, record) VALUES ('a', 0, '{}')";
        let ring = "INSERT INTO rings (name, revision, record) VALUES ('ring', 1, '{}')";
        let user = "INSERT INTO users (id, username, email, password_hash, created_at, updated_at)
                    VALUES ('a', 'a', 'a', 'a', 0, 0)";
        for (row, lasts) in [(heartbeat, false), (ring, true), (user, true)] {
            let mut connection = Connection::open_in_memory().unwrap();
            assert!(!holds_lasting_rows(&connection).unwrap(), "there are no tables");
            create(&mut connection).unwrap();
            assert!(!holds_lasting_rows(&connection).unwrap());
            connection.execute(row, []).unwrap();
            assert_eq!(holds_lasting_rows(&connection).unwrap(), lasts, "{row}");
        }
    }

    #[test]
    fn tables_of_an_earlier_version_are_looked_at_as_far_as_they_are_there() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_to(&mut connection, 1).unwrap();
        assert!(!holds_lasting_rows(&connection).unwrap());
    }
}
