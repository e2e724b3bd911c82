//! Events on SQLite, which are written and sealed in the transaction of the change that causes them.

use std::fmt;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::Sqlite;
use crate::domain::{ClientId, Event, EventId, EventKind, Timestamp, UserId};
use crate::event_record::{ChainHead, PersonKey, RecordDigest, RecordError};
use crate::store::{EventFilter, EventRecorder, NoEvents, StoreError, StoredEvent};

/// Writes the event of each change, or refuses the event and with it the change.
pub trait EventWriter: fmt::Debug + Send + Sync {
    /// Writes `event`. Called once for each change that was made, on the writing thread, in the savepoint of
    /// the change: the event and the change are committed together. It must not wait.
    ///
    /// # Errors
    /// Any error undoes the change, which returns this error.
    fn write(&self, connection: &Connection, event: &Event) -> rusqlite::Result<()>;
}

impl EventWriter for NoEvents {
    fn write(&self, _: &Connection, _: &Event) -> rusqlite::Result<()> {
        Ok(())
    }
}

impl EventWriter for EventRecorder {
    fn write(&self, connection: &Connection, event: &Event) -> rusqlite::Result<()> {
        let key = match event.person {
            Some(person) if !event.kind.personal_fields().is_empty() => self.key_of(connection, person)?,
            _ => None,
        };
        let record = self.record(event, key.as_ref()).map_err(no_record)?;
        insert(connection, event, &record)
    }
}

impl EventRecorder {
    /// The key of a person, which the first event makes. `None` if the person is no user any more.
    fn key_of(&self, connection: &Connection, person: UserId) -> rusqlite::Result<Option<PersonKey>> {
        let found = connection
            .prepare_cached("SELECT event_key FROM users WHERE id = ?1")?
            .query_row([person.to_string()], |row| row.get::<_, Option<Vec<u8>>>("event_key"))
            .optional()?;
        match found {
            None => Ok(None),
            Some(Some(key)) => Ok(PersonKey::from_bytes(&key)),
            Some(None) => {
                let key = self.new_key().map_err(no_record)?;
                connection
                    .prepare_cached("UPDATE users SET event_key = ?1 WHERE id = ?2")?
                    .execute(params![key.expose(), person.to_string()])?;
                Ok(Some(key))
            }
        }
    }
}

/// Why there is no record, as an error of the statement that would have written it.
fn no_record(error: RecordError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}

/// Adds the event to the end of the chain. The writer's transaction holds the lock, so that the head stays the head.
fn insert(connection: &Connection, event: &Event, record: &str) -> rusqlite::Result<()> {
    let digest = RecordDigest::of(record);
    let next = head(connection)?.next(event.at, event.kind.name(), &digest);
    connection
        .prepare_cached(
            "INSERT INTO events (seq, id, at, kind, class, person, client, record, digest, link)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            next.seq as i64,
            event.id.as_bytes(),
            millis(event.at),
            event.kind.name(),
            event.kind.class().name(),
            event.person.map(|person| person.to_string()),
            event.client.as_ref().map(ClientId::as_str),
            record,
            digest.0,
            next.link,
        ])
        .map(|_| ())
}

/// Whether there is an event with this id.
pub(super) fn is_stored(connection: &Connection, id: EventId) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM events WHERE id = ?1")?.exists([id.as_bytes()])
}

/// The last event of the chain.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<ChainHead> {
    let last = connection
        .prepare_cached("SELECT seq, link FROM events ORDER BY seq DESC LIMIT 1")?
        .query_row([], place)
        .optional()?;
    last.map_or_else(|| base(connection), Ok)
}

/// The last event that was removed.
pub(super) fn base(connection: &Connection) -> rusqlite::Result<ChainHead> {
    let base = connection
        .prepare_cached("SELECT seq, link FROM event_chain_base WHERE name = 'base'")?
        .query_row([], place)
        .optional()?;
    Ok(base.unwrap_or(ChainHead::BEGIN))
}

/// The place in the chain that a row says.
pub(super) fn place(row: &Row<'_>) -> rusqlite::Result<ChainHead> {
    Ok(ChainHead { seq: row.get::<_, i64>("seq")?.max(0) as u64, link: row.get("link")? })
}

/// Whether events are listed in the order of their numbers, or in the reverse order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Behind this number.
    After(u64),
    /// In front of this number; the latest ones if there is none.
    Before(Option<u64>),
}

/// Clocks of instances differ: the first event of an instant is at most so many numbers behind one that is later by the clock.
const MOST_OUT_OF_ORDER: i64 = 100_000;

