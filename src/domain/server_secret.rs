//! The record of the server secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Home, Timestamp};

/// The secret that all instances share, as it is stored beside the private keys. `Debug` does not show it,
/// and it is wiped when it is dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerSecretRecord {
    /// The secret itself, or its sealed form.
    pub home: Home,
    /// When it was made.
    pub made_at: Timestamp,
    /// Members that this program does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Why the secret beside the keys cannot be used, although it exists. The keys do not depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerSecretFault {
    text: String,
    sealed: Option<ServerSecretRecord>,
}

impl ServerSecretFault {
    /// A secret that cannot be used because of `error`, whose text says what to do.
    pub fn new(error: &dyn fmt::Display) -> Self {
        Self { text: error.to_string(), sealed: None }
    }

    /// The same for a secret in the document of the ring, which must stay there.
    pub fn of_sealed(error: &dyn fmt::Display, sealed: ServerSecretRecord) -> Self {
        Self { sealed: Some(sealed), ..Self::new(error) }
    }

    /// The value in the document of the ring, to be written back unchanged.
    pub fn sealed(&self) -> Option<&ServerSecretRecord> {
        self.sealed.as_ref()
    }
}

impl fmt::Display for ServerSecretFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ServerSecretRecord {
    /// The scheme of a place that is the secret itself.
    pub const SCHEME: &'static str = "text";
    /// The length of the shortest server secret, in bytes of its text.
    pub const SHORTEST: usize = 32;

    /// A secret that is known to this program.
    pub fn new(secret: &str, made_at: Timestamp) -> Self {
        Self { home: Home::new(Self::SCHEME, secret), made_at, rest: Map::new() }
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        self.home.place()
    }
}
