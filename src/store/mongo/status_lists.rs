//! The collections `status_lists` and `status_entries`.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;

use super::collections::{STATUS_ENTRIES, STATUS_LISTS};
use super::document::timestamp;
use super::{Mongo, date, in_time, is_duplicate, within_deadline};
use crate::domain::{Denial, Kid, StatusEntry, StatusLease, StatusListRecord, StatusPlace, Timestamp};
use crate::store::{StatusLists, StoreError};

/// How often an instance tries to begin a list that another one begins at the same time.
const TRIES: usize = 8;

#[async_trait]
impl StatusLists for Mongo {
    async fn lease_status_positions(
        &self,
        key: &str,
        live_until: Timestamp,
    ) -> Result<StatusLease, StoreError> {
        in_time(async {
            for _ in 0..TRIES {
                if let Some(lease) = self.lease_of_known_list(key, live_until).await? {
                    return Ok(lease);
                }
                if let Some(lease) = self.begin_list(key, live_until).await? {
                    return Ok(lease);
                }
            }
            Err(StoreError::Unavailable("other instances begin status lists all the time".into()))
        })
        .await
    }

    async fn list_status_lists(&self) -> Result<Vec<StatusListRecord>, StoreError> {
        let found = within_deadline(async {
            let lists = self.collection(&STATUS_LISTS).await?;
            lists.find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(list_of).collect()
    }

    async fn create_status_entry(&self, entry: &StatusEntry) -> Result<bool, StoreError> {
        let mut concerns: Vec<_> = entry.concerns().iter().map(ToString::to_string).collect();
        concerns.push(of_key(&entry.kid));
        let document = doc! {
            "_id": entry.place.to_number() as i64,
            "concerns": concerns,
            "issued_at": date(entry.issued_at),
            "expires_at": date(entry.expires_at),
        };
        within_deadline(async {
            match self.collection(&STATUS_ENTRIES).await?.insert_one(document).await {
                Err(error) if is_duplicate(&error) => Ok(false),
                other => other.map(|_| true),
            }
        })
        .await
    }

    async fn list_denied_places(&self, denials: &[Denial]) -> Result<Vec<StatusPlace>, StoreError> {
        let (dated, whole): (Vec<_>, Vec<_>) = denials.iter().partition(|one| one.denied.is_dated());
        let whole: Vec<_> = whole.iter().map(|denial| denial.denied.to_string()).collect();
        let mut places = self.places(doc! { "concerns": { "$in": whole } }).await?;
        for denial in dated {
            let before = doc! { "$lte": date(denial.at) };
            let filter = doc! { "concerns": denial.denied.to_string(), "issued_at": before };
            places.extend(self.places(filter).await?);
        }
        Ok(places)
    }

    async fn list_places_of_key(
        &self,
        kid: &Kid,
        after: Option<StatusPlace>,
        limit: usize,
    ) -> Result<Vec<StatusPlace>, StoreError> {
        let after = after.map_or(-1, |after| after.to_number() as i64);
        let filter = doc! { "concerns": of_key(kid), "_id": { "$gt": after } };
        let found = within_deadline(async {
            let entries = self.collection(&STATUS_ENTRIES).await?;
            let found = entries.find(filter).sort(doc! { "_id": 1 }).limit(limit as i64);
            found
                .projection(doc! { "_id": 1 })
                .batch_size(100_000)
                .await?
                .try_collect::<Vec<Document>>()
                .await
        });
        found.await?.iter().map(place_of).collect()
    }

    async fn purge_status_entries(&self, now: Timestamp) -> Result<bool, StoreError> {
        within_deadline(async {
            let lists = self.collection(&STATUS_LISTS).await?;
            if let Some(newest) = newest(&lists).await? {
                let old = doc! { "live_until": { "$lt": date(now) }, "_id": { "$lt": newest } };
                lists.delete_many(old).await?;
            }
            Ok(())
        })
        .await?;
        self.purge(&STATUS_ENTRIES, doc! { "expires_at": { "$lt": date(now) } }).await
    }
}

impl Mongo {
    async fn lease_of_known_list(
        &self,
        key: &str,
        live_until: Timestamp,
    ) -> Result<Option<StatusLease>, StoreError> {
        let last = i64::from(StatusPlace::PER_LIST - StatusLease::POSITIONS);
        let filter = doc! { "key": key, "next": { "$lte": last } };
        let taken = doc! {
            "$inc": { "next": i64::from(StatusLease::POSITIONS) },
            "$max": { "live_until": date(live_until) },
        };
        let before = within_deadline(async {
            let lists = self.collection(&STATUS_LISTS).await?;
            let update = lists.find_one_and_update(filter, taken).sort(doc! { "_id": -1 });
            update.return_document(ReturnDocument::Before).await
        });
        before.await?.as_ref().map(lease_of).transpose()
    }

    /// Begins the list with the next number; `None` if another instance has just begun it.
    async fn begin_list(&self, key: &str, live_until: Timestamp) -> Result<Option<StatusLease>, StoreError> {
        let positions = i64::from(StatusLease::POSITIONS);
        within_deadline(async {
            let lists = self.collection(&STATUS_LISTS).await?;
            let number = newest(&lists).await?.unwrap_or(0) + 1;
            let list = doc! { "_id": number, "key": key, "next": positions, "live_until": date(live_until) };
            match lists.insert_one(list).await {
                Err(error) if is_duplicate(&error) => Ok(None),
                other => other.map(|_| Some(StatusLease { list: number as u64, first: 0 })),
            }
        })
        .await
    }

    /// The places of the tokens that `filter` finds.
    async fn places(&self, filter: Document) -> Result<Vec<StatusPlace>, StoreError> {
        let found = within_deadline(async {
            let entries = self.collection(&STATUS_ENTRIES).await?;
            let found = entries.find(filter).projection(doc! { "_id": 1 }).batch_size(100_000).await?;
            found.try_collect::<Vec<Document>>().await
        });
        found.await?.iter().map(place_of).collect()
    }
}

/// The place that a document says.
fn place_of(found: &Document) -> Result<StatusPlace, StoreError> {
    match found.get_i64("_id") {
        Ok(number) => Ok(StatusPlace::from_number(number.max(0) as u64)),
        Err(_) => Err(StoreError::Corrupt(format!("the status entry {:?}", found.get("_id")))),
    }
}

/// The number of the newest list. A comparison begins with the latest write, because a number must not be given twice.
async fn newest(lists: &mongodb::Collection<Document>) -> Result<Option<i64>, Error> {
    let newest = lists.find_one(doc! {}).sort(doc! { "_id": -1 }).projection(doc! { "_id": 1 }).await?;
    Ok(newest.and_then(|list| list.get("_id").and_then(Bson::as_i64)))
}

fn of_key(kid: &Kid) -> String {
    format!("key:{kid}")
}

fn list_of(document: &Document) -> Result<StatusListRecord, StoreError> {
    match (document.get_i64("_id"), timestamp(document, "live_until")) {
        (Ok(number), Some(live_until)) if number > 0 => {
            Ok(StatusListRecord { number: number as u64, live_until })
        }
        _ => Err(corrupt(document)),
    }
}

fn lease_of(document: &Document) -> Result<StatusLease, StoreError> {
    match (document.get_i64("_id"), document.get_i64("next")) {
        (Ok(list), Ok(first)) if list > 0 && first >= 0 => {
            Ok(StatusLease { list: list as u64, first: first as u32 })
        }
        _ => Err(corrupt(document)),
    }
}

fn corrupt(document: &Document) -> StoreError {
    StoreError::Corrupt(format!("the status list {:?}", document.get("_id")))
}
