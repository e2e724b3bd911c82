//! The verbs of [`Checkpoints`], measured.

use async_trait::async_trait;

use super::{Observed, Verb};
use crate::store::{CheckpointKey, Checkpoints, StoreError, StoredCheckpoint};

#[async_trait]
impl Checkpoints for Observed<dyn Checkpoints> {
    async fn create_checkpoint(
        &self,
        checkpoint: &StoredCheckpoint,
        key: &CheckpointKey,
    ) -> Result<bool, StoreError> {
        self.run(Verb::create_checkpoint, self.store.create_checkpoint(checkpoint, key)).await
    }

    async fn find_last_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.run(Verb::find_last_checkpoint, self.store.find_last_checkpoint()).await
    }

    async fn list_checkpoints(&self, after: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.run(Verb::list_checkpoints, self.store.list_checkpoints(after, limit)).await
    }

    async fn list_checkpoint_keys(&self) -> Result<Vec<CheckpointKey>, StoreError> {
        self.run(Verb::list_checkpoint_keys, self.store.list_checkpoint_keys()).await
    }

    async fn purge_checkpoints(&self, base: u64) -> Result<bool, StoreError> {
        self.run(Verb::purge_checkpoints, self.store.purge_checkpoints(base)).await
    }
}
