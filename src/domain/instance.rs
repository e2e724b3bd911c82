//! A running instance, as the others see it.

use serde::{Deserialize, Serialize};

use super::{RingRecord, Timestamp};

/// Which keys an instance signs and verifies with, and when it last said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// A name that no other process has.
    pub id: String,
    /// Where its keys are, for people.
    pub custody: String,
    /// Whether all instances on its database read the same ring. Programs that do not say so are held to their keys.
    #[serde(default)]
    pub shares_ring: bool,
    /// The thumbprint (RFC 7638) of the key that it signs with.
    pub signs: String,
    /// The thumbprints of all keys in its key set.
    pub verifies: Vec<String>,
    /// The newest form of the ring's document that it can read.
    #[serde(default = "version_of_earlier_programs")]
    pub ring_version: u32,
    /// When it last said so.
    pub at: Timestamp,
}

impl Instance {
    /// Seconds after which an instance that has said nothing counts as gone.
    pub const SILENCE_SECS: u64 = 60;

    /// Whether it still counts as running. A heartbeat from the future is of a clock that is wrong, and says nothing.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let (first, last) = (now.minus_secs(Self::SILENCE_SECS), now.plus_secs(Self::SILENCE_SECS));
        (first..=last).contains(&self.at)
    }
}

/// Programs that do not say which form they can read are of the time of the first.
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
