//! What is written down of the server secret.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Home, Timestamp};

/// The secret that all instances share, as it is kept beside the private keys. Silent in `Debug`, wiped when dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerSecretRecord {
    /// The secret, or what seals it.
    pub home: Home,
    /// When it was made.
    pub made_at: Timestamp,
    /// What this program does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl ServerSecretRecord {
    /// The scheme of a home whose place is the secret itself.
    pub const SCHEME: &'static str = "text";
    /// The length of the shortest server secret, in bytes of its text.
    pub const SHORTEST: usize = 32;

    /// A secret that is known.
    pub fn new(secret: &str, made_at: Timestamp) -> Self {
        Self { home: Home::new(Self::SCHEME, secret), made_at, rest: Map::new() }
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        self.home.place()
    }
}
