//! One immutable snapshot of the keys, with everything that a request needs prepared.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jose::{JwkSet, ProtectedHeader, SigningKey, VerifyingKey};

use crate::domain::{Kid, Timestamp};

/// The key that signs.
#[derive(Debug)]
pub struct ActiveKey {
    kid: Kid,
    created_at: Timestamp,
    signing: SigningKey,
    protected_header: String,
}

impl ActiveKey {
    /// Its id.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// When it was made.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The key itself.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The encoded header of every token that it signs.
    pub fn protected_header(&self) -> &str {
        &self.protected_header
    }
}

/// A document that is published as it is: its bytes and their entity tag (RFC 9110 §8.8.3).
#[derive(Clone, Debug)]
pub struct Published {
    /// The document.
    pub body: Bytes,
    /// A strong entity tag with its quotes.
    pub etag: String,
}

impl Published {
    /// Prepares a document; equal bytes have equal tags on every instance.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let hash = digest::digest(&digest::SHA256, &body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        Self { body, etag }
    }
}

/// All keys of one moment.
#[derive(Debug)]
pub struct Ring {
    active: Arc<ActiveKey>,
    verifying: Vec<(Kid, VerifyingKey)>,
    jwks: Published,
    public_pem: Published,
}

impl Ring {
    /// The ring of one key. Where the key has a `kid` of the operator's choosing it is published under the
    /// original's kid too: the original signed with that one whatever `KEY_ID` said, and its tokens are in the field.
    pub fn new(signing: SigningKey, kid: Kid, created_at: Timestamp) -> Self {
        let mut kids = vec![kid.clone()];
        if kid != Kid::original() {
            kids.push(Kid::original());
        }
        let verifying: Vec<_> = kids.into_iter().map(|kid| (kid, signing.verifying_key().clone())).collect();
        let keys = verifying.iter().map(|(kid, key)| key.to_jwk(kid.as_str())).collect();
        let jwks = serde_json::to_vec(&JwkSet { keys }).unwrap_or_default();
        let public_pem = Published::new(signing.verifying_key().to_spki_pem());
        let protected_header = ProtectedHeader::encode(signing.algorithm(), kid.as_str());
        let active = Arc::new(ActiveKey { kid, created_at, signing, protected_header });
        Self { active, verifying, jwks: Published::new(jwks), public_pem }
    }

    /// The key that signs.
    pub fn active(&self) -> &Arc<ActiveKey> {
        &self.active
    }

    /// The key to verify with, by the `kid` of a token's header.
    pub fn verifying(&self, kid: &str) -> Option<&VerifyingKey> {
        self.verifying.iter().find(|(of_key, _)| of_key.as_str() == kid).map(|(_, key)| key)
    }

    /// The JSON Web Key Set (RFC 7517 §5).
    pub fn jwks(&self) -> &Published {
        &self.jwks
    }

    /// The active key's public half as PEM (SPKI).
    pub fn public_pem(&self) -> &Published {
        &self.public_pem
    }
}
