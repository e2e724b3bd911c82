//! Signing with a version of a transit key.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jose::Algorithm;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Pace};
use super::session::Session;
use super::transit::Place;
use crate::keys::{RemoteKey, SignError};

/// A key with which Vault signs.
pub(super) struct TransitKey {
    pub(super) session: Arc<Session>,
    pub(super) place: Place,
    pub(super) algorithm: Algorithm,
}

#[derive(Deserialize)]
struct Answered {
    data: Signed,
}

#[derive(Deserialize)]
struct Signed {
    signature: String,
}

#[async_trait]
impl RemoteKey for TransitKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let path = format!("{}/sign/{}", self.place.mount, self.place.name);
        let call = Call::post(path, &order(self.algorithm, self.place.version, message), Pace::QUICK);
        let Answered { data } = self.session.ask(call).await?.read()?;
        signature_of(self.algorithm, self.place.version, &data.signature).ok_or_else(|| {
            tracing::error!(place = %self.place, "Vault answered with the signature of another version, or with none");
            SignError::Failed
        })
    }
}

/// The input for Vault: the hash of the message is enough, so that the claims stay here. Only Ed25519 hashes
/// by itself.
fn order(algorithm: Algorithm, version: u64, message: &[u8]) -> Value {
    let hash = || STANDARD.encode(digest::digest(&digest::SHA256, message));
    let hashed = |more: Value| {
        let mut order = json!({
            "input": hash(), "key_version": version, "prehashed": true, "hash_algorithm": "sha2-256",
        });
        if let (Value::Object(order), Value::Object(more)) = (&mut order, more) {
            order.extend(more);
        }
        order
    };
    match algorithm {
        Algorithm::Rs256 => hashed(json!({ "signature_algorithm": "pkcs1v15" })),
        Algorithm::Ps256 => hashed(json!({ "signature_algorithm": "pss", "salt_length": "hash" })),
        Algorithm::Es256 => hashed(json!({ "marshaling_algorithm": "jws" })),
        // Signed as it is: the engine hashes by itself. It makes no ML-DSA keys for this service.
        Algorithm::EdDsa | Algorithm::MlDsa44 | Algorithm::MlDsa65 | Algorithm::MlDsa87 => {
            json!({ "input": STANDARD.encode(message), "key_version": version })
        }
    }
}

/// The signature in `vault:v<version>:<base64>`, if it is of this version.
fn signature_of(algorithm: Algorithm, version: u64, text: &str) -> Option<Vec<u8>> {
    let encoded = text.strip_prefix("vault:v")?.strip_prefix(&version.to_string())?.strip_prefix(':')?;
    match algorithm {
        Algorithm::Es256 => URL_SAFE_NO_PAD.decode(encoded),
        _ => STANDARD.decode(encoded),
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use jose::Algorithm;

    use super::signature_of;

    #[test]
    fn a_signature_is_of_the_version_that_was_asked_for() {
        let of = |algorithm, text| signature_of(algorithm, 2, text);
        assert_eq!(of(Algorithm::Rs256, "vault:v2:+/8="), Some(vec![0xfb, 0xff]));
        assert_eq!(of(Algorithm::Es256, "vault:v2:-_8"), Some(vec![0xfb, 0xff]));
        for text in
            ["", "vault:v1:+/8=", "vault:v22:+/8=", "vault:v2", "v2:+/8=", "vault:v2:+/8", "vault:v2:-_8="]
        {
            assert_eq!(of(Algorithm::Rs256, text), None, "{text}");
        }
    }
}
