//! Sees to it that there is a server secret, gives it to its consumers, and tells the log which one counts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::{ServerSecretRecord, Timestamp};
use crate::entropy::Entropy;
use crate::keys::{KeepSecretError, Keys, RingService};
use crate::server_secret::{CurrentServerSecret, ServerSecretSettings};

/// Makes the secret beside the keys where it is used and missing.
pub(super) struct ServerSecretKeeper {
    keys: Arc<Keys>,
    ring_service: RingService,
    settings: ServerSecretSettings,
    entropy: Entropy,
    /// Where the consumers find it.
    current: CurrentServerSecret,
    /// The fingerprints that the log was told.
    told: Option<Vec<String>>,
}

impl ServerSecretKeeper {
    /// Keeps the secret beside the keys of `ring_service`, if `settings` use it.
    pub(super) fn new(
        keys: Arc<Keys>,
        ring_service: RingService,
        settings: ServerSecretSettings,
        entropy: Entropy,
    ) -> Self {
        Self { keys, ring_service, settings, entropy, current: CurrentServerSecret::default(), told: None }
    }

    /// Where the consumers find the secret, at once or later.
    pub(super) fn current(&self) -> &CurrentServerSecret {
        &self.current
    }

    /// Whether the secret beside the keys counts; if not, no custody is asked for it.
    pub(super) fn uses_kept(&self) -> bool {
        self.settings.uses_kept()
    }

    /// The secret beside the keys. The ring of the moment has it, except just after it was made.
    async fn kept(&self) -> Result<Option<ServerSecretRecord>, KeepSecretError> {
        if !self.settings.uses_kept() {
            return Ok(None);
        }
        let known = self.keys.ring().as_ref().and_then(|ring| ring.record().server_secret.clone());
        match known {
            Some(known) => Ok(Some(known)),
            None => self.ring_service.keep_server_secret(&self.entropy).await,
        }
    }

    /// A line in the log when the secrets are there, and one when they are others than before.
    fn tell(&mut self, fingerprints: Vec<String>) {
        let of = fingerprints.join(", ");
        match &self.told {
            None => tracing::info!(fingerprints = of, "the server secret is there"),
            Some(told) if *told != fingerprints => {
                tracing::warn!(fingerprints = of, "the server secret is another one than before");
            }
            Some(_) => {}
        }
        self.told = Some(fingerprints);
    }
}

#[async_trait]
impl Task for ServerSecretKeeper {
    fn name(&self) -> &'static str {
        "server secret"
    }

    async fn turn(&mut self, _now: Timestamp) -> Result<NextTurn, TurnError> {
        let next = NextTurn::After(Duration::from_secs(self.ring_service.settings().refresh));
        let kept = match self.kept().await {
            // What reads the ring tells of it; the secret is made later.
            Err(KeepSecretError::Custody(_)) => return Ok(next),
            other => other?,
        };
        if let Some(secret) = self.settings.with(kept.as_ref()) {
            self.tell(secret.fingerprints()?);
            self.current.set(secret);
        }
        Ok(if self.settings.uses_kept() { next } else { NextTurn::Never })
    }
}
