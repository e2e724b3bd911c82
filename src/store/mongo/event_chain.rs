//! Seals events in blocks. The document `head` says which block was sealed last; a new block is a comparison and a replacement
//! of this document, so of many instances one succeeds. Then the events of the block get their numbers and their links. If a
//! crash comes in between, the instance that seals the next block does that first.

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};

use super::collections::{EVENT_CHAIN, EVENTS};
use super::connection::ReadFrom;
use super::document::timestamp;
use super::events::bytes;
use super::{Mongo, is_duplicate, within_deadline};
use crate::event_record::{ChainHead, Digest, RecordDigest};
use crate::store::{Chain, StoreError};

/// The most events in a block.
const BLOCK_EVENTS: i64 = 500;
/// The ids of the documents with the end and the beginning of the chain.
const HEAD: &str = "head";
pub(super) const BASE: &str = "base";

/// The block that was sealed last.
#[derive(Clone, Debug)]
struct Block {
    number: i64,
    /// The head before its first event.
    before: ChainHead,
    /// The head after its last event.
    after: ChainHead,
    /// The ids of its events, in their order.
    ids: Vec<Bson>,
    /// The links of its events; empty when the events have them.
    links: Vec<Bson>,
}

impl Mongo {
    /// Seals a block. True if there may be more events.
    pub(super) async fn seal_block(&self) -> Result<bool, StoreError> {
        let last = self.last_block().await?;
        if let Some(last) = &last {
            self.mark(last).await?;
        }
        let events = self.unsealed(last.as_ref()).await?;
        if events.is_empty() {
            return Ok(false);
        }
        let is_full = events.len() as i64 == BLOCK_EVENTS;
        let block = match &last {
            Some(last) => Block::of(last.number + 1, last.after, &events)?,
            None => Block::of(1, self.chain_base().await?, &events)?,
        };
        if self.replace_block_if(last.as_ref(), &block).await? {
            self.mark(&block).await?;
            return Ok(is_full);
        }
        // Another instance has sealed them.
        Ok(false)
    }

    /// The beginning of the chain, and its end as far as every event has its number.
    pub(super) async fn chain(&self) -> Result<Chain, StoreError> {
        let base = self.chain_base().await?;
        let head = self.last_block().await?.map_or(base, |last| last.visible());
        Ok(Chain { base, head })
    }

    /// The last event that was removed from the beginning of the chain.
    async fn chain_base(&self) -> Result<ChainHead, StoreError> {
        let found = self.find_one(&EVENT_CHAIN, ReadFrom::Primary, doc! { "_id": BASE }).await?;
        found.map_or(Ok(ChainHead::BEGIN), |base| head_of(&base, "seq", "link"))
    }

    async fn last_block(&self) -> Result<Option<Block>, StoreError> {
        let found = self.find_one(&EVENT_CHAIN, ReadFrom::Primary, doc! { "_id": HEAD }).await?;
        found.as_ref().map(Block::from_document).transpose()
    }

    /// The events that no block contains, the oldest first.
    async fn unsealed(&self, last: Option<&Block>) -> Result<Vec<Document>, StoreError> {
        let mut filter = doc! { "seq": Bson::Null };
        // They have their numbers already; a server that has just become the primary may not show that yet.
        if let Some(last) = last {
            filter.insert("_id", doc! { "$nin": last.ids.clone() });
        }
        within_deadline(async {
            let events = self.connection().await?.collection(&EVENTS, ReadFrom::Primary);
            let oldest = events
                .find(filter)
                .sort(doc! { "at": 1, "_id": 1 })
                .projection(doc! { "at": 1, "kind": 1, "digest": 1 })
                .limit(BLOCK_EVENTS);
            oldest.await?.try_collect::<Vec<Document>>().await
        })
        .await
    }

