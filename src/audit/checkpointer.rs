//! Makes checkpoints: a signature over the place in the chain of events up to which everything is fixed.

use std::sync::Arc;

use jose::Typ;

use super::CheckpointMetrics;
use super::seen_checkpoint::SeenCheckpoint;
use crate::domain::Timestamp;
use crate::event_record::{ChainHead, Checkpoint};
use crate::keys::{Keys, SignError};
use crate::store::{Chain, CheckpointKey, Checkpoints, Events, StoreError, StoredCheckpoint};

/// The longest time in seconds for which something new waits for a checkpoint.
const MAX_WAIT_SECS: u64 = 60;
/// So many new events do not wait.
const MAX_NEW_EVENTS: u64 = 1000;

/// Why there is no new checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key signs now.
    #[error("a checkpoint of the events cannot be signed: {0}")]
    Sign(#[from] SignError),
    /// The last checkpoint in the database was changed.
    #[error("the checkpoint {0} in the database cannot be read: it was changed")]
    Unreadable(u64),
    /// The last checkpoint that this process knows is not in the database any more.
    #[error(
        "the checkpoint {0} was the last one, and the database does not have it any more: the trail was changed, or the \
         database is an older copy. `audit verify --checkpoints` compares it with checkpoints that were kept elsewhere. No new \
         checkpoint is signed until this server is restarted"
    )]
    Vanished(u64),
    /// A text cannot be written as JSON.
    #[error("a checkpoint of the events cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Makes checkpoints. Any number of instances may do this at once: each checkpoint follows the last one.
pub struct Checkpointer {
    events: Arc<dyn Events>,
    checkpoints: Arc<dyn Checkpoints>,
    keys: Arc<Keys>,
    metrics: Arc<CheckpointMetrics>,
    /// When this process has looked first.
    began_at: Option<Timestamp>,
    /// The beginning of the chain for which old checkpoints were removed.
    purged: u64,
    /// The last checkpoint that this process has seen.
    seen: Option<SeenCheckpoint>,
}

/// The last checkpoint: as it is stored, and what it says.
struct Last {
    stored: StoredCheckpoint,
    says: Checkpoint,
}

impl Checkpointer {
    /// Signs with the default active key of `keys`.
    pub fn new(
        events: Arc<dyn Events>,
        checkpoints: Arc<dyn Checkpoints>,
        keys: Arc<Keys>,
        metrics: Arc<CheckpointMetrics>,
    ) -> Self {
        Self { events, checkpoints, keys, metrics, began_at: None, purged: 0, seen: None }
    }

    /// Makes a checkpoint if one is due. A new event, a new beginning of the chain and another active key make one due after a
    /// minute at most, and many new events at once. Removes checkpoints of events that were removed.
    ///
    /// # Errors
    /// [`CheckpointError`]; the next call tries again.
    pub async fn make_due(&mut self, now: Timestamp) -> Result<(), CheckpointError> {
        let began_at = *self.began_at.get_or_insert(now);
        let (chain, last) = (self.events.find_chain().await?, self.last().await?);
        self.compare_with_seen(last.as_ref())?;
        let new = new_events(chain.head, last.as_ref());
        self.metrics.note(new);
        let waits_since = last.as_ref().map_or(began_at, |last| last.says.at);
        // A clock that was set back must not delay checkpoints.
        let waits = now.secs_since(waits_since).max(waits_since.secs_since(now));
        let is_time = waits >= MAX_WAIT_SECS || new >= MAX_NEW_EVENTS;
        if is_time
            && self.has_news(chain, last.as_ref())
            && self.make(chain, last.as_ref(), now).await?.is_some()
        {
            self.metrics.note(0);
        }
        self.purge(chain.base.seq).await
    }

    /// Makes a checkpoint at once. `None` if the last one says everything already, or if another instance has just made one.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub async fn make_now(&self, now: Timestamp) -> Result<Option<Checkpoint>, CheckpointError> {
        let (chain, last) = (self.events.find_chain().await?, self.last().await?);
        if !self.has_news(chain, last.as_ref()) {
            return Ok(None);
        }
        self.make(chain, last.as_ref(), now).await
    }

    /// Whether a checkpoint would say something else than the last one.
    fn has_news(&self, chain: Chain, last: Option<&Last>) -> bool {
        match last {
            None => chain.head != ChainHead::BEGIN,
            Some(last) => {
                let says_less = last.says.head != chain.head || last.says.base != chain.base;
                // After a change of keys, the key set tells of this key for only some time.
                says_less || self.active_key().is_some_and(|key| key != last.stored.key)
            }
        }
    }

    async fn make(
        &self,
        chain: Chain,
        last: Option<&Last>,
        now: Timestamp,
    ) -> Result<Option<Checkpoint>, CheckpointError> {
        let checkpoint = Checkpoint {
            number: last.map_or(0, |last| last.stored.number).saturating_add(1),
            at: now,
            head: chain.head,
            base: chain.base,
            previous: last.map_or(Checkpoint::NO_PREVIOUS, |last| Checkpoint::digest(&last.stored.jws)),
        };
        let text = checkpoint.to_json()?;
        let signed = self.keys.sign_document(Typ::AuditCheckpoint, text.as_bytes()).await?;
        let public = signed.key.verifying();
        let jwk = serde_json::to_string(&public.to_jwk(signed.key.kid().as_str()))?;
        let key = CheckpointKey { thumbprint: public.thumbprint(), jwk };
        let stored = StoredCheckpoint {
            number: checkpoint.number,
            seq: checkpoint.head.seq,
            jws: signed.jws,
            key: key.thumbprint.clone(),
        };
        if !self.checkpoints.create_checkpoint(&stored, &key).await? {
            return Ok(None);
        }
        tracing::info!(
            checkpoint = checkpoint.number,
            seq = checkpoint.head.seq,
            kid = %signed.key.kid(),
            jws = stored.jws,
            "a checkpoint of the events was signed"
        );
        Ok(Some(checkpoint))
    }

    async fn last(&self) -> Result<Option<Last>, CheckpointError> {
        let Some(stored) = self.checkpoints.find_last_checkpoint().await? else { return Ok(None) };
        let says = Checkpoint::read_unverified(&stored.jws).filter(|says| says.number == stored.number);
        let says = says.ok_or(CheckpointError::Unreadable(stored.number))?;
        Ok(Some(Last { stored, says }))
    }

    /// If the last checkpoint is gone or another one, this process signs nothing on top of what is there.
    fn compare_with_seen(&mut self, last: Option<&Last>) -> Result<(), CheckpointError> {
        if let Some(seen) = self.seen
            && !last.is_some_and(|last| seen.admits(&last.stored))
        {
            return Err(CheckpointError::Vanished(seen.number));
        }
        self.seen = last.map(|last| SeenCheckpoint::of(last.stored.number, &last.stored.jws));
        Ok(())
    }

    async fn purge(&mut self, base: u64) -> Result<(), CheckpointError> {
        if base > self.purged && !self.checkpoints.purge_checkpoints(base).await? {
            self.purged = base;
        }
        Ok(())
    }

    /// The thumbprint of the key that would sign.
    fn active_key(&self) -> Option<String> {
        self.keys.ring().as_ref().and_then(|ring| ring.active().map(|key| key.verifying().thumbprint()))
    }
}

fn new_events(head: ChainHead, last: Option<&Last>) -> u64 {
    head.seq.saturating_sub(last.map_or(0, |last| last.says.head.seq))
}
