//! What is written down of a key: enough to know at any instant, after any restart, what it may be used for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Kid, Timestamp};

/// Where a key is in its life. It only ever goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// In the key set, and not signing yet.
    Published,
    /// Signs.
    Active,
    /// Verifies, and signs no more.
    Retired,
    /// Gone: the last token that it signed has expired.
    Removed,
}

/// A key's kind, its state, and its instants in whole seconds. Members that a newer program wrote are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its name in the key set.
    pub kid: Kid,
    /// The JWA name of its algorithm (RFC 7518 §3.1).
    pub alg: String,
    /// The length of an RSA modulus; of other keys, what their curve has.
    pub bits: u32,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it entered the key set.
    pub published_at: Timestamp,
    /// When it is to sign, at the earliest.
    pub activates_at: Timestamp,
    /// When it began to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<Timestamp>,
    /// When it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// When it is to leave the key set, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removes_at: Option<Timestamp>,
    /// The longest life, in seconds, of a token that it may sign.
    pub carries: u64,
    /// What this program does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// All keys of a ring, those that are gone among them, as one document that is replaced whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RingRecord {
    /// The form of this document.
    pub version: u32,
    /// Counts the replacements; whoever replaces names the one that they saw.
    pub revision: u64,
    /// The lead, in seconds, under which the key set is served: how long an answer may be kept, and more.
    pub lead: u64,
    /// Till when answers may be kept that were served under an earlier, longer lead.
    pub kept_until: Timestamp,
    /// The keys, the oldest first.
    pub keys: Vec<KeyRecord>,
    /// What this program does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl RingRecord {
    /// The form that this program writes.
    pub const VERSION: u32 = 1;

    /// A ring that has served nobody yet.
    pub fn empty() -> Self {
        Self {
            version: Self::VERSION,
            revision: 0,
            lead: 0,
            kept_until: Timestamp::from_secs(0),
            keys: Vec::new(),
            rest: Map::new(),
        }
    }

    /// The key that signs.
    pub fn active(&self) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.state == KeyState::Active)
    }

    /// The key that is to sign next: of several, the one whose turn comes first.
    pub fn next(&self) -> Option<&KeyRecord> {
        let published = self.keys.iter().filter(|key| key.state == KeyState::Published);
        published.min_by_key(|key| key.activates_at)
    }

    /// The keys in the key set.
    pub fn verifying(&self) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().filter(|key| key.state != KeyState::Removed)
    }
}

#[cfg(test)]
mod tests {
    use super::RingRecord;

    #[test]
    fn what_a_newer_program_wrote_survives() {
        let text = r#"{"version":1,"revision":7,"lead":9,"kept_until":0,"region":"eu","keys":[{"kid":"k","alg":"RS256","bits":2048,"state":"active","published_at":1,"activates_at":1,"activated_at":1,"carries":60,"home":{"kms":"arn"}}]}"#;
        let ring: RingRecord = serde_json::from_str(text).unwrap();
        let again: serde_json::Value = serde_json::to_value(&ring).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn a_kid_that_is_none_is_refused() {
        let text = r#"{"version":1,"revision":0,"lead":0,"kept_until":0,"keys":[{"kid":"a b","alg":"RS256","bits":2048,"state":"active","published_at":1,"activates_at":1,"carries":1}]}"#;
        assert!(serde_json::from_str::<RingRecord>(text).is_err());
    }
}
