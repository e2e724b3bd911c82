//! Sealing private halves for a place that others can read: AES-256-GCM (NIST SP 800-38D) under the operator's
//! `KEY_ENCRYPTION_KEY`, with all that the record says of the key bound to it. Who alters a record breaks its seal.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::domain::{Home, KeyRecord, Kid};

/// Bytes of a sealing key.
const LENGTH: usize = 32;
/// The scheme of what is sealed.
const SCHEME: &str = "sealed";

/// The sealing keys: the first seals, all open.
pub struct Sealing {
    keys: Vec<(String, RandomizedNonceKey)>,
}

/// Why something cannot be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// A sealing key is not 32 bytes.
    #[error("must be 32 bytes in base64, or several such separated by commas; `keys secret` makes one")]
    NoKey,
    /// None of the sealing keys is the one.
    #[error(
        "key {kid} was sealed with another KEY_ENCRYPTION_KEY (fingerprint {sealed_with}; yours: {yours}); \
         nothing has been changed: set the one that sealed it, behind a comma where it is an older one"
    )]
    OtherKey {
        /// The key of the ring.
        kid: Kid,
        /// The fingerprint of the sealing key.
        sealed_with: String,
        /// The fingerprints of those that are set.
        yours: String,
    },
    /// The seal is broken.
    #[error(
        "the record of key {0} in the database has been altered: its seal does not fit; nothing of the ring is used: \
         restore the database from a backup"
    )]
    Altered(Kid),
    /// There is no seal.
    #[error(
        "the record of key {0} in the database is not sealed, and KEY_ENCRYPTION_KEY says that it should be: if you have \
         just set it, `keys reseal` seals all; if not, somebody else wrote this record"
    )]
    Unsealed(Kid),
    /// The library refused.
    #[error("the cryptographic library could not seal")]
    Failed,
}

impl Sealing {
    /// Reads `KEY_ENCRYPTION_KEY`.
    ///
    /// # Errors
    /// [`SealingError::NoKey`].
    pub fn parse(text: &str) -> Result<Self, SealingError> {
        let keys = text.split(',').map(|part| {
            let bytes = Zeroizing::new(STANDARD.decode(part.trim()).map_err(|_| SealingError::NoKey)?);
            if bytes.len() != LENGTH {
                return Err(SealingError::NoKey);
            }
            let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| SealingError::Failed)?;
            Ok((fingerprint(&bytes), key))
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Seals the home of `key`, or, where it has none, the record alone.
    ///
    /// # Errors
    /// [`SealingError::Failed`].
    pub fn seal(&self, key: &KeyRecord) -> Result<Home, SealingError> {
        let (id, sealing) = self.keys.first().ok_or(SealingError::NoKey)?;
        let mut text = Zeroizing::new(key.home.as_ref().map_or("", Home::expose).as_bytes().to_vec());
        let bound = Aad::from(bound(key));
        let nonce = sealing.seal_in_place_append_tag(bound, &mut *text).map_err(|_| SealingError::Failed)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&text);
        Ok(Home::new(SCHEME, &format!("{id}.{}", URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// The home that was sealed with `key`'s record.
    ///
    /// # Errors
    /// [`SealingError`]; a record without a seal is none of ours.
    pub fn open(&self, key: &KeyRecord) -> Result<Option<Home>, SealingError> {
        let altered = || SealingError::Altered(key.kid.clone());
        let unsealed = || SealingError::Unsealed(key.kid.clone());
        let home = key.home.as_ref().filter(|home| home.scheme() == SCHEME).ok_or_else(unsealed)?;
        let (id, sealed) = home.place().split_once('.').ok_or_else(altered)?;
        let (_, sealing) =
            self.keys.iter().find(|(of_key, _)| of_key == id).ok_or_else(|| self.other(key, id))?;
        let mut sealed = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).map_err(|_| altered())?);
        let (nonce, text) = sealed.split_at_mut_checked(NONCE_LEN).ok_or_else(altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| altered())?;
        let text = sealing.open_in_place(nonce, Aad::from(bound(key)), text).map_err(|_| altered())?;
        let text = std::str::from_utf8(text).map_err(|_| altered())?;
        Ok(text.split_once(':').map(|(scheme, place)| Home::new(scheme, place)))
    }

    /// Whether `home` is sealed.
    pub fn is_sealed(home: &Home) -> bool {
        home.scheme() == SCHEME
    }

    fn other(&self, key: &KeyRecord, id: &str) -> SealingError {
        let yours: Vec<_> = self.keys.iter().map(|(id, _)| id.as_str()).collect();
        SealingError::OtherKey { kid: key.kid.clone(), sealed_with: id.to_owned(), yours: yours.join(", ") }
    }
}

/// Eight hex digits of the key's hash: enough to tell keys apart, and nothing to guess a key by.
fn fingerprint(key: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, key);
    hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// What of a record its seal holds: all that says what the key may be used for, and when. A list of fixed members, so
/// that a program that knows more of them still agrees with one that does not.
fn bound(key: &KeyRecord) -> Vec<u8> {
    let members = (
        "jwt-generator key record 1",
        &key.kid,
        &key.aliases,
        &key.alg,
        key.state,
        &key.public,
        (key.published_at, key.activates_at, key.activated_at, key.retired_at, key.removes_at),
        key.carries,
    );
    serde_json::to_vec(&members).unwrap_or_default()
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}
