//! Reads the whole trail of a store, from its beginning to what was its end when the reading began.

use std::sync::Arc;

use crate::event_record::ChainHead;
use crate::store::{
    Chain, CheckpointKey, Checkpoints, EventFilter, Events, StoreError, StoredCheckpoint, StoredEvent,
};

/// Events and checkpoints that one query reads.
const PAGE: usize = 2000;

/// Reads a trail in portions.
pub struct TrailReader {
    events: Arc<dyn Events>,
    checkpoints: Arc<dyn Checkpoints>,
    chain: Chain,
    /// The number of the last event that was read.
    read: u64,
    /// The number of the last checkpoint that was read.
    checkpoint: u64,
    /// Checkpoints about events that were not read yet.
    waiting: Vec<StoredCheckpoint>,
    /// The first portion, which was read to find the beginning.
    first: Option<Vec<StoredEvent>>,
}

/// A portion of the trail: checkpoints come before the events that they are about.
#[derive(Debug, Default)]
pub struct Portion {
    /// The checkpoints about events up to the last one of this portion.
    pub checkpoints: Vec<StoredCheckpoint>,
    /// The events.
    pub events: Vec<StoredEvent>,
}

impl TrailReader {
    /// Finds the beginning: the first event behind the number `after` that is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(
        events: Arc<dyn Events>,
        checkpoints: Arc<dyn Checkpoints>,
        after: Option<u64>,
    ) -> Result<Self, StoreError> {
        let head = events.find_chain().await?.head;
        let (mut base, mut first) = beginning(&events, after).await?;
        // A purge can remove the beginning between two queries.
        while first.first().is_some_and(|first| first.seq > base.seq + 1) {
            let again = beginning(&events, after).await?;
            if again.0 == base {
                break;
            }
            (base, first) = again;
        }
        let head = if head.seq < base.seq { base } else { head };
        let (chain, read) = (Chain { base, head }, base.seq);
        Ok(Self { events, checkpoints, chain, read, checkpoint: 0, waiting: Vec::new(), first: Some(first) })
    }

    /// The last event before the first one that is read, and the last one that is read.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The keys that signed the checkpoints.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keys(&self) -> Result<Vec<CheckpointKey>, StoreError> {
        self.checkpoints.list_checkpoint_keys().await
    }

    /// The next portion; `None` at the end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next(&mut self) -> Result<Option<Portion>, StoreError> {
        let is_first = self.first.is_some();
        let mut events = match self.first.take() {
            Some(first) => first,
            None if self.read >= self.chain.head.seq => Vec::new(),
            None => self.events.list_events(&EventFilter::default(), self.read, PAGE).await?,
        };
        events.retain(|event| event.seq <= self.chain.head.seq);
        let last = events.last().map(|event| event.seq);
        if last.is_none() && !is_first {
            return Ok(None);
        }
        self.read = last.unwrap_or(self.chain.head.seq);
        Ok(Some(Portion { checkpoints: self.checkpoints_up_to(self.read).await?, events }))
    }

    async fn checkpoints_up_to(&mut self, seq: u64) -> Result<Vec<StoredCheckpoint>, StoreError> {
        while self.waiting.last().is_none_or(|last| last.seq <= seq) {
            let more = self.checkpoints.list_checkpoints(self.checkpoint, PAGE).await?;
            let Some(last) = more.last() else { break };
            self.checkpoint = last.number;
            self.waiting.extend(more);
        }
        let rest = self.waiting.split_off(self.waiting.partition_point(|checkpoint| checkpoint.seq <= seq));
        Ok(std::mem::replace(&mut self.waiting, rest))
    }
}

/// The last event before the beginning, and the first ones of the trail.
async fn beginning(
    events: &Arc<dyn Events>,
    after: Option<u64>,
) -> Result<(ChainHead, Vec<StoredEvent>), StoreError> {
    let Chain { mut base, head } = events.find_chain().await?;
    if let Some(after) = after.filter(|after| *after > base.seq) {
        let found = events.list_events(&EventFilter::default(), after - 1, 1).await?;
        base = found.first().map_or(head, |event| ChainHead { seq: event.seq, link: event.link });
    }
    Ok((base, events.list_events(&EventFilter::default(), base.seq, PAGE).await?))
}
