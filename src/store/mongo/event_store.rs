//! The verbs of [`Events`] on MongoDB.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::collections::{EVENT_COUNTS, EVENTS, USER_STATES};
use super::connection::ReadFrom;
use super::document::{date, object_id, timestamp};
use super::event_chain::digest_in;
use super::events::{EVENT_KEY, key_of, uuid};
use super::{Mongo, is_duplicate, within_deadline};
use crate::domain::{ClientId, Event, EventId, EventKind, EventRetention, Timestamp, UserId};
use crate::event_record::{PersonKey, RecordDigest};
use crate::store::{Chain, EventCount, EventFilter, Events, StoreError, StoredEvent};

#[async_trait]
impl Events for Mongo {
    async fn append_event(&self, event: &Event) -> Result<bool, StoreError> {
        let Some(kept) = self.kept(event).await? else { return Ok(true) };
        let document = kept.into_document();
        within_deadline(async {
            match self.collection(&EVENTS).await?.insert_one(document).await {
                Err(error) if is_duplicate(&error) => Ok(false),
                other => other.map(|_| true),
            }
        })
        .await
    }

    async fn list_events(
        &self,
        filter: &EventFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let head = self.chain().await?.head.seq;
        let between = doc! { "$gt": after as i64, "$lte": head as i64 };
        self.find_events(filter, between, 1, limit).await
    }

    async fn list_latest_events(
        &self,
        filter: &EventFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let head = self.chain().await?.head.seq;
        let last = before.map_or(head, |before| head.min(before.saturating_sub(1)));
        self.find_events(filter, doc! { "$gt": 0_i64, "$lte": last as i64 }, -1, limit).await
    }

    async fn relay_events(&self, now: Timestamp) -> Result<bool, StoreError> {
        let more_intents = self.settle_intents(now).await?;
        Ok(self.move_pending_events().await? || more_intents)
    }

    async fn seal_events(&self) -> Result<bool, StoreError> {
        self.seal_block().await
    }

    async fn find_oldest_unsealed_event(&self) -> Result<Option<Timestamp>, StoreError> {
        let oldest = within_deadline(async {
            let events = self.collection(&EVENTS).await?;
            events.find_one(doc! { "seq": Bson::Null }).sort(doc! { "at": 1, "_id": 1 }).await
        });
        Ok(oldest.await?.as_ref().and_then(|event| timestamp(event, "at")))
    }

    async fn find_chain(&self) -> Result<Chain, StoreError> {
        self.chain().await
    }

    async fn purge_events(&self, now: Timestamp, retention: &EventRetention) -> Result<bool, StoreError> {
        self.purge_expired_events(now, retention).await
    }

    async fn list_person_keys(&self, persons: &[UserId]) -> Result<Vec<(UserId, PersonKey)>, StoreError> {
        let ids: Vec<_> = persons.iter().map(|person| object_id(*person)).collect();
        let filter = doc! { "_id": { "$in": ids }, EVENT_KEY: { "$exists": true } };
        let found = within_deadline(async {
            let states = self.connection().await?.collection(&USER_STATES, ReadFrom::Primary);
            let found = states.find(filter).projection(doc! { EVENT_KEY: 1 }).await?;
            found.try_collect::<Vec<Document>>().await
        });
        let keys = found.await?.into_iter().filter_map(|state| {
            Some((UserId::from_bytes(state.get_object_id("_id").ok()?.bytes()), key_of(&state)?))
        });
        Ok(keys.collect())
    }

    async fn add_event_counts(&self, batch: EventId, counts: &[EventCount]) -> Result<(), StoreError> {
        let Some(minute) = counts.first().map(|count| date(count.minute)) else { return Ok(()) };
        let counts: Vec<_> = counts.iter().map(count_to_document).collect();
        let document = doc! { "_id": uuid(batch), "minute": minute, "counts": counts };
        within_deadline(async {
            match self.collection(&EVENT_COUNTS).await?.insert_one(document).await {
                Err(error) if is_duplicate(&error) => Ok(()),
                other => other.map(|_| ()),
            }
        })
        .await
    }

