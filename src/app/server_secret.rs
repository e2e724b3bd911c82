//! Sees to it that there is a server secret, gives it to its consumers, and tells the log which one counts.

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
    /// The fingerprint of the secret beside the keys that this or an earlier process used last.
    last: Option<String>,
    /// Why there is no secret beside the keys, as the log was told.
    trouble: Option<String>,
}

/// What the ring of the moment has of the secret.
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

    /// Where the consumers find the secret, at once or later.
    pub(super) fn current(&self) -> &CurrentServerSecret {
        &self.current
    }

    /// Whether the secret beside the keys counts; if not, no custody is asked for it.
    pub(super) fn uses_kept(&self) -> bool {
        self.settings.uses_kept()
    }

    /// The secret beside the keys. The ring of the moment has it, except just after it was made.
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

    /// Nothing while no ring is there, and if the settings do not use its secret.
    fn known(&self) -> Result<Option<Known>, ServerSecretError> {
        let view = self.keys.ring();
        let Some(view) = view.as_ref().filter(|_| self.settings.uses_kept()) else { return Ok(None) };
        let ring = view.record();
        let (secret, fingerprint) = (ring.server_secret.clone(), ring.server_secret_fingerprint.clone());
        Ok(Some(Known { secret, fingerprint, is_noted: has_fingerprint(ring)? }))
    }

    /// A line in the log for the secrets that count, whenever they are others.
    fn tell(&mut self, fingerprints: Vec<String>) {
        if self.told.as_ref() != Some(&fingerprints) {
            tracing::info!(fingerprints = fingerprints.join(", "), "server secret loaded");
            self.told = Some(fingerprints);
        }
    }

    /// A warning if the secret beside the keys is another one than before, in this process or an earlier one.
    fn compare(&mut self, kept: &ServerSecretRecord) -> Result<(), ServerSecretError> {
        let fingerprint = fingerprint_of(kept)?;
        if let Some(before) = self.last.replace(fingerprint.clone()).filter(|before| *before != fingerprint) {
            tracing::warn!(
                fingerprint,
                before,
                "the server secret is another one than before, so data that was made with the former one cannot be read; if \
                 you have the former one in a backup, set SERVER_SECRET=kept,FORMER"
            );
        }
        Ok(())
    }

    /// A line in the log if the secret beside the keys cannot be used or made, and if the reason changes.
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
            // What reads the ring tells of it; the secret is made later.
            Err(KeepSecretError::Custody(_)) => return Ok(next),
            Err(error @ (KeepSecretError::Unusable(_) | KeepSecretError::Unwritable(_))) => {
                self.note(Some(&error));
                // What was loaded before is used on.
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
