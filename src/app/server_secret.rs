//! Makes the server secret if it is missing, gives it to the modules that use it, and logs which one counts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::task::{NextTurn, Task, TurnError};
use crate::domain::{ServerSecretRecord, Timestamp};
use crate::entropy::Entropy;
use crate::keys::{KeepSecretError, Keys, RingService};
use crate::server_secret::{
    CurrentServerSecret, ServerSecretError, ServerSecretSettings, fingerprint_of, has_fingerprint,
};

/// Makes the secret beside the keys if it is used and missing.
pub(super) struct ServerSecretKeeper {
    keys: Arc<Keys>,
    ring_service: RingService,
    settings: ServerSecretSettings,
    entropy: Entropy,
    /// The cell from which consumers read the secret.
    current: CurrentServerSecret,
    /// The fingerprints that were logged last.
    told: Option<Vec<String>>,
    /// The fingerprint of the secret beside the keys that this or an earlier process used last.
    last: Option<String>,
    /// Why there is no secret beside the keys, as it was logged last.
    trouble: Option<String>,
}

/// The secret that the current ring has.
struct Known {
    secret: Option<ServerSecretRecord>,
    fingerprint: Option<String>,
    /// Whether the fingerprint is that of the secret.
    is_noted: bool,
}

impl ServerSecretKeeper {
    /// Keeps the secret beside the keys of `ring_service`, if `settings` use it.
    pub(super) fn new(
        keys: Arc<Keys>,
        ring_service: RingService,
        settings: ServerSecretSettings,
        entropy: Entropy,
    ) -> Self {
        let current = CurrentServerSecret::default();
        Self { keys, ring_service, settings, entropy, current, told: None, last: None, trouble: None }
    }

    /// The cell from which consumers read the secret, now or later.
    pub(super) fn current(&self) -> &CurrentServerSecret {
        &self.current
    }

    /// Whether the secret beside the keys counts. If not, this asks no custody for it.
    pub(super) fn uses_kept(&self) -> bool {
        self.settings.uses_kept()
    }

    /// The secret beside the keys. The current ring has it, except just after it was made.
    async fn kept(&mut self) -> Result<Option<ServerSecretRecord>, KeepSecretError> {
        let Some(Known { secret, fingerprint, is_noted }) = self.known()? else { return Ok(None) };
        if self.last.is_none() {
            self.last = fingerprint;
        }
        if is_noted {
            return Ok(secret);
        }
        match self.ring_service.keep_server_secret(&self.entropy).await {
            Err(KeepSecretError::Custody(_)) if secret.is_some() => Ok(secret),
            other => other,
        }
    }

    /// `None` if there is no ring yet, or if the settings do not use its secret.
    fn known(&self) -> Result<Option<Known>, ServerSecretError> {
        let view = self.keys.ring();
        let Some(view) = view.as_ref().filter(|_| self.settings.uses_kept()) else { return Ok(None) };
        let ring = view.record();
        let (secret, fingerprint) = (ring.server_secret.clone(), ring.server_secret_fingerprint.clone());
        Ok(Some(Known { secret, fingerprint, is_noted: has_fingerprint(ring)? }))
    }

    /// Logs the secrets that count, whenever they have changed.
    fn tell(&mut self, fingerprints: Vec<String>) {
        if self.told.as_ref() != Some(&fingerprints) {
            tracing::info!(fingerprints = fingerprints.join(", "), "server secret loaded");
            self.told = Some(fingerprints);
        }
    }

    /// Logs a warning if the secret beside the keys has changed since this process or an earlier one used it.
    fn compare(&mut self, kept: &ServerSecretRecord) -> Result<(), ServerSecretError> {
        let fingerprint = fingerprint_of(kept)?;
        if let Some(before) = self.last.replace(fingerprint.clone()).filter(|before| *before != fingerprint) {
            tracing::warn!(
                fingerprint,
                before,
                "the server secret has changed, so data that was made with the former one cannot be read; if \
                 you have the former one in a backup, set SERVER_SECRET=kept,FORMER"
            );
        }
        Ok(())
    }

    /// Logs that the secret beside the keys cannot be used or made, and logs it again if the reason changes.
    fn note(&mut self, error: Option<&KeepSecretError>) {
        let trouble = error.map(ToString::to_string);
        if self.trouble != trouble {
            match error {
                Some(KeepSecretError::Unwritable(_)) => {
                    tracing::info!("{}", trouble.as_deref().unwrap_or_default());
                }
                Some(error) => tracing::warn!("{error}; signing and checking do not need it"),
                None => {}
            }
            self.trouble = trouble;
        }
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
            // The task that reads the ring logs the failure. The secret is made later.
            Err(KeepSecretError::Custody(_)) => return Ok(next),
            Err(error @ (KeepSecretError::Unusable(_) | KeepSecretError::Unwritable(_))) => {
                self.note(Some(&error));
                // The secret that was loaded before stays in use.
                if self.told.is_some() {
                    return Ok(next);
                }
                None
            }
            other => {
                let kept = other?;
                self.note(None);
                kept
            }
        };
        if let Some(kept) = &kept {
            self.compare(kept)?;
        }
        if let Some(secret) = self.settings.with(kept.as_ref()) {
            self.tell(secret.fingerprints()?);
            self.current.set(secret);
        }
        Ok(if self.settings.uses_kept() { next } else { NextTurn::Never })
    }
}
