//! The documents of deliveries and of their queues.

use mongodb::bson::{Bson, Document, doc};

use super::date;
use super::document::timestamp;
use crate::domain::{Delivery, DeliveryQueue, DeliveryState, EventId, Timestamp, WebhookId};
use crate::store::StoreError;

/// The id of the document: no id of an endpoint contains a colon.
pub(super) fn id_of(webhook: &WebhookId, event: EventId) -> String {
    format!("{webhook}:{event}")
}

pub(super) fn to_document(delivery: &Delivery) -> Result<Document, StoreError> {
    let mut document = changing(delivery)?;
    document.insert("_id", id_of(&delivery.webhook, delivery.event));
    document.insert("webhook", delivery.webhook.as_str());
    document.insert("seq", delivery.seq as i64);
    document.insert("kind", delivery.kind.as_str());
    document.insert("subject", delivery.subject.as_str());
    document.insert("created_at", date(delivery.created_at));
    Ok(document)
}

/// The members that change. One that does not wait has no `due_at`, so that the indexes of waiting deliveries do not contain it.
pub(super) fn changing(delivery: &Delivery) -> Result<Document, StoreError> {
    let attempts =
        serde_json::to_string(&delivery.attempts).map_err(|error| StoreError::Backend(error.into()))?;
    let mut document = doc! {
        "revision": delivery.revision as i64,
        "state": delivery.state.name(),
        "expires_at": date(delivery.expires_at),
        "tries": i64::from(delivery.tries),
        "attempts": attempts,
    };
    if delivery.state == DeliveryState::Waiting {
        document.insert("due_at", date(delivery.due_at));
    }
    Ok(document)
}

pub(super) fn from_document(document: &Document) -> Result<Delivery, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the delivery {:?}", document.get("_id")));
    let text = |member: &str| document.get_str(member).map_err(|_| corrupt());
    let number = |member: &str| document.get_i64(member).map_err(|_| corrupt());
    let at = |member: &str| timestamp(document, member).ok_or_else(corrupt);
    let (webhook, event) = text("_id")?.split_once(':').ok_or_else(corrupt)?;
    Ok(Delivery {
        webhook: WebhookId::parse(webhook).map_err(|_| corrupt())?,
        event: EventId::parse(event).ok_or_else(corrupt)?,
        revision: number("revision")? as u64,
        seq: number("seq")? as u64,
        kind: text("kind")?.to_owned(),
        subject: text("subject")?.to_owned(),
        state: DeliveryState::from_name(text("state")?).ok_or_else(corrupt)?,
        due_at: timestamp(document, "due_at").unwrap_or(at("created_at")?),
        created_at: at("created_at")?,
        expires_at: at("expires_at")?,
        tries: u32::try_from(number("tries")?).map_err(|_| corrupt())?,
        attempts: serde_json::from_str(text("attempts")?).map_err(|_| corrupt())?,
    })
}

pub(super) fn queue_to_document(queue: &DeliveryQueue) -> Document {
    let mut document = doc! {
        "_id": queue.webhook.as_str(),
        "revision": queue.revision as i64,
        "rest_until": date(queue.rest_until),
        "leased_until": date(queue.leased_until),
        "lease": queue.lease as i64,
        "failures": i64::from(queue.failures),
    };
    document.extend(queue.due_at.map(|at| ("due_at".to_owned(), Bson::DateTime(date(at)))));
    document
}

/// The members that a queue lacks until an instance has worked on it have the value of a new queue.
pub(super) fn queue_from_document(document: &Document) -> Result<DeliveryQueue, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the queue {:?}", document.get("_id")));
    let webhook = document.get_str("_id").ok().and_then(|id| WebhookId::parse(id).ok());
    let number = |member: &str| document.get_i64(member).unwrap_or(0);
    let until = |member: &str| timestamp(document, member).unwrap_or(Timestamp::from_secs(0));
    Ok(DeliveryQueue {
        revision: document.get_i64("revision").map_err(|_| corrupt())? as u64,
        due_at: timestamp(document, "due_at"),
        rest_until: until("rest_until"),
        leased_until: until("leased_until"),
        lease: number("lease") as u64,
        failures: u32::try_from(number("failures")).unwrap_or(u32::MAX),
        webhook: webhook.ok_or_else(corrupt)?,
    })
}

/// The change that makes the queue of an endpoint due at `due_at`, unless it is due earlier.
pub(super) fn wake(due_at: Timestamp) -> Document {
    doc! { "$inc": { "revision": 1_i64 }, "$min": { "due_at": date(due_at) } }
}
