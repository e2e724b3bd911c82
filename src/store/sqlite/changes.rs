//! Changes that cause an event: the change and its event are one savepoint of the writer's transaction.

use std::sync::Arc;

use rusqlite::Connection;

use super::Sqlite;
use crate::domain::Event;
use crate::store::StoreError;

/// What became of a change inside the transaction.
pub(super) enum Change<T> {
    /// It was written. Its event is written with it.
    Made(T),
    /// It was refused, and nothing was written.
    Refused(T),
}

impl Sqlite {
    /// Runs `change` in the next commit with the tables of today, and writes `event` if the change was made.
    ///
    /// # Errors
    /// [`StoreError`]; then neither is written, unless it is [`StoreError::Unavailable`], which may hide a commit.
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
                    events.take(&event);
                    answer
                }
                Change::Refused(answer) => answer,
            })
        };
        self.writer.run(write).await
    }

    /// The same for a change of one row at the most. False where there was no such row.
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::domain::{Actor, EventId, EventKind, Timestamp, UserId};
    use crate::store::{EventSink, IfMissing};

    /// Counts events, and cannot take the one of a certain number.
    #[derive(Debug)]
    struct Failing {
        taken: AtomicUsize,
        fails_at: usize,
    }

    impl EventSink for Failing {
        fn take(&self, _: &Event) {
            let taken = self.taken.fetch_add(1, Ordering::Relaxed);
            assert_ne!(taken, self.fails_at, "as the test wants it");
        }
    }

    fn event() -> Event {
        let (at, subject) = (Timestamp::from_secs(1), UserId::from_bytes([0; 12]));
        let (id, kind) = (EventId::new(at, [0; 10]), EventKind::UserDeleted);
        Event { id, at, kind, actor: Actor::Operator, subject }
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
        let events = Arc::new(Failing { taken: AtomicUsize::new(0), fails_at: 1 });
        let sink = Arc::clone(&events) as Arc<dyn EventSink>;
        let store = Sqlite::with_events(Path::new(":memory:"), IfMissing::Create, sink).unwrap();
        let event = event();
        assert!(store.change_row(&event, |connection| insert(connection, "first")).await.unwrap());
        let no_event = store.change_row(&event, |connection| insert(connection, "without an event"));
        assert!(no_event.await.is_err());
        let no_change = store.change_row(&event, |connection| {
            insert(connection, "half")?;
            connection.execute("INSERT INTO nowhere (id) VALUES (1)", [])
        });
        assert!(no_change.await.is_err());
        assert!(!store.change_row(&event, |_| Ok(0)).await.unwrap());
        assert_eq!(stored(&store).await, ["first"]);
        assert_eq!(events.taken.load(Ordering::Relaxed), 2, "what fails or changes nothing has no event");
    }
}
