//! The verbs of [`Deliveries`] on MongoDB.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::collections::{CollectionSpec, WEBHOOK_CURSOR, WEBHOOK_DELIVERIES, WEBHOOK_QUEUES};
use super::connection::ReadFrom;
use super::delivery_documents::{
    changing, from_document, id_of, queue_from_document, queue_to_document, to_document, wake,
};
use super::errors::has_only_duplicates;
use super::{Mongo, date, in_time, is_duplicate, within_deadline};
use crate::domain::{Delivery, DeliveryQueue, DeliveryState, EventId, Timestamp, WebhookId};
use crate::store::{Deliveries, StoreError};

/// The id of the only document of the cursor.
const CURSOR: &str = "cursor";
/// Documents that one removal removes.
const REMOVED_AT_ONCE: i64 = 1000;

#[async_trait]
impl Deliveries for Mongo {
    async fn find_delivery_cursor(&self) -> Result<Option<u64>, StoreError> {
        let found = self.find_one(&WEBHOOK_CURSOR, ReadFrom::Primary, doc! { "_id": CURSOR }).await?;
        let corrupt = |_| StoreError::Corrupt("the cursor of deliveries".to_owned());
        found.map(|cursor| cursor.get_i64("seq").map(|seq| seq as u64).map_err(corrupt)).transpose()
    }

    /// First the deliveries, then the cursor: after a crash between the two, they are added again, which changes nothing.
    async fn create_deliveries_if(
        &self,
        seen: Option<u64>,
        cursor: u64,
        deliveries: &[Delivery],
    ) -> Result<bool, StoreError> {
        in_time(async {
            self.insert_deliveries(deliveries).await?;
            self.wake_queues(deliveries).await?;
            self.move_cursor(seen, cursor).await
        })
        .await
    }

    async fn record_deliveries(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        for delivery in deliveries {
            let document = to_document(delivery)?;
            let id = doc! { "_id": id_of(&delivery.webhook, delivery.event) };
            within_deadline(async {
                self.collection(&WEBHOOK_DELIVERIES).await?.replace_one(id, document).upsert(true).await
            })
            .await?;
        }
        self.wake_queues(deliveries).await
    }

