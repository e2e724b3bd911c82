//! A running instance, as the others see it.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Which keys an instance signs and verifies with, and when it last said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// A name that no other process has.
    pub id: String,
    /// Where its keys are, for people.
    pub custody: String,
    /// The thumbprint (RFC 7638) of the key that it signs with.
    pub signs: String,
    /// The thumbprints of all keys in its key set.
    pub verifies: Vec<String>,
    /// When it last said so.
    pub at: Timestamp,
}
