//! Makes the stored endpoints as `WEBHOOKS_FILE` says.

use super::attempt::open_secrets;
use super::error::WebhookError;
use super::file::{FileWebhook, WebhooksFile};
use super::registry::{MAX_TRIES, WebhookRegistry};
use crate::domain::{
    EventKind, Initiator, Webhook, WebhookId, WebhookOrigin, WebhookSecretRecord, WebhookState,
};

/// What a reconciliation did to an endpoint.
const CREATED: &str = "created";
const CHANGED: &str = "changed";
const DELETED: &str = "deleted";

impl WebhookRegistry {
    /// Makes the stored endpoints as the file says, and returns the changed ones with what was done. Endpoints of the command line
    /// that the file does not name stay. Several instances may do this at the same time.
    ///
    /// # Errors
    /// [`WebhookError`]; some changes may have been made.
    pub async fn reconcile(
        &self,
        file: &WebhooksFile,
    ) -> Result<Vec<(WebhookId, &'static str)>, WebhookError> {
        let by = Initiator::SYSTEM;
        let mut made = Vec::new();
        for _ in 0..MAX_TRIES {
            let stored = self.list().await?;
            let mut is_done = true;
            for wanted in file.webhooks() {
                let before = stored.iter().find(|webhook| webhook.id == wanted.id);
                if let Some(done) = self.make(wanted, before, &by).await? {
                    is_done = false;
                    made.extend(done.then_some((wanted.id.clone(), before.map_or(CREATED, |_| CHANGED))));
                }
            }
            let of_file = stored.iter().filter(|webhook| webhook.origin == WebhookOrigin::File);
            for old in of_file.filter(|webhook| file.find(&webhook.id).is_none()) {
                is_done = false;
                let is_removed = self.remove(&old.id, &by).await?;
                made.extend(is_removed.then_some((old.id.clone(), DELETED)));
            }
            // If another instance came first, the next look shows what is left.
            if is_done {
                return Ok(made);
            }
        }
        Err(WebhookError::Contended)
    }

    /// Adds or changes one endpoint. `None` if it is as the file says; else whether this instance changed it.
    async fn make(
        &self,
        wanted: &FileWebhook,
        before: Option<&Webhook>,
        by: &Initiator,
    ) -> Result<Option<bool>, WebhookError> {
        self.check(&wanted.url, &wanted.kinds, &wanted.description)?;
        let now = self.now();
        let Some(before) = before else {
            let webhook = Webhook {
                id: wanted.id.clone(),
                revision: 1,
                origin: WebhookOrigin::File,
                url: wanted.url.clone(),
                kinds: wanted.kinds.clone(),
                description: wanted.description.clone(),
                state: state_of(wanted, None),
                secrets: self.sealed_secrets(wanted)?,
                begins_after: self.events.find_chain().await?.head.seq,
                created_at: now,
                updated_at: now,
            };
            let event = self.event(EventKind::WebhookCreated, &wanted.id, by)?;
            return Ok(Some(self.webhooks.create_webhook(&webhook, &event).await?));
        };
        let secrets = if self.has_secrets(before, wanted) {
            before.secrets.clone()
        } else {
            self.sealed_secrets(wanted)?
        };
        let after = Webhook {
            origin: WebhookOrigin::File,
            url: wanted.url.clone(),
            kinds: wanted.kinds.clone(),
            description: wanted.description.clone(),
            state: state_of(wanted, Some(before.state)),
            secrets,
            ..before.clone()
        };
        if after == *before {
            return Ok(None);
        }
        let after = Webhook { revision: before.revision + 1, updated_at: now, ..after };
        let event = self.event(EventKind::WebhookChanged, &wanted.id, by)?;
        let is_made = self.webhooks.replace_webhook_if(before.revision, &after, &event).await?;
        self.wake(&wanted.id).await?;
        Ok(Some(is_made))
    }

    fn sealed_secrets(&self, wanted: &FileWebhook) -> Result<Vec<WebhookSecretRecord>, WebhookError> {
        let sealed = wanted.secrets.iter().map(|secret| self.sealed(&wanted.id, secret, self.now()));
        Ok(sealed.collect::<Result<_, _>>()?)
    }

    /// Whether the stored secrets are those of the file. Secrets that cannot be opened are others.
    fn has_secrets(&self, stored: &Webhook, wanted: &FileWebhook) -> bool {
        let opened = open_secrets(stored, &self.server_secret, self.clock.now());
        opened.is_ok_and(|opened| {
            opened.len() == wanted.secrets.len()
                && opened.iter().zip(&wanted.secrets).all(|(one, other)| one.is_same(other))
        })
    }
}

/// An endpoint that is gone stays so until `webhooks resume`, or until the file changes `enabled`.
fn state_of(wanted: &FileWebhook, before: Option<WebhookState>) -> WebhookState {
    match (wanted.enabled, before) {
        (true, Some(WebhookState::Gone)) => WebhookState::Gone,
        (true, _) => WebhookState::Enabled,
        (false, _) => WebhookState::Paused,
    }
}
