//! Changes that cause an event: the change and its event are in one savepoint of the writer's transaction.

use std::sync::Arc;

use rusqlite::Connection;

use super::Sqlite;
use crate::domain::Event;
use crate::store::StoreError;

/// The result of a change inside the transaction.
pub(super) enum Change<T> {
    /// It was written. Its event is written with it.
    Made(T),
    /// It was refused, and nothing was written.
    Refused(T),
}

impl Sqlite {
    /// Runs `change` in the next commit with tables of the current version, and writes `event` if the change
    /// was made. If the event is refused, the change is undone.
    ///
    /// # Errors
    /// [`StoreError`]; then neither is written. Only [`StoreError::Unavailable`] may hide a commit.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        event: &Event,
        change: impl FnOnce(&Connection) -> rusqlite::Result<Change<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.upgrade().await?;
        let (events, event) = (Arc::clone(&self.events), event.clone());
        let write = move |connection: &Connection| {
            Ok(match change(connection)? {
                Change::Made(answer) => {
                    events.write(connection, &event)?;
                    answer
                }
                Change::Refused(answer) => answer,
            })
        };
        self.writer.run(write).await
    }

    /// The same for a change of at most one row. Returns false if the row does not exist.
    pub(super) async fn change_row(
        &self,
        event: &Event,
        change: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let change = move |connection: &Connection| {
            Ok(if change(connection)? == 1 { Change::Made(true) } else { Change::Refused(false) })
        };
        self.change(event, change).await
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::ffi::{Error, SQLITE_FULL};

    use super::super::EventWriter;
    use super::*;
    use crate::domain::{EventId, EventKind, EventSubject, Initiator, Timestamp, UserId};
    use crate::store::IfMissing;

    /// Writes each event of a user into the table of instances, and refuses that of a deletion as a full disk does.
    #[derive(Debug)]
    struct NoDeletions;

    impl EventWriter for NoDeletions {
        fn write(&self, connection: &Connection, event: &Event) -> rusqlite::Result<()> {
            insert(connection, &format!("event of {:?}", event.kind))?;
            match event.kind {
                EventKind::UserDeleted => Err(rusqlite::Error::SqliteFailure(Error::new(SQLITE_FULL), None)),
                _ => Ok(()),
            }
        }
    }

    fn event(kind: EventKind) -> Event {
        let (at, subject) = (Timestamp::from_secs(1), EventSubject::User(UserId::from_bytes([0; 12])));
        Event::new(EventId::new(at, [0; 10]), at, kind, Initiator::OPERATOR, subject)
    }

    fn insert(connection: &Connection, id: &str) -> rusqlite::Result<usize> {
        connection.execute("INSERT INTO instances (id, at, record) VALUES (?1, 0, '{}')", [id])
    }

    async fn stored(store: &Sqlite) -> Vec<String> {
        let query = |connection: &Connection| {
            let mut statement = connection.prepare("SELECT id FROM instances ORDER BY id")?;
            statement.query_map([], |row| row.get("id"))?.collect()
        };
        store.read(query).await.unwrap()
    }

    #[tokio::test]
    async fn a_change_and_its_event_are_written_together_or_not_at_all() {
        let events = Arc::new(NoDeletions);
        let store = Sqlite::with_events(Path::new(":memory:"), IfMissing::Create, events).unwrap();
        let (registered, deleted) = (event(EventKind::UserRegistered), event(EventKind::UserDeleted));
        assert!(store.change_row(&registered, |connection| insert(connection, "change")).await.unwrap());
        let no_event = store.change_row(&deleted, |connection| insert(connection, "without an event")).await;
        assert!(matches!(no_event, Err(StoreError::Unavailable(_))), "{no_event:?}");
        let half = |connection: &Connection| {
            insert(connection, "half")?;
            connection.execute("INSERT INTO nowhere (id) VALUES (1)", [])
        };
        assert!(store.change_row(&event(EventKind::SessionsEnded), half).await.is_err());
        assert!(!store.change_row(&event(EventKind::PasswordChanged), |_| Ok(0)).await.unwrap());
        assert_eq!(stored(&store).await, ["change", "event of UserRegistered"]);
    }
}
