//! Removes events that have expired: first their records, then the beginning of the chain.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::collections::{CollectionSpec, EVENT_CHAIN, EVENT_COUNTS, EVENTS};
use super::connection::ReadFrom;
use super::event_chain::{BASE, head_of};
use super::events::bytes;
use super::removal::{PURGED_AT_ONCE, portion_of_ids};
use super::{Mongo, date, is_duplicate, within_deadline};
use crate::domain::{EventClass, EventRetention, Timestamp};
use crate::event_record::ChainHead;
use crate::store::StoreError;

impl Mongo {
    /// Removes a portion of what has expired by `now`. True if there may be more.
    pub(super) async fn purge_expired_events(
        &self,
        now: Timestamp,
        retention: &EventRetention,
    ) -> Result<bool, StoreError> {
        let mut is_full = false;
        for class in EventClass::ALL {
            let before = now.minus_secs(retention.secs(class));
            is_full |= self.shorten_events(class, before).await?;
        }
        is_full |= self.remove_chain_beginning().await?;
        let old = doc! { "minute": { "$lt": date(now.minus_secs(retention.secs(EventClass::Other))) } };
        let counted = self.ids_of(&EVENT_COUNTS, old, doc! { "minute": 1 }).await?;
        let of_them = doc! { "_id": { "$in": counted.clone() } };
        within_deadline(async { self.collection(&EVENT_COUNTS).await?.delete_many(of_them).await }).await?;
        Ok(is_full || counted.len() as i64 == PURGED_AT_ONCE)
    }

    /// Removes the records of a class that are from before an instant; their places in the chain stay.
    async fn shorten_events(&self, class: EventClass, before: Timestamp) -> Result<bool, StoreError> {
        let expired = doc! {
            "class": class.name(), "at": { "$lt": date(before) },
            "record": { "$exists": true }, "seq": { "$gt": 0_i64 },
        };
        let ids = self.ids_of(&EVENTS, expired, doc! { "at": 1 }).await?;
        let is_full = ids.len() as i64 == PURGED_AT_ONCE;
        if !ids.is_empty() {
            let (filter, members) =
                (doc! { "_id": { "$in": ids } }, doc! { "record": "", "person": "", "client": "" });
            let change = doc! { "$unset": members };
            within_deadline(async { self.collection(&EVENTS).await?.update_many(filter, change).await })
                .await?;
        }
        Ok(is_full)
    }

    /// Removes a portion of the events in front of the first one that has a record.
    async fn remove_chain_beginning(&self) -> Result<bool, StoreError> {
        let chain = self.chain().await?;
        let sealed = doc! { "seq": { "$gt": 0_i64, "$lte": chain.head.seq as i64 } };
        let first = within_deadline(async {
            let events = self.connection().await?.collection(&EVENTS, ReadFrom::Primary);
            let first = events
                .find(sealed)
                .sort(doc! { "seq": 1 })
                .projection(doc! { "seq": 1, "link": 1, "has_record": { "$gt": ["$record", Bson::Null] } })
                .limit(PURGED_AT_ONCE);
            first.await?.try_collect::<Vec<Document>>().await
        });
        let first = first.await?;
        let Some(last) = last_expired(&first, chain.base)? else { return Ok(false) };
        self.move_base(last).await?;
        let removed = doc! { "seq": { "$gt": 0_i64, "$lte": last.seq as i64 } };
        within_deadline(async { self.collection(&EVENTS).await?.delete_many(removed).await }).await?;
        Ok(first.len() as i64 == PURGED_AT_ONCE)
    }

    /// Makes `base` the base of the chain, unless a later one is it already.
    async fn move_base(&self, base: ChainHead) -> Result<(), StoreError> {
        let earlier = doc! { "_id": BASE, "seq": { "$lt": base.seq as i64 } };
        let change = doc! { "$set": { "seq": base.seq as i64, "link": bytes(base.link) } };
        within_deadline(async {
            match self.collection(&EVENT_CHAIN).await?.update_one(earlier, change).upsert(true).await {
                Err(error) if is_duplicate(&error) => Ok(()),
                other => other.map(|_| ()),
            }
        })
        .await
    }

    /// The ids of a portion of the documents that match, in this order.
    pub(super) async fn ids_of(
        &self,
        of: &CollectionSpec,
        filter: Document,
        sort: Document,
    ) -> Result<Vec<Bson>, StoreError> {
        within_deadline(async { portion_of_ids(&self.collection(of).await?, filter, sort).await }).await
    }
}

/// The last of the first events that can be removed: those in front of the first record, without a gap behind the base.
fn last_expired(first: &[Document], base: ChainHead) -> Result<Option<ChainHead>, StoreError> {
    let mut last = None;
    let mut next_seq = base.seq + 1;
    for event in first {
        let place = head_of(event, "seq", "link")?;
        // A purge that was cut off has left the events in front of the base.
        if place.seq > next_seq || event.get_bool("has_record").unwrap_or(true) {
            break;
        }
        next_seq = next_seq.max(place.seq + 1);
        last = Some(place);
    }
    Ok(last)
}
