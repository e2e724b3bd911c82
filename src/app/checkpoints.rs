//! The task that signs the chain of events, and appends what it signed to a file if the settings name one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::StartError;
use super::task::{NextTurn, Task, TurnError};
use crate::audit::{CheckpointError, CheckpointFile, CheckpointFileError, Checkpointer};
use crate::config::Config;
use crate::domain::Timestamp;
use crate::store::{Checkpoints, StoreError};

/// Looks whether checkpoints can be appended to the file that the settings name, and changes nothing.
///
/// # Errors
/// [`StartError::CheckpointFile`].
pub fn check_checkpoint_file(config: &Config) -> Result<(), StartError> {
    let Some(path) = config.audit_checkpoint_file.clone() else { return Ok(()) };
    CheckpointFile::new(path).check().map_err(StartError::CheckpointFile)
}

/// Between two looks at the chain.
const EVERY: Duration = Duration::from_secs(2);

/// Makes checkpoints.
pub(super) struct CheckpointTask {
    checkpointer: Checkpointer,
    checkpoints: Arc<dyn Checkpoints>,
    file: Option<CheckpointFile>,
}

impl CheckpointTask {
    pub(super) fn new(
        checkpointer: Checkpointer,
        checkpoints: Arc<dyn Checkpoints>,
        file: Option<CheckpointFile>,
    ) -> Self {
        Self { checkpointer, checkpoints, file }
    }

    async fn append_to_file(&mut self) -> Result<(), CheckpointFileError> {
        match &mut self.file {
            Some(file) => file.append_new(&self.checkpoints).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Task for CheckpointTask {
    fn name(&self) -> &'static str {
        "checkpoints"
    }

    async fn turn(&mut self, now: Timestamp) -> Result<NextTurn, TurnError> {
        let made = self.checkpointer.make_due(now).await;
        // A checkpoint of another instance belongs into the file, also while this one cannot sign.
        let appended = self.append_to_file().await;
        match (made, appended) {
            (Ok(()), Ok(())) => Ok(NextTurn::After(EVERY)),
            (Err(CheckpointError::Store(StoreError::Absent)), _) => Ok(NextTurn::Never),
            // If the database does not answer, the task that asks it tells of it.
            (Err(CheckpointError::Store(StoreError::Unavailable(_))), _)
            | (Ok(()), Err(CheckpointFileError::Store(StoreError::Unavailable(_)))) => {
                Ok(NextTurn::After(EVERY))
            }
            (Err(error), _) => Err(error.into()),
            (_, Err(error)) => Err(error.into()),
        }
    }
}
