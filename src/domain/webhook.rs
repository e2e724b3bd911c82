//! Endpoints for webhooks: which events are sent where.

use serde::{Deserialize, Serialize};

use super::{Timestamp, WebhookId, WebhookUrl};

/// A registered endpoint, to which the service sends events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Grows by one with each change.
    pub revision: u64,
    /// What manages it.
    pub origin: WebhookOrigin,
    /// The address to which events are sent.
    pub url: WebhookUrl,
    /// The names of the kinds that are sent; all of them if there are none. A later version may have stored kinds that this one
    /// does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether events are sent.
    pub state: WebhookState,
    /// The secrets that sign, the newest first.
    pub secrets: Vec<WebhookSecretRecord>,
    /// Only events with greater numbers are sent: those that came later than the endpoint.
    pub begins_after: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// What manages an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookOrigin {
    /// The command line.
    CommandLine,
    /// `WEBHOOKS_FILE`.
    File,
}

/// Whether events are sent to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// They are sent.
    Enabled,
    /// They wait: an operator paused the endpoint.
    Paused,
    /// They are not sent and do not wait: the endpoint answered 410 (Gone).
    Gone,
}

impl WebhookState {
    /// Its name in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Gone => "gone",
        }
    }
}

/// How an endpoint's messages are signed (Standard Webhooks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookScheme {
    /// HMAC-SHA256, with a secret that the receiver has, too.
    V1,
    /// Ed25519: the receiver has only the public key.
    V1a,
}

impl WebhookScheme {
    /// Its identifier in front of a signature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }
}

/// The stored form of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecretRecord {
    /// What it signs with.
    pub scheme: WebhookScheme,
    /// The secret, sealed under a key that is derived from the server secret.
    pub sealed: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops signing; `None`: not by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl WebhookSecretRecord {
    /// Whether it signs at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

impl Webhook {
    /// Whether the event with this number and kind is for this endpoint.
    pub fn wants(&self, seq: u64, kind: &str) -> bool {
        self.state != WebhookState::Gone
            && seq > self.begins_after
            && (self.kinds.is_empty() || self.kinds.iter().any(|wanted| wanted == kind))
    }
}
