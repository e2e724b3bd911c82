//! The verbs of [`Events`] on SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::events::{Direction, base, head, is_stored, millis, place};
use crate::domain::{ClientId, Event, EventClass, EventId, EventKind, EventRetention, Timestamp, UserId};
use crate::event_record::PersonKey;
use crate::store::{Chain, EventCount, EventFilter, Events, StoreError, StoredEvent};

/// Events that one write removes or shortens: some milliseconds.
const PURGED_AT_ONCE: i64 = 1000;

#[async_trait]
impl Events for Sqlite {
    async fn append_event(&self, event: &Event) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let (events, event) = (Arc::clone(&self.events), event.clone());
        let append = move |connection: &Connection| {
            if is_stored(connection, event.id)? {
                return Ok(false);
            }
            events.write(connection, &event)?;
            Ok(true)
        };
        self.writer.run(append).await
    }

    async fn list_events(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.select_events(filter, Direction::After(after), limit).await
    }

    async fn list_latest_events(
        &self,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.select_events(filter, Direction::Before(before), limit).await
    }

    async fn relay_events(&self, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn seal_events(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn find_oldest_unsealed_event(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn find_chain(&self) -> Result<Chain, StoreError> {
        self.upgrade().await?;
        self.read(|connection| Ok(Chain { base: base(connection)?, head: head(connection)? })).await
    }

    async fn purge_events(&self, now: Timestamp, retention: &EventRetention) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let expired_at = EventClass::ALL.map(|class| (class, now.minus_secs(retention.secs(class))));
        let purge = move |connection: &Connection| {
            let mut is_full = false;
            for (class, before) in expired_at {
                is_full |= shorten(connection, class, before)? == PURGED_AT_ONCE as usize;
            }
            is_full |= remove_beginning(connection)? == PURGED_AT_ONCE as usize;
            let counted = expired_at.into_iter().find(|(class, _)| *class == EventClass::Other);
            let before = counted.map_or(0, |(_, before)| millis(before));
            let removed = connection
                .prepare_cached(
                    "DELETE FROM event_counts WHERE (minute, kind, client) IN
                     (SELECT minute, kind, client FROM event_counts WHERE minute < ?1 LIMIT ?2)",
                )?
                .execute(params![before, PURGED_AT_ONCE])?;
            Ok(is_full || removed == PURGED_AT_ONCE as usize)
        };
        self.writer.run(purge).await
    }

    async fn list_person_keys(&self, persons: &[UserId]) -> Result<Vec<(UserId, PersonKey)>, StoreError> {
        self.upgrade().await?;
        let persons = persons.to_vec();
        let query = move |connection: &Connection| {
            let mut statement = connection
                .prepare_cached("SELECT event_key FROM users WHERE id = ?1 AND event_key IS NOT NULL")?;
            let mut keys = Vec::new();
            for person in persons {
                let key = statement.query_row([person.to_string()], |row| row.get::<_, Vec<u8>>("event_key"));
                let key = key.optional()?.and_then(|key| PersonKey::from_bytes(&key));
                keys.extend(key.map(|key| (person, key)));
            }
            Ok(keys)
        };
        self.read(query).await
    }

    async fn add_event_counts(&self, _: EventId, counts: &[EventCount]) -> Result<(), StoreError> {
        self.upgrade().await?;
        let counts = counts.to_vec();
        let add = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "INSERT INTO event_counts (minute, kind, client, count) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (minute, kind, client) DO UPDATE SET count = count + excluded.count",
            )?;
            for EventCount { minute, kind, client, count } in counts {
                let client = client.as_ref().map_or("", ClientId::as_str);
                statement.execute(params![millis(minute), kind.name(), client, count as i64])?;
            }
            Ok(())
        };
        self.writer.run(add).await
    }

    async fn list_event_counts(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventCount>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT minute, kind, client, count FROM event_counts WHERE minute >= ?1 AND minute < ?2
                 ORDER BY minute, kind, client",
            )?;
            let rows = statement.query_map(params![millis(since), millis(until)], |row| {
                let number = |column| row.get::<_, i64>(column).map(|number| number.max(0) as u64);
                let (kind, client): (String, String) = (row.get("kind")?, row.get("client")?);
                Ok(EventKind::from_name(&kind).map(|kind| EventCount {
                    minute: Timestamp::from_millis(number("minute").unwrap_or(0)),
                    kind,
                    client: ClientId::parse(&client).ok(),
                    count: number("count").unwrap_or(0),
                }))
            })?;
            // A kind of a later version is not known here.
            rows.filter_map(Result::transpose).collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await
    }
}

/// Removes the records of a class that are from before an instant; their places in the chain stay.
fn shorten(connection: &Connection, class: EventClass, before: Timestamp) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE events SET record = NULL, person = NULL, client = NULL WHERE seq IN
             (SELECT seq FROM events WHERE class = ?1 AND at < ?2 AND record IS NOT NULL LIMIT ?3)",
        )?
        .execute(params![class.name(), millis(before), PURGED_AT_ONCE])
}

/// Removes a portion of the events in front of the first one that has a record.
fn remove_beginning(connection: &Connection) -> rusqlite::Result<usize> {
    let last = connection
        .prepare_cached(
            "SELECT seq, link FROM
             (SELECT seq, link, record FROM events ORDER BY seq LIMIT ?1)
             WHERE seq < coalesce((SELECT min(seq) FROM
                 (SELECT seq, record FROM events ORDER BY seq LIMIT ?1) WHERE record IS NOT NULL), ?2)
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row(params![PURGED_AT_ONCE, i64::MAX], place)
        .optional()?;
    let Some(last) = last else { return Ok(0) };
    connection
        .prepare_cached(
            "INSERT INTO event_chain_base (name, seq, link) VALUES ('base', ?1, ?2)
             ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, link = excluded.link",
        )?
        .execute(params![last.seq as i64, last.link])?;
    connection.prepare_cached("DELETE FROM events WHERE seq <= ?1")?.execute([last.seq as i64])
}
