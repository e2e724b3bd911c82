//! The rows of deliveries and of their queues.

use rusqlite::{Connection, Row, params};

use super::json::{from_json, to_json};
use crate::domain::{Delivery, DeliveryQueue, DeliveryState, EventId, Timestamp, WebhookId};
use crate::store::StoreError;

/// The columns of a delivery, in the order of [`DeliveryRow`].
pub(super) const COLUMNS: &str =
    "webhook, event, revision, seq, kind, subject, state, due_at, created_at, expires_at, tries, attempts";

/// A delivery as SQLite has it.
#[derive(Clone)]
pub(super) struct DeliveryRow {
    webhook: String,
    event: [u8; 16],
    revision: i64,
    seq: i64,
    kind: String,
    subject: String,
    state: String,
    due_at: Option<i64>,
    created_at: i64,
    expires_at: i64,
    tries: u32,
    attempts: String,
}

impl DeliveryRow {
    pub(super) fn of(delivery: &Delivery) -> Result<Self, StoreError> {
        let waits = delivery.state == DeliveryState::Waiting;
        Ok(Self {
            webhook: delivery.webhook.to_string(),
            event: *delivery.event.as_bytes(),
            revision: delivery.revision as i64,
            seq: delivery.seq as i64,
            kind: delivery.kind.clone(),
            subject: delivery.subject.clone(),
            state: delivery.state.name().to_owned(),
            due_at: waits.then(|| millis(delivery.due_at)),
            created_at: millis(delivery.created_at),
            expires_at: millis(delivery.expires_at),
            tries: delivery.tries,
            attempts: to_json(&delivery.attempts)?,
        })
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            webhook: row.get("webhook")?,
            event: row.get("event")?,
            revision: row.get("revision")?,
            seq: row.get("seq")?,
            kind: row.get("kind")?,
            subject: row.get("subject")?,
            state: row.get("state")?,
            due_at: row.get("due_at")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            tries: row.get("tries")?,
            attempts: row.get("attempts")?,
        })
    }

    pub(super) fn into_delivery(self) -> Result<Delivery, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("the {what} of a delivery"));
        Ok(Delivery {
            webhook: WebhookId::parse(&self.webhook).map_err(|_| corrupt("endpoint"))?,
            event: EventId::from_bytes(self.event),
            revision: self.revision as u64,
            seq: self.seq as u64,
            kind: self.kind,
            subject: self.subject,
            state: DeliveryState::from_name(&self.state).ok_or_else(|| corrupt("state"))?,
            due_at: instant(self.due_at.unwrap_or(self.created_at)),
            created_at: instant(self.created_at),
            expires_at: instant(self.expires_at),
            tries: self.tries,
            attempts: from_json(&self.attempts)?,
        })
    }

    /// Adds the row, if `or_replace` also in the place of another one. Returns how many rows were written.
    pub(super) fn insert(&self, connection: &Connection, or_replace: bool) -> rusqlite::Result<usize> {
        let conflict = if or_replace { "REPLACE" } else { "IGNORE" };
        connection
            .prepare_cached(&format!(
                "INSERT OR {conflict} INTO webhook_deliveries ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
            ))?
            .execute(params![
                self.webhook,
                self.event,
                self.revision,
                self.seq,
                self.kind,
                self.subject,
                self.state,
                self.due_at,
                self.created_at,
                self.expires_at,
                self.tries,
                self.attempts
            ])
    }

    /// Writes what changes of a delivery, if its revision is `seen`.
    pub(super) fn replace_if(&self, connection: &Connection, seen: i64) -> rusqlite::Result<usize> {
        connection
            .prepare_cached(
                "UPDATE webhook_deliveries SET revision = ?4, state = ?5, due_at = ?6, expires_at = ?7, tries = ?8,
                 attempts = ?9 WHERE webhook = ?1 AND event = ?2 AND revision = ?3",
            )?
            .execute(params![
                self.webhook,
                self.event,
                seen,
                self.revision,
                self.state,
                self.due_at,
                self.expires_at,
                self.tries,
                self.attempts
            ])
    }

    /// Makes the next waiting delivery of the same subject due, if it is held.
    pub(super) fn release_next(&self, connection: &Connection, due_at: Timestamp) -> rusqlite::Result<usize> {
        connection
            .prepare_cached(
                "UPDATE webhook_deliveries SET revision = revision + 1, due_at = ?4
                 WHERE webhook = ?1 AND due_at = ?5 AND event =
                 (SELECT event FROM webhook_deliveries WHERE webhook = ?1 AND subject = ?2 AND seq > ?3
                  AND due_at IS NOT NULL ORDER BY seq LIMIT 1)",
            )?
            .execute(params![self.webhook, self.subject, self.seq, millis(due_at), millis(Delivery::HELD)])
    }

    /// Makes the queue of the delivery due when the delivery is due, unless it is due earlier.
    pub(super) fn wake(&self, connection: &Connection) -> rusqlite::Result<usize> {
        connection
            .prepare_cached(
                "INSERT INTO webhook_queues (webhook, revision, due_at, rest_until, leased_until, lease, failures)
                 VALUES (?1, 1, ?2, 0, 0, 0, 0) ON CONFLICT (webhook) DO UPDATE
                 SET revision = revision + 1, due_at = min(coalesce(due_at, excluded.due_at), excluded.due_at)",
            )?
            .execute(params![self.webhook, self.due_at.unwrap_or(self.created_at)])
    }
}

/// The columns of a queue.
pub(super) fn queue(row: &Row<'_>) -> rusqlite::Result<(String, DeliveryQueue)> {
    let until = |column| row.get::<_, i64>(column).map(instant);
    let webhook: String = row.get("webhook")?;
    let queue = DeliveryQueue {
        revision: row.get::<_, i64>("revision")? as u64,
        due_at: row.get::<_, Option<i64>>("due_at")?.map(instant),
        rest_until: until("rest_until")?,
        leased_until: until("leased_until")?,
        lease: row.get::<_, i64>("lease")? as u64,
        failures: row.get("failures")?,
        ..DeliveryQueue::new(WebhookId::from_random([0; 8]))
    };
    Ok((webhook, queue))
}

pub(super) fn with_id((webhook, queue): (String, DeliveryQueue)) -> Result<DeliveryQueue, StoreError> {
    let corrupt = |_| StoreError::Corrupt("the endpoint of a queue".to_owned());
    Ok(DeliveryQueue { webhook: WebhookId::parse(&webhook).map_err(corrupt)?, ..queue })
}

pub(super) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis.max(0) as u64)
}
