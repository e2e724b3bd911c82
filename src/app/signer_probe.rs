//! Checks that a remote service which keeps the active key still signs, at times when no caller asks for a
//! token.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::Timestamp;
use crate::keys::Keys;

/// Makes a test signature.
pub(super) struct SignerProbe {
    keys: Arc<Keys>,
    period: Duration,
}

impl SignerProbe {
    /// Asks at most once in each `period`.
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
        // The custody logs its failures; `/health` and the probes report the rest.
        let _ = self.keys.try_signer(self.period).await;
        Ok(NextTurn::After(self.period))
    }
}
