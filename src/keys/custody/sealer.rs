//! `KEY_ENCRYPTION_KEY`: seals secrets (AES-256-GCM, NIST SP 800-38D) and authenticates documents
//! (HMAC-SHA256, RFC 2104) for a place that others can read and write. It does not know what the sealed data
//! means.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// The bytes of a sealing key, and of the keys that are derived from it.
const KEY_BYTES: usize = 32;
/// The purpose of the derived key that authenticates documents (the `info` of RFC 5869 §2.3).
const AUTHENTICATION_LABEL: &[u8] = b"jwt-generator document authentication 1";

/// The sealing keys: the first one seals and authenticates, all of them open and verify.
pub struct Sealer {
    keys: Vec<SealingKey>,
}

struct SealingKey {
    /// Eight hex digits of the key's hash: enough to distinguish keys, and not enough to guess a key.
    fingerprint: String,
    encryption: RandomizedNonceKey,
    authentication: hmac::Key,
}

/// Why something cannot be sealed, opened or verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealerError {
    /// A sealing key is not 32 bytes.
    #[error("must be 32 bytes in base64, or several of these separated by commas; `keys secret` makes one")]
    Malformed,
    /// The key that sealed it is not among the sealing keys.
    #[error("sealed with another KEY_ENCRYPTION_KEY (fingerprint {sealed_with}; yours: {yours})")]
    OtherKey {
        /// The fingerprint of the key that sealed it.
        sealed_with: String,
        /// The fingerprints of the keys that are set.
        yours: String,
    },
    /// The seal or the authentication code does not fit.
    #[error("the seal does not fit")]
    Altered,
    /// The crypto library refused.
    #[error("the cryptographic library could not seal")]
    Failed,
}

impl Sealer {
    /// Reads `KEY_ENCRYPTION_KEY`.
    ///
    /// # Errors
    /// [`SealerError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, SealerError> {
        let keys = text.split(',').map(|part| {
            let bytes = Zeroizing::new(STANDARD.decode(part.trim()).map_err(|_| SealerError::Malformed)?);
            if bytes.len() == KEY_BYTES { SealingKey::new(&bytes) } else { Err(SealerError::Malformed) }
        });
        Ok(Self { keys: keys.collect::<Result<_, _>>()? })
    }

    /// Seals `secret` with the first key. It can be opened only with the same `associated_data`.
    ///
    /// # Errors
    /// [`SealerError::Failed`].
    pub fn seal(&self, associated_data: &[u8], secret: &[u8]) -> Result<String, SealerError> {
        let key = self.keys.first().ok_or(SealerError::Malformed)?;
        let mut text = Zeroizing::new(secret.to_vec());
        let associated_data = Aad::from(associated_data);
        let nonce = key
            .encryption
            .seal_in_place_append_tag(associated_data, &mut *text)
            .map_err(|_| SealerError::Failed)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&text);
        Ok(key.mark(&sealed))
    }

    /// Opens what was sealed with this `associated_data`.
    ///
    /// # Errors
    /// [`SealerError`].
    pub fn open(&self, associated_data: &[u8], sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealerError> {
        let (key, bytes) = self.key_of(sealed)?;
        let mut bytes = Zeroizing::new(bytes);
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(SealerError::Altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealerError::Altered)?;
        let opened = key.encryption.open_in_place(nonce, Aad::from(associated_data), text);
        opened.map(|text| Zeroizing::new(text.to_vec())).map_err(|_| SealerError::Altered)
    }

    /// The authentication code of `document` under the first key.
    ///
    /// # Errors
    /// [`SealerError::Malformed`] if there is no key.
    pub fn authenticate(&self, document: &[u8]) -> Result<String, SealerError> {
        let key = self.keys.first().ok_or(SealerError::Malformed)?;
        Ok(key.mark(hmac::sign(&key.authentication, document).as_ref()))
    }

    /// Checks that one of the keys made `code` for `document`.
    ///
    /// # Errors
    /// [`SealerError`].
    pub fn verify(&self, document: &[u8], code: &str) -> Result<(), SealerError> {
        let (key, code) = self.key_of(code)?;
        hmac::verify(&key.authentication, document, &code).map_err(|_| SealerError::Altered)
    }

    /// The key whose fingerprint is in front of the dot, and the bytes behind it.
    fn key_of(&self, marked: &str) -> Result<(&SealingKey, Vec<u8>), SealerError> {
        let (fingerprint, text) = marked.split_once('.').ok_or(SealerError::Altered)?;
        let key = self.keys.iter().find(|key| key.fingerprint == fingerprint).ok_or_else(|| {
            let yours: Vec<_> = self.keys.iter().map(|key| key.fingerprint.as_str()).collect();
            SealerError::OtherKey { sealed_with: printable(fingerprint), yours: yours.join(", ") }
        })?;
        Ok((key, URL_SAFE_NO_PAD.decode(text).map_err(|_| SealerError::Altered)?))
    }
}

