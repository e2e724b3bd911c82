//! Whether a service elsewhere that keeps the active key still signs: asked where no token was asked for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::keys::Keys;

/// Asks for a trial signature.
pub(super) struct SignerProbe {
    keys: Arc<Keys>,
    period: Duration,
}

impl SignerProbe {
    /// Asks once in each `period` at most.
    pub(super) fn new(keys: Arc<Keys>, period: Duration) -> Self {
        Self { keys, period }
    }
}

#[async_trait]
impl Task for SignerProbe {
    fn name(&self) -> &'static str {
        "signer"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        // The custody tells the log what it does not do; `/health` and the probes tell the rest.
        let _ = self.keys.try_signer(self.period).await;
        Ok(NextTurn::After(self.period))
    }
}
