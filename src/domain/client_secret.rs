//! Secrets of clients: 256 random bits, of which only a hash is stored.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The SHA-256 of a client's secret. A secret has 256 random bits, so that a fast hash is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecretHash {
    /// 64 hex digits.
    pub sha256: String,
    /// When the secret was made.
    pub created_at: Timestamp,
    /// When it stops being valid; `None`: not by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
