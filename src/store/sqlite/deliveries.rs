//! The verbs of [`Deliveries`] on SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::delivery_rows::{COLUMNS, DeliveryRow, millis, queue, with_id};
use crate::domain::{Delivery, DeliveryQueue, DeliveryState, EventId, Timestamp, WebhookId};
use crate::store::{Deliveries, StoreError};

/// Rows that one write removes: some milliseconds.
const REMOVED_AT_ONCE: usize = 1000;

#[async_trait]
impl Deliveries for Sqlite {
    async fn find_delivery_cursor(&self) -> Result<Option<u64>, StoreError> {
        self.upgrade().await?;
        self.read(cursor).await
    }

    async fn create_deliveries_if(
        &self,
        seen: Option<u64>,
        to: u64,
        deliveries: &[Delivery],
    ) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let rows = rows(deliveries)?;
        let create = move |connection: &Connection| {
            if cursor(connection)? != seen {
                return Ok(false);
            }
            for row in rows {
                if row.insert(connection, false)? == 1 {
                    row.wake(connection)?;
                }
            }
            connection
                .prepare_cached(
                    "INSERT INTO webhook_cursor (name, seq) VALUES ('cursor', ?1)
                     ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
                )?
                .execute([to as i64])?;
            Ok(true)
        };
        self.writer.run(create).await
    }

    async fn record_deliveries(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        self.upgrade().await?;
        let rows = rows(deliveries)?;
        let record = move |connection: &Connection| {
            for row in rows {
                row.insert(connection, true)?;
                row.wake(connection)?;
            }
            Ok(())
        };
        self.writer.run(record).await
    }

    async fn list_due_queues(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryQueue>, StoreError> {
        self.upgrade().await?;
        let query = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM webhook_queues WHERE due_at <= ?1 AND rest_until <= ?1 AND leased_until <= ?1
                     ORDER BY due_at LIMIT ?2",
                )?
                .query_map(params![millis(now), limit as i64], queue)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        self.read(query).await?.into_iter().map(with_id).collect()
    }

    async fn find_delivery_queue(&self, webhook: &WebhookId) -> Result<Option<DeliveryQueue>, StoreError> {
        self.upgrade().await?;
        let webhook = webhook.to_string();
        let query = move |connection: &Connection| {
            connection
                .prepare_cached("SELECT * FROM webhook_queues WHERE webhook = ?1")?
                .query_row([webhook], queue)
                .optional()
        };
        self.read(query).await?.map(with_id).transpose()
    }

    async fn replace_delivery_queue_if(&self, seen: u64, queue: &DeliveryQueue) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let queue = queue.clone();
        let replace = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "UPDATE webhook_queues SET revision = ?2, due_at = ?3, rest_until = ?4, leased_until = ?5,
                     lease = ?6, failures = ?7 WHERE webhook = ?1 AND revision = ?8",
                )?
                .execute(params![
                    queue.webhook.as_str(),
                    queue.revision as i64,
                    queue.due_at.map(millis),
                    millis(queue.rest_until),
                    millis(queue.leased_until),
                    queue.lease as i64,
                    queue.failures,
                    seen as i64
                ])
        };
        Ok(self.writer.run(replace).await? == 1)
    }

    async fn list_due_deliveries(
        &self,
        webhook: &WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (webhook, now) = (webhook.to_string(), millis(now));
        self.select_deliveries(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook = ?1 AND due_at <= ?2
                     ORDER BY due_at, seq LIMIT ?3"
                ))?
                .query_map(params![webhook, now, limit as i64], DeliveryRow::read)?
                .collect()
        })
        .await
    }

    async fn list_first_deliveries(
        &self,
        webhook: &WebhookId,
        subjects: &[String],
    ) -> Result<Vec<Delivery>, StoreError> {
        let (webhook, subjects) = (webhook.to_string(), subjects.to_vec());
        self.select_deliveries(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook = ?1 AND subject = ?2 AND due_at IS NOT NULL
                 ORDER BY seq LIMIT 1"
            ))?;
            let mut first = Vec::new();
            for subject in subjects {
                first.extend(statement.query_row(params![webhook, subject], DeliveryRow::read).optional()?);
            }
            Ok(first)
        })
        .await
    }

    async fn list_held_deliveries(
        &self,
        webhook: &WebhookId,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let webhook = webhook.to_string();
        self.select_deliveries(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook = ?1 AND due_at = ?2 ORDER BY seq LIMIT ?3"
                ))?
                .query_map(params![webhook, millis(Delivery::HELD), limit as i64], DeliveryRow::read)?
                .collect()
        })
        .await
    }

    async fn replace_delivery_if(&self, seen: u64, delivery: &Delivery) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let row = DeliveryRow::of(delivery)?;
        let next_due_at = (delivery.state != DeliveryState::Waiting).then_some(delivery.due_at);
        let replace = move |connection: &Connection| {
            let is_replaced = row.replace_if(connection, seen as i64)? == 1;
            if let Some(due_at) = next_due_at.filter(|_| is_replaced) {
                row.release_next(connection, due_at)?;
            }
            Ok(is_replaced)
        };
        self.writer.run(replace).await
    }

    async fn record_held_deliveries(
        &self,
        webhook: &WebhookId,
        events: &[EventId],
    ) -> Result<(), StoreError> {
        self.upgrade().await?;
        let (webhook, events) = (webhook.to_string(), events.to_vec());
        let hold = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE webhook_deliveries SET revision = revision + 1, due_at = ?3
                 WHERE webhook = ?1 AND event = ?2 AND due_at IS NOT NULL",
            )?;
            for event in events {
                statement.execute(params![webhook, event.as_bytes(), millis(Delivery::HELD)])?;
            }
            Ok(())
        };
        self.writer.run(hold).await
    }

    async fn find_delivery(
        &self,
        webhook: &WebhookId,
        event: EventId,
    ) -> Result<Option<Delivery>, StoreError> {
        let webhook = webhook.to_string();
        let found = self.select_deliveries(move |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook = ?1 AND event = ?2"
                ))?
                .query_map(params![webhook, event.as_bytes()], DeliveryRow::read)?
                .collect()
        });
        Ok(found.await?.pop())
    }

    async fn list_deliveries(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let webhook = webhook.to_string();
        let before = before.map_or(i64::MAX, |before| before as i64);
        self.select_deliveries(move |connection| {
            let of_state = if state.is_some() { "AND state = ?4" } else { "AND ?4 IS NULL" };
            connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM webhook_deliveries WHERE webhook = ?1 AND seq < ?2 {of_state}
                     ORDER BY seq DESC LIMIT ?3"
                ))?
                .query_map(
                    params![webhook, before, limit as i64, state.map(DeliveryState::name)],
                    DeliveryRow::read,
                )?
                .collect()
        })
        .await
    }

    async fn delete_deliveries(&self, webhook: &WebhookId) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let webhook = webhook.to_string();
        let delete = move |connection: &Connection| {
            let removed = connection
                .prepare_cached(
                    "DELETE FROM webhook_deliveries WHERE (webhook, event) IN
                     (SELECT webhook, event FROM webhook_deliveries WHERE webhook = ?1 LIMIT ?2)",
                )?
                .execute(params![webhook, REMOVED_AT_ONCE as i64])?;
            if removed < REMOVED_AT_ONCE {
                connection
                    .prepare_cached("DELETE FROM webhook_queues WHERE webhook = ?1")?
                    .execute([webhook])?;
            }
            Ok(removed == REMOVED_AT_ONCE)
        };
        self.writer.run(delete).await
    }

    async fn purge_deliveries(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.upgrade().await?;
        let purge = move |connection: &Connection| {
            connection
                .prepare_cached(
                    "DELETE FROM webhook_deliveries WHERE (webhook, event) IN
                     (SELECT webhook, event FROM webhook_deliveries WHERE expires_at < ?1 LIMIT ?2)",
                )?
                .execute(params![millis(now), REMOVED_AT_ONCE as i64])
        };
        Ok(self.writer.run(purge).await? == REMOVED_AT_ONCE)
    }
}

impl Sqlite {
    async fn select_deliveries(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<Vec<DeliveryRow>> + Send + 'static,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.upgrade().await?;
        self.read(query).await?.into_iter().map(DeliveryRow::into_delivery).collect()
    }
}

fn rows(deliveries: &[Delivery]) -> Result<Vec<DeliveryRow>, StoreError> {
    deliveries.iter().map(DeliveryRow::of).collect()
}

/// The cursor; `None` before the first delivery.
fn cursor(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT seq FROM webhook_cursor WHERE name = 'cursor'")?
        .query_row([], |row| row.get::<_, i64>("seq"))
        .optional()
        .map(|seq| seq.map(|seq| seq.max(0) as u64))
}
