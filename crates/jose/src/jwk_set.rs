//! JWK Sets (RFC 7517 §5).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::{self, Json};
use crate::{Jwk, KeyError};

/// A set of public keys.
///
/// When a set is read, keys of unknown `kty` are skipped, as RFC 7517 §5 requires. A damaged key of a known
/// kind, a symmetric key, a private key or a repeated `kid` makes the whole set invalid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Received")]
pub struct JwkSet {
    /// The keys in their order.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set from JSON text.
    ///
    /// # Errors
    /// `InvalidJwk`.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        json::check(text.as_bytes())
            .map_err(|_| KeyError::InvalidJwk("the set is not a strict JSON object"))?;
        serde_json::from_str(text).map_err(|_| {
            KeyError::InvalidJwk("the set holds a damaged or private key, or two keys of the same \"kid\"")
        })
    }

    /// The key with this name.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid() == Some(kid))
    }
}

/// The keys stay text until their kind is known. A `serde_json::Value` cannot be used: if the only member of
/// an object has a certain private name of serde_json, it reads the object as the JSON text in that member.
#[derive(Deserialize)]
struct Received {
    keys: Vec<Box<RawValue>>,
}

impl TryFrom<Received> for JwkSet {
    type Error = KeyError;

    fn try_from(received: Received) -> Result<Self, KeyError> {
        let mut set = Self::default();
        for key in received.keys {
            if !is_known_kind(key.get())? {
                continue;
            }
            let key = Jwk::from_json(key.get())?;
            if key.kid().is_some_and(|kid| set.find(kid).is_some()) {
                return Err(KeyError::InvalidJwk("two keys have the same \"kid\""));
            }
            set.keys.push(key);
        }
        Ok(set)
    }
}

/// `oct` counts as known, so that a symmetric key is refused and not passed over.
fn is_known_kind(key: &str) -> Result<bool, KeyError> {
    let key = Json::object(key).map_err(|_| KeyError::InvalidJwk("a key is not a strict JSON object"))?;
    match key.get("kty").and_then(Json::text) {
        Some(kty) => Ok(matches!(kty, "RSA" | "EC" | "OKP" | "AKP" | "oct")),
        None => Err(KeyError::InvalidJwk("a key has no \"kty\"")),
    }
}