    async fn list_event_counts(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EventCount>, StoreError> {
        let filter = doc! { "minute": { "$gte": date(since), "$lt": date(until) } };
        let found = within_deadline(async {
            let counts = self.collection(&EVENT_COUNTS).await?;
            counts.find(filter).await?.try_collect::<Vec<Document>>().await
        });
        let mut sums = BTreeMap::<(Timestamp, String, String), u64>::new();
        for batch in found.await? {
            for (key, count) in counts_of(&batch) {
                let sum = sums.entry(key).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        // A kind of a later version is not known here.
        let known = |((minute, kind, client), count): ((Timestamp, String, String), u64)| {
            let (kind, client) = (EventKind::from_name(&kind)?, ClientId::parse(&client).ok());
            Some(EventCount { minute, kind, client, count })
        };
        Ok(sums.into_iter().filter_map(known).collect())
    }
}

impl Mongo {
    /// The events with these numbers that match, in ascending (1) or descending (-1) order.
    async fn find_events(
        &self,
        filter: &EventFilter,
        seq: Document,
        order: i32,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut query = doc! { "seq": seq };
        query.extend(conditions(filter));
        let found = within_deadline(async {
            let events = self.connection().await?.collection(&EVENTS, ReadFrom::Primary);
            let found = events.find(query).sort(doc! { "seq": order }).limit(limit as i64).await?;
            found.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(stored).collect()
    }
}

/// What a filter asks of a document.
fn conditions(filter: &EventFilter) -> Document {
    let mut conditions = Document::new();
    if filter.is_empty() {
        return conditions;
    }
    conditions.insert("record", doc! { "$exists": true });
    let mut at = Document::new();
    at.extend(filter.since.map(|since| ("$gte".to_owned(), date(since).into())));
    at.extend(filter.until.map(|until| ("$lt".to_owned(), date(until).into())));
    if !at.is_empty() {
        conditions.insert("at", at);
    }
    if !filter.kinds.is_empty() {
        let names: Vec<_> = filter.kinds.iter().map(|kind| kind.name()).collect();
        conditions.insert("kind", doc! { "$in": names });
    }
    conditions.extend(filter.user.map(|user| ("person".to_owned(), user.to_string().into())));
    conditions.extend(filter.client.as_ref().map(|client| ("client".to_owned(), client.as_str().into())));
    conditions
}

fn stored(document: &Document) -> Result<StoredEvent, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("the event {:?}", document.get("_id")));
    let id = match document.get("_id") {
        Some(Bson::Binary(id)) => id.bytes.as_slice().try_into().ok(),
        _ => None,
    };
    let seq = document.get_i64("seq").ok().and_then(|seq| u64::try_from(seq).ok());
    Ok(StoredEvent {
        seq: seq.ok_or_else(corrupt)?,
        id: id.map(EventId::from_bytes).ok_or_else(corrupt)?,
        at: timestamp(document, "at").ok_or_else(corrupt)?,
        kind: document.get_str("kind").map_err(|_| corrupt())?.to_owned(),
        record: document.get_str("record").ok().map(ToOwned::to_owned),
        digest: RecordDigest(digest_in(document, "digest").ok_or_else(corrupt)?),
        link: digest_in(document, "link").ok_or_else(corrupt)?,
    })
}

fn count_to_document(EventCount { kind, client, count, .. }: &EventCount) -> Document {
    let client = client.as_ref().map_or("", ClientId::as_str);
    doc! { "kind": kind.name(), "client": client, "count": *count as i64 }
}

/// The counts of a batch, by minute, kind and client.
fn counts_of(batch: &Document) -> Vec<((Timestamp, String, String), u64)> {
    let minute = timestamp(batch, "minute");
    let counts = batch.get_array("counts").into_iter().flatten().filter_map(Bson::as_document);
    let read = |count: &Document| {
        let text = |member: &str| count.get_str(member).ok().map(ToOwned::to_owned);
        let number = count.get_i64("count").ok().and_then(|count| u64::try_from(count).ok())?;
        Some(((minute?, text("kind")?, text("client")?), number))
    };
    counts.filter_map(read).collect()
}