impl Sqlite {
    pub(super) async fn select_events(
        &self,
        filter: &EventFilter,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.upgrade().await?;
        let (query, values) = query_of(filter, direction, limit);
        let rows = self.read(move |connection| {
            connection
                .prepare_cached(&query)?
                .query_map(params_from_iter(values), stored)?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.await
    }
}

/// The query for the events that match, and its values.
fn query_of(filter: &EventFilter, direction: Direction, limit: usize) -> (String, Vec<Value>) {
    let mut conditions = Conditions::default();
    match direction {
        Direction::After(seq) => conditions.add("seq > ?", [Value::Integer(seq as i64)]),
        Direction::Before(Some(seq)) => conditions.add("seq < ?", [Value::Integer(seq as i64)]),
        Direction::Before(None) => {}
    }
    if !filter.is_empty() {
        conditions.add("record IS NOT NULL", []);
    }
    if let Some(since) = filter.since.map(millis) {
        conditions.add("at >= ?", [since.into()]);
        // The rows before need not be read.
        conditions.add(
            "seq >= (SELECT min(seq) FROM (SELECT seq FROM events WHERE at >= ? ORDER BY at LIMIT ?))",
            [since.into(), MOST_OUT_OF_ORDER.into()],
        );
    }
    if let Some(until) = filter.until.map(millis) {
        conditions.add("at < ?", [until.into()]);
        conditions.add(
            "seq <= (SELECT max(seq) FROM (SELECT seq FROM events WHERE at < ? ORDER BY at DESC LIMIT ?))",
            [until.into(), MOST_OUT_OF_ORDER.into()],
        );
    }
    if !filter.kinds.is_empty() {
        let places = vec!["?"; filter.kinds.len()].join(", ");
        let names = filter.kinds.iter().map(|kind: &EventKind| Value::Text(kind.name().to_owned()));
        // By one kind, events are found in the order of their numbers. Those of a person, of a client or of several kinds are found
        // by something else: SQLite, which does not know how frequent a kind is, would sort all events of the kind. With a plus,
        // it leaves the index out.
        let is_found_by_kind = filter.kinds.len() == 1 && filter.user.is_none() && filter.client.is_none();
        let column = if is_found_by_kind { "kind" } else { "+kind" };
        conditions.add(&format!("{column} IN ({places})"), names);
    }
    if let Some(user) = filter.user {
        conditions.add("person = ?", [Value::Text(user.to_string())]);
    }
    if let Some(client) = &filter.client {
        conditions.add("client = ?", [Value::Text(client.to_string())]);
    }
    let order = if matches!(direction, Direction::After(_)) { "seq" } else { "seq DESC" };
    conditions.values.push(Value::Integer(limit as i64));
    let query = format!(
        "SELECT seq, id, at, kind, record, digest, link FROM events {} ORDER BY {order} LIMIT ?",
        conditions.text
    );
    (query, conditions.values)
}

/// What a query asks of a row.
#[derive(Default)]
struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(if self.text.is_empty() { "WHERE " } else { " AND " });
        self.text.push_str(condition);
        self.values.extend(values);
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        seq: row.get::<_, i64>("seq")?.max(0) as u64,
        id: EventId::from_bytes(row.get("id")?),
        at: Timestamp::from_millis(row.get::<_, i64>("at")?.max(0) as u64),
        kind: row.get("kind")?,
        record: row.get("record")?,
        digest: RecordDigest(row.get("digest")?),
        link: row.get("link")?,
    })
}

pub(super) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(filter: &EventFilter, direction: Direction) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE users (id TEXT)").unwrap();
        connection.execute_batch(include_str!("migrations/0008_events.sql")).unwrap();
        connection.execute_batch(include_str!("migrations/0014_event_kinds.sql")).unwrap();
        let (query, values) = query_of(filter, direction, 10);
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        let steps = plan.query_map(params_from_iter(values), |row| row.get::<_, String>("detail")).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    /// A look-up for a rare kind would otherwise read all events, and one for a person all events of a frequent kind.
    #[test]
    fn events_are_found_by_an_index_in_the_order_of_their_numbers() {
        let of_kinds = |kinds: &[EventKind]| EventFilter { kinds: kinds.to_vec(), ..EventFilter::default() };
        let one = of_kinds(&[EventKind::SettingsChanged]);
        let several = of_kinds(&[EventKind::UserDeleted, EventKind::SettingsChanged]);
        let user = EventFilter { user: Some(UserId::from_bytes([1; 12])), ..one.clone() };
        let client = EventFilter { client: ClientId::parse("app").ok(), ..one.clone() };
        for (filter, direction, expected) in [
            (&one, Direction::Before(None), "SEARCH events USING INDEX events_kind (kind=?)"),
            (&one, Direction::After(7), "SEARCH events USING INDEX events_kind (kind=? AND seq>?)"),
            (&several, Direction::After(7), "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"),
            (&user, Direction::Before(None), "SEARCH events USING INDEX events_person (person=?)"),
            (&client, Direction::After(7), "SEARCH events USING INDEX events_client (client=? AND seq>?)"),
        ] {
            assert_eq!(plan(filter, direction), expected, "{filter:?}");
        }
    }
}