    /// Makes `block` the last one, if `seen` is still the last one.
    async fn replace_block_if(&self, seen: Option<&Block>, block: &Block) -> Result<bool, StoreError> {
        let document = block.to_document();
        within_deadline(async {
            let chain = self.collection(&EVENT_CHAIN).await?;
            match seen {
                Some(seen) => {
                    let filter = doc! { "_id": HEAD, "block": seen.number };
                    Ok(chain.replace_one(filter, document).await?.matched_count == 1)
                }
                None => match chain.insert_one(document).await {
                    Err(error) if is_duplicate(&error) => Ok(false),
                    other => other.map(|_| true),
                },
            }
        })
        .await
    }

    /// Gives the events of a block their numbers and links, unless they have them. Doing it twice changes nothing.
    async fn mark(&self, block: &Block) -> Result<(), StoreError> {
        if block.links.is_empty() {
            return Ok(());
        }
        let place = doc! { "$indexOfArray": [{ "$literal": block.ids.clone() }, "$_id"] };
        let set = doc! {
            "seq": { "$add": [block.before.seq as i64 + 1, place.clone()] },
            "link": { "$arrayElemAt": [{ "$literal": block.links.clone() }, place] },
        };
        let unmarked = doc! { "_id": { "$in": block.ids.clone() }, "seq": Bson::Null };
        let of_block = doc! { "_id": HEAD, "block": block.number };
        within_deadline(async {
            self.collection(&EVENTS).await?.update_many(unmarked, vec![doc! { "$set": set }]).await?;
            let chain = self.collection(&EVENT_CHAIN).await?;
            chain.update_one(of_block, doc! { "$set": { "links": [] } }).await.map(|_| ())
        })
        .await
    }
}

impl Block {
    fn of(number: i64, before: ChainHead, events: &[Document]) -> Result<Self, StoreError> {
        let (mut after, mut ids, mut links) = (before, Vec::new(), Vec::new());
        for event in events {
            let corrupt = || StoreError::Corrupt(format!("the event {:?}", event.get("_id")));
            let digest = digest_in(event, "digest").ok_or_else(corrupt)?;
            let at = timestamp(event, "at").ok_or_else(corrupt)?;
            let kind = event.get_str("kind").map_err(|_| corrupt())?;
            after = after.next(at, kind, &RecordDigest(digest));
            ids.push(event.get("_id").cloned().ok_or_else(corrupt)?);
            links.push(bytes(after.link));
        }
        Ok(Self { number, before, after, ids, links })
    }

    /// The last event up to which every event has its number.
    fn visible(&self) -> ChainHead {
        if self.links.is_empty() { self.after } else { self.before }
    }

    fn to_document(&self) -> Document {
        doc! {
            "_id": HEAD,
            "block": self.number,
            "before_seq": self.before.seq as i64,
            "before_link": bytes(self.before.link),
            "seq": self.after.seq as i64,
            "link": bytes(self.after.link),
            "ids": self.ids.clone(),
            "links": self.links.clone(),
        }
    }

    fn from_document(document: &Document) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt("the head of the chain of events".to_owned());
        Ok(Self {
            number: document.get_i64("block").map_err(corrupt)?,
            before: head_of(document, "before_seq", "before_link")?,
            after: head_of(document, "seq", "link")?,
            ids: document.get_array("ids").map_err(corrupt)?.clone(),
            links: document.get_array("links").map_err(corrupt)?.clone(),
        })
    }
}

/// The digest in a member of a document.
pub(super) fn digest_in(document: &Document, member: &str) -> Option<Digest> {
    document.get_binary_generic(member).ok().and_then(|bytes| bytes.as_slice().try_into().ok())
}

/// A place in the chain.
pub(super) fn head_of(document: &Document, seq: &str, link: &str) -> Result<ChainHead, StoreError> {
    let number = document.get_i64(seq).ok().and_then(|seq| u64::try_from(seq).ok());
    match (number, digest_in(document, link)) {
        (Some(seq), Some(link)) => Ok(ChainHead { seq, link }),
        _ => Err(StoreError::Corrupt(format!("a place in the chain of events: {:?}", document.get("_id")))),
    }
}