    async fn list_due_queues(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryQueue>, StoreError> {
        // A queue that was only woken has neither instant.
        let over = |member: &str| doc! { member: { "$not": { "$gt": date(now) } } };
        let due = doc! { "due_at": { "$lte": date(now) } };
        let filter = doc! { "$and": [due, over("rest_until"), over("leased_until")] };
        let found = self.select(&WEBHOOK_QUEUES, filter, doc! { "due_at": 1 }, limit).await?;
        found.iter().map(queue_from_document).collect()
    }

    async fn find_delivery_queue(&self, webhook: &WebhookId) -> Result<Option<DeliveryQueue>, StoreError> {
        let id = doc! { "_id": webhook.as_str() };
        let found = self.find_one(&WEBHOOK_QUEUES, ReadFrom::Primary, id).await?;
        found.as_ref().map(queue_from_document).transpose()
    }

    async fn replace_delivery_queue_if(&self, seen: u64, queue: &DeliveryQueue) -> Result<bool, StoreError> {
        let document = queue_to_document(queue);
        let filter = doc! { "_id": queue.webhook.as_str(), "revision": seen as i64 };
        within_deadline(async {
            let queues = self.collection(&WEBHOOK_QUEUES).await?;
            Ok(queues.replace_one(filter, document).await?.matched_count == 1)
        })
        .await
    }

    async fn list_due_deliveries(
        &self,
        webhook: &WebhookId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let due = doc! { "webhook": webhook.as_str(), "due_at": { "$lte": date(now) } };
        let found = self.select(&WEBHOOK_DELIVERIES, due, doc! { "due_at": 1, "seq": 1 }, limit).await?;
        found.iter().map(from_document).collect()
    }

    async fn list_first_deliveries(
        &self,
        webhook: &WebhookId,
        subjects: &[String],
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut first = Vec::new();
        for subject in subjects {
            let waiting = doc! {
                "webhook": webhook.as_str(), "subject": subject, "due_at": { "$exists": true },
            };
            let found = self.select(&WEBHOOK_DELIVERIES, waiting, doc! { "seq": 1 }, 1).await?;
            first.extend(found.first().map(from_document).transpose()?);
        }
        Ok(first)
    }

    async fn list_held_deliveries(
        &self,
        webhook: &WebhookId,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let held = doc! { "webhook": webhook.as_str(), "due_at": date(Delivery::HELD) };
        let found = self.select(&WEBHOOK_DELIVERIES, held, doc! { "seq": 1 }, limit).await?;
        found.iter().map(from_document).collect()
    }

    /// First the next one, then the delivery: after a crash between the two, the next one is held again when it is found.
    async fn replace_delivery_if(&self, seen: u64, delivery: &Delivery) -> Result<bool, StoreError> {
        let filter = doc! { "_id": id_of(&delivery.webhook, delivery.event), "revision": seen as i64 };
        let mut change = doc! { "$set": changing(delivery)? };
        if delivery.state != DeliveryState::Waiting {
            change.insert("$unset", doc! { "due_at": "" });
            self.release_next(delivery).await?;
        }
        within_deadline(async {
            let deliveries = self.collection(&WEBHOOK_DELIVERIES).await?;
            Ok(deliveries.update_one(filter, change).await?.matched_count == 1)
        })
        .await
    }

    async fn record_held_deliveries(
        &self,
        webhook: &WebhookId,
        events: &[EventId],
    ) -> Result<(), StoreError> {
        let ids: Vec<_> = events.iter().map(|event| id_of(webhook, *event)).collect();
        let waiting = doc! { "_id": { "$in": ids }, "due_at": { "$exists": true } };
        let change = doc! { "$set": { "due_at": date(Delivery::HELD) }, "$inc": { "revision": 1_i64 } };
        within_deadline(async {
            self.collection(&WEBHOOK_DELIVERIES).await?.update_many(waiting, change).await.map(|_| ())
        })
        .await
    }

    async fn find_delivery(
        &self,
        webhook: &WebhookId,
        event: EventId,
    ) -> Result<Option<Delivery>, StoreError> {
        let id = doc! { "_id": id_of(webhook, event) };
        let found = self.find_one(&WEBHOOK_DELIVERIES, ReadFrom::Primary, id).await?;
        found.as_ref().map(from_document).transpose()
    }

    async fn list_deliveries(
        &self,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut filter = doc! { "webhook": webhook.as_str() };
        filter.extend(state.map(|state| ("state".to_owned(), Bson::from(state.name()))));
        filter.extend(before.map(|before| ("seq".to_owned(), Bson::from(doc! { "$lt": before as i64 }))));
        let found = self.select(&WEBHOOK_DELIVERIES, filter, doc! { "seq": -1 }, limit).await?;
        found.iter().map(from_document).collect()
    }

    async fn delete_deliveries(&self, webhook: &WebhookId) -> Result<bool, StoreError> {
        let of_webhook = doc! { "webhook": webhook.as_str() };
        let found =
            self.select(&WEBHOOK_DELIVERIES, of_webhook, doc! { "seq": 1 }, REMOVED_AT_ONCE as usize).await?;
        let ids: Vec<_> = found.iter().filter_map(|document| document.get("_id").cloned()).collect();
        let is_full = ids.len() as i64 == REMOVED_AT_ONCE;
        within_deadline(async {
            self.collection(&WEBHOOK_DELIVERIES).await?.delete_many(doc! { "_id": { "$in": ids } }).await?;
            if !is_full {
                self.collection(&WEBHOOK_QUEUES).await?.delete_one(doc! { "_id": webhook.as_str() }).await?;
            }
            Ok(is_full)
        })
        .await
    }

    async fn purge_deliveries(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.purge(&WEBHOOK_DELIVERIES, doc! { "expires_at": { "$lt": date(now) } }).await
    }
}

impl Mongo {
    async fn select(
        &self,
        of: &CollectionSpec,
        filter: Document,
        order: Document,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError> {
        if limit == 0 {
            // For MongoDB, a limit of 0 is no limit.
            return Ok(Vec::new());
        }
        within_deadline(async {
            let collection = self.connection().await?.collection(of, ReadFrom::Primary);
            collection
                .find(filter)
                .sort(order)
                .limit(limit as i64)
                .await?
                .try_collect::<Vec<Document>>()
                .await
        })
        .await
    }

    /// Makes the next waiting delivery of the same subject due, if it is held.
    async fn release_next(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let behind = doc! {
            "webhook": delivery.webhook.as_str(), "subject": &delivery.subject,
            "due_at": { "$exists": true }, "seq": { "$gt": delivery.seq as i64 },
        };
        let next = self.select(&WEBHOOK_DELIVERIES, behind, doc! { "seq": 1 }, 1).await?;
        let Some(next) = next.first().map(from_document).transpose()?.filter(Delivery::is_held) else {
            return Ok(());
        };
        let held = doc! { "_id": id_of(&next.webhook, next.event), "due_at": date(Delivery::HELD) };
        let change = doc! { "$set": { "due_at": date(delivery.due_at) }, "$inc": { "revision": 1_i64 } };
        within_deadline(async {
            self.collection(&WEBHOOK_DELIVERIES).await?.update_one(held, change).await.map(|_| ())
        })
        .await
    }

    /// Adds the deliveries that are not there yet.
    async fn insert_deliveries(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let documents = deliveries.iter().map(to_document).collect::<Result<Vec<_>, _>>()?;
        if documents.is_empty() {
            return Ok(());
        }
        within_deadline(async {
            match self.collection(&WEBHOOK_DELIVERIES).await?.insert_many(documents).ordered(false).await {
                Err(error) if !has_only_duplicates(&error) => Err(error),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn wake_queues(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let mut queues = BTreeMap::<&str, Timestamp>::new();
        for delivery in deliveries {
            let due_at = queues.entry(delivery.webhook.as_str()).or_insert(delivery.due_at);
            *due_at = delivery.due_at.min(*due_at);
        }
        for (webhook, due_at) in queues {
            within_deadline(async {
                let queues = self.collection(&WEBHOOK_QUEUES).await?;
                let woken = queues.update_one(doc! { "_id": webhook }, wake(due_at)).upsert(true).await;
                match woken {
                    // Another instance has added the queue at this moment, and has woken it.
                    Err(error) if is_duplicate(&error) => Ok(()),
                    other => other.map(|_| ()),
                }
            })
            .await?;
        }
        Ok(())
    }

    async fn move_cursor(&self, seen: Option<u64>, cursor: u64) -> Result<bool, StoreError> {
        within_deadline(async {
            let cursors = self.collection(&WEBHOOK_CURSOR).await?;
            match seen {
                Some(seen) => {
                    let filter = doc! { "_id": CURSOR, "seq": seen as i64 };
                    let change = doc! { "$set": { "seq": cursor as i64 } };
                    Ok(cursors.update_one(filter, change).await?.matched_count == 1)
                }
                None => match cursors.insert_one(doc! { "_id": CURSOR, "seq": cursor as i64 }).await {
                    Err(error) if is_duplicate(&error) => Ok(false),
                    other => other.map(|_| true),
                },
            }
        })
        .await
    }
}
