//! Why a change of an endpoint was not made.

use super::secret::WebhookSecretError;
use crate::domain::{EventId, WebhookId};
use crate::entropy::EntropyError;
use crate::store::StoreError;

/// Why a use case of an operator failed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The URL is not encrypted.
    #[error("the URL must begin with https://; WEBHOOK_HTTP=true permits http://")]
    PlainHttp,
    /// There is no such kind of event, or it is only counted.
    #[error("there is no kind of event `{0}` of which events are stored; docs/events.md lists the kinds")]
    UnknownKind(String),
    /// The description is too long.
    #[error("the description must have at most 200 characters")]
    LongDescription,
    /// Another endpoint has the id.
    #[error("there is already an endpoint {0}")]
    Taken(WebhookId),
    /// There is no such endpoint.
    #[error("there is no endpoint {0}")]
    Unknown(WebhookId),
    /// The file manages the endpoint.
    #[error("the endpoint {0} is managed by WEBHOOKS_FILE: change the file and restart the service")]
    ManagedByFile(WebhookId),
    /// There is no such delivery.
    #[error("there is no delivery of the event {0} to this endpoint, and the event is not stored any more")]
    UnknownEvent(EventId),
    /// Other changes came first, again and again.
    #[error("other changes of the endpoint were written at the same time; try again")]
    Contended,
    /// The secret cannot be made or opened.
    #[error(transparent)]
    Secret(#[from] WebhookSecretError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl WebhookError {
    /// Whether the input is wrong, and not the state of the service.
    pub fn is_of_input(&self) -> bool {
        matches!(self, Self::PlainHttp | Self::UnknownKind(_) | Self::LongDescription)
    }
}