impl SealingKey {
    fn new(bytes: &[u8]) -> Result<Self, SealerError> {
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        Salt::new(HKDF_SHA256, &[])
            .extract(bytes)
            .expand(&[AUTHENTICATION_LABEL], DerivedKey)
            .and_then(|derivation| derivation.fill(&mut *derived))
            .map_err(|_| SealerError::Failed)?;
        Ok(Self {
            fingerprint: fingerprint(bytes),
            encryption: RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| SealerError::Failed)?,
            authentication: hmac::Key::new(hmac::HMAC_SHA256, &*derived),
        })
    }

    /// `bytes` as text, with the key that made them.
    fn mark(&self, bytes: &[u8]) -> String {
        format!("{}.{}", self.fingerprint, URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The length of the derived key.
struct DerivedKey;

impl KeyType for DerivedKey {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

fn fingerprint(key: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, key);
    hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// A fingerprint from a place that others can write to; messages show it.
fn printable(fingerprint: &str) -> String {
    fingerprint.chars().filter(char::is_ascii_hexdigit).take(8).collect()
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.fingerprint)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Sealer, SealerError};

    const OLD: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const NEW: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=";

    fn sealer(text: &str) -> Sealer {
        Sealer::parse(text).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_with_the_same_associated_data_alone() {
        let sealed = sealer(OLD).seal(b"one", b"secret").unwrap();
        assert_eq!(**sealer(OLD).open(b"one", &sealed).unwrap(), *b"secret");
        assert_eq!(sealer(OLD).open(b"other", &sealed).unwrap_err(), SealerError::Altered);
    }

    #[test]
    fn a_code_fits_its_document_alone() {
        let code = sealer(OLD).authenticate(b"document").unwrap();
        assert_eq!(sealer(OLD).verify(b"document", &code), Ok(()));
        assert_eq!(sealer(OLD).verify(b"dokument", &code), Err(SealerError::Altered));
        assert_eq!(sealer(OLD).verify(b"document", &code[..code.len() - 1]), Err(SealerError::Altered));
        assert_eq!(sealer(OLD).verify(b"document", ""), Err(SealerError::Altered));
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let both = sealer(&format!("{NEW},{OLD}"));
        let (by_old, by_both) = (sealer(OLD).seal(b"", b"1").unwrap(), both.seal(b"", b"2").unwrap());
        assert_eq!(**both.open(b"", &by_old).unwrap(), *b"1");
        assert_eq!(**sealer(NEW).open(b"", &by_both).unwrap(), *b"2");
        let code = sealer(OLD).authenticate(b"document").unwrap();
        assert_eq!(both.verify(b"document", &code), Ok(()));
        assert!(matches!(sealer(NEW).verify(b"document", &code), Err(SealerError::OtherKey { .. })));
    }

    /// A code is not a seal, and a seal is not a code: they use different keys.
    #[test]
    fn a_sealed_text_is_not_an_authentication_code() {
        let sealed = sealer(OLD).seal(b"document", b"").unwrap();
        assert_eq!(sealer(OLD).verify(b"document", &sealed), Err(SealerError::Altered));
    }

    #[test]
    fn only_32_bytes_in_base64_are_a_key() {
        for text in ["", "AAAA", "not base64", &format!("{OLD},"), &format!("{OLD},AAAA")] {
            assert_eq!(Sealer::parse(text).unwrap_err(), SealerError::Malformed, "{text}");
        }
    }
}
