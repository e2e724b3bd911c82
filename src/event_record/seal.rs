//! Personal data in events: it is sealed (AES-256-GCM, NIST SP 800-38D) under a key of the person. When that key is
//! destroyed, the data is gone, and the records and the chain over them stay as they are.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::domain::{EventId, Secret};
use crate::entropy::{Entropy, EntropyError};

/// The key of a person.
#[derive(Clone, Debug)]
pub struct PersonKey(Secret<[u8; Self::BYTES]>);

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with another key or for another event, or it was changed.
    #[error("the seal does not fit")]
    Altered,
    /// The crypto library refused.
    #[error("the cryptographic library could not seal")]
    Failed,
    /// There are no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl PersonKey {
    /// The bytes of a key.
    pub const BYTES: usize = 32;

    /// A new key.
    ///
    /// # Errors
    /// [`EntropyError`] if the system gives no random numbers.
    pub fn random(entropy: &Entropy) -> Result<Self, EntropyError> {
        Ok(Self(Secret::new(entropy.bytes()?)))
    }

    /// The key of these bytes; `None` if they are too many or too few.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Secret::new).map(Self)
    }

    /// The key itself, for the store that keeps it.
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        self.0.expose()
    }

    /// Seals `text` for this event: a random nonce, the text and its tag, in base64url.
    ///
    /// # Errors
    /// [`SealError::Failed`] and [`SealError::Entropy`].
    pub fn seal(&self, event: EventId, text: &str, entropy: &Entropy) -> Result<String, SealError> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes()?;
        let mut sealed = nonce.to_vec();
        let mut text = Zeroizing::new(text.as_bytes().to_vec());
        let associated_data = Aad::from(event.as_bytes());
        self.cipher()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated_data, &mut *text)
            .map_err(|_| SealError::Failed)?;
        sealed.extend_from_slice(&text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what was sealed for this event.
    ///
    /// # Errors
    /// [`SealError::Altered`] and [`SealError::Failed`].
    pub fn open(&self, event: EventId, sealed: &str) -> Result<Zeroizing<String>, SealError> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::Altered)?;
        let mut bytes = Zeroizing::new(bytes);
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(SealError::Altered)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Altered)?;
        let opened = self.cipher()?.open_in_place(nonce, Aad::from(event.as_bytes()), text);
        let opened = opened.map_err(|_| SealError::Altered)?;
        let text = std::str::from_utf8(opened).map_err(|_| SealError::Altered)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, self.expose()).map_err(|_| SealError::Failed)?;
        Ok(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::{PersonKey, SealError};
    use crate::domain::{EventId, Timestamp};
    use crate::entropy::Entropy;

    #[test]
    fn a_sealed_text_opens_only_with_its_key_and_for_its_event() {
        let entropy = Entropy::seeded(1);
        let (key, other) = (PersonKey::random(&entropy).unwrap(), PersonKey::random(&entropy).unwrap());
        let id = |random| EventId::new(Timestamp::from_secs(1), [random; 10]);
        let sealed = key.seal(id(1), "ada@example.com", &entropy).unwrap();
        assert!(!sealed.contains("ada"));
        assert_ne!(key.seal(id(1), "ada@example.com", &entropy).unwrap(), sealed, "the nonce is random");
        let same = PersonKey::from_bytes(key.expose()).unwrap();
        assert_eq!(same.open(id(1), &sealed).unwrap().as_str(), "ada@example.com");
        for refused in
            [other.open(id(1), &sealed), key.open(id(2), &sealed), key.open(id(1), ""), key.open(id(1), "!")]
        {
            assert_eq!(refused.unwrap_err(), SealError::Altered);
        }
        assert!(PersonKey::from_bytes(&[0; 31]).is_none());
        assert_eq!(format!("{key:?}"), "PersonKey(Secret)");
    }
}
