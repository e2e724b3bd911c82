//! Whether a service elsewhere that keeps the active key still signs: asked where no token was asked for.

use std::sync::Arc;
use std::time::Duration;

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

    /// Asks where that is due. The custody tells the log what it does not do; `/health` and the probes tell the rest.
    pub(super) async fn turn(&self) {
        let _ = self.keys.try_signer(self.period).await;
    }

    /// Asks for as long as the task lives.
    pub(super) async fn run(self) {
        loop {
            self.turn().await;
            tokio::time::sleep(self.period).await;
        }
    }
}
