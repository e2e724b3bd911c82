//! A running instance, as the other instances see it.

use serde::{Deserialize, Serialize};

use super::{RingRecord, Timestamp};

/// The keys with which an instance signs and verifies, and the time of its last heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// A name that no other process has.
    pub id: String,
    /// The place of its keys, as text for people.
    pub custody: String,
    /// Whether all instances on its database read the same ring. If a program does not record this, its keys
    /// are compared.
    #[serde(default)]
    pub shares_ring: bool,
    /// The thumbprint (RFC 7638) of the key that it signs with.
    pub signs: String,
    /// The thumbprints of all keys in its key set.
    pub verifies: Vec<String>,
    /// The newest version of the ring's document that it can read.
    #[serde(default = "version_of_earlier_programs")]
    pub ring_version: u32,
    /// The time of its last heartbeat.
    pub at: Timestamp,
}

impl Instance {
    /// Seconds without a heartbeat after which an instance counts as gone.
    pub const SILENCE_SECS: u64 = 60;

    /// Whether it still counts as running. A heartbeat from the future comes from a wrong clock, and proves
    /// nothing.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let (first, last) = (now.minus_secs(Self::SILENCE_SECS), now.plus_secs(Self::SILENCE_SECS));
        (first..=last).contains(&self.at)
    }
}

/// If a program does not record which version it can read, it can read the first one.
fn version_of_earlier_programs() -> u32 {
    RingRecord::VERSION
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Instance;

    #[test]
    fn a_record_of_an_earlier_program_claims_no_shared_ring() {
        let earlier = json!({ "id": "a", "custody": "database", "signs": "t", "verifies": ["t"], "at": 5 });
        let read: Instance = serde_json::from_value(earlier.clone()).unwrap();
        assert!(!read.shares_ring);
        let again = serde_json::to_value(Instance { shares_ring: true, ..read }).unwrap();
        assert_eq!(again["shares_ring"], true);
        assert_eq!(again["custody"], earlier["custody"]);
    }
}
