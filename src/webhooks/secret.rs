//! The secrets that sign webhooks, in the forms that Standard Webhooks gives them, and sealed for the store.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::domain::{Secret, WebhookId, WebhookScheme};
use crate::entropy::{Entropy, EntropyError};
use crate::server_secret::{SUBKEY_BYTES, SubKeys};

const SYMMETRIC_PREFIX: &str = "whsec_";
const PRIVATE_PREFIX: &str = "whsk_";
const PUBLIC_PREFIX: &str = "whpk_";
/// The seed of an Ed25519 key (RFC 8032 §5.1.5), and a new symmetric secret.
const NEW_BYTES: usize = 32;
/// The lengths of symmetric secrets that the specification permits.
const SYMMETRIC_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that signs the messages to one endpoint. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct WebhookSecret {
    scheme: WebhookScheme,
    bytes: Secret<Vec<u8>>,
}

/// Why a secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretError {
    /// The text has not the form of a secret.
    #[error(
        "must be whsec_ and 24 to 64 bytes in base64 (HMAC-SHA256), or whsk_ and the 32 bytes of an Ed25519 key in base64"
    )]
    Malformed,
    /// It was sealed under another server secret, or for another endpoint, or it was changed.
    #[error(
        "the secret was sealed with a server secret that is not known here; rotate the secret of the endpoint"
    )]
    Sealed,
    /// There is no server secret yet.
    #[error("there is no server secret yet: start the server once, or set SERVER_SECRET")]
    NoServerSecret,
    /// The crypto library refused.
    #[error("the cryptographic library refused")]
    Refused,
    /// There are no random numbers.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl WebhookSecret {
    /// A new secret.
    ///
    /// # Errors
    /// [`WebhookSecretError::Entropy`].
    pub fn random(scheme: WebhookScheme, entropy: &Entropy) -> Result<Self, WebhookSecretError> {
        Ok(Self { scheme, bytes: Secret::new(entropy.bytes::<NEW_BYTES>()?.to_vec()) })
    }

    /// Reads `whsec_…` or `whsk_…`.
    ///
    /// # Errors
    /// [`WebhookSecretError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let (scheme, encoded) = match (text.strip_prefix(SYMMETRIC_PREFIX), text.strip_prefix(PRIVATE_PREFIX))
        {
            (Some(encoded), _) => (WebhookScheme::V1, encoded),
            (None, Some(encoded)) => (WebhookScheme::V1a, encoded),
            (None, None) => return Err(WebhookSecretError::Malformed),
        };
        let bytes = Secret::new(STANDARD.decode(encoded).map_err(|_| WebhookSecretError::Malformed)?);
        Self::of(scheme, bytes)
    }

    fn of(scheme: WebhookScheme, bytes: Secret<Vec<u8>>) -> Result<Self, WebhookSecretError> {
        let fits = match scheme {
            WebhookScheme::V1 => SYMMETRIC_BYTES.contains(&bytes.expose().len()),
            WebhookScheme::V1a => bytes.expose().len() == NEW_BYTES,
        };
        if fits { Ok(Self { scheme, bytes }) } else { Err(WebhookSecretError::Malformed) }
    }

    /// What it signs with.
    pub fn scheme(&self) -> WebhookScheme {
        self.scheme
    }

    /// The secret as text, to be shown once.
    pub fn to_text(&self) -> Secret<String> {
        let prefix = match self.scheme {
            WebhookScheme::V1 => SYMMETRIC_PREFIX,
            WebhookScheme::V1a => PRIVATE_PREFIX,
        };
        Secret::new(format!("{prefix}{}", STANDARD.encode(self.bytes.expose())))
    }

    /// What the receiver needs to verify: the secret itself, or the public key.
    ///
    /// # Errors
    /// [`WebhookSecretError::Refused`].
    pub fn verifier(&self) -> Result<Secret<String>, WebhookSecretError> {
        match self.scheme {
            WebhookScheme::V1 => Ok(self.to_text()),
            WebhookScheme::V1a => {
                Ok(Secret::new(format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.key_pair()?.public_key()))))
            }
        }
    }

    /// The signature of `message`, with its identifier.
    ///
    /// # Errors
    /// [`WebhookSecretError::Refused`].
    pub fn sign(&self, message: &[u8]) -> Result<String, WebhookSecretError> {
        let encoded = match self.scheme {
            WebhookScheme::V1 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes.expose());
                STANDARD.encode(hmac::sign(&key, message))
            }
            WebhookScheme::V1a => STANDARD.encode(self.key_pair()?.sign(message)),
        };
        Ok(format!("{},{encoded}", self.scheme.name()))
    }

    /// Whether both are the same secret.
    pub fn is_same(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.bytes.expose() == other.bytes.expose()
    }

    fn key_pair(&self) -> Result<Ed25519KeyPair, WebhookSecretError> {
        Ed25519KeyPair::from_seed_unchecked(self.bytes.expose()).map_err(|_| WebhookSecretError::Refused)
    }

    /// Seals the secret (AES-256-GCM, NIST SP 800-38D) for this endpoint.
    ///
    /// # Errors
    /// [`WebhookSecretError::Refused`] and [`WebhookSecretError::Entropy`].
    pub fn seal(
        &self,
        id: &WebhookId,
        keys: &SubKeys,
        entropy: &Entropy,
    ) -> Result<String, WebhookSecretError> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes()?;
        let mut text = Zeroizing::new(self.bytes.expose().clone());
        cipher(&keys.newest)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(id, self.scheme)),
                &mut *text,
            )
            .map_err(|_| WebhookSecretError::Refused)?;
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(&text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what was sealed for this endpoint under one of the keys.
    ///
    /// # Errors
    /// [`WebhookSecretError::Sealed`] and [`WebhookSecretError::Refused`].
    pub fn open(
        id: &WebhookId,
        scheme: WebhookScheme,
        sealed: &str,
        keys: &SubKeys,
    ) -> Result<Self, WebhookSecretError> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| WebhookSecretError::Sealed)?;
        for key in &keys.all {
            let mut bytes = Zeroizing::new(sealed.clone());
            let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(WebhookSecretError::Sealed)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| WebhookSecretError::Sealed)?;
            if let Ok(opened) = cipher(key)?.open_in_place(nonce, Aad::from(associated(id, scheme)), text) {
                return Self::of(scheme, Secret::new(opened.to_vec()));
            }
        }
        Err(WebhookSecretError::Sealed)
    }
}

/// A sealed secret opens only for its endpoint and its scheme.
fn associated(id: &WebhookId, scheme: WebhookScheme) -> Vec<u8> {
    format!("{}:{id}", scheme.name()).into_bytes()
}

fn cipher(key: &Secret<[u8; SUBKEY_BYTES]>) -> Result<LessSafeKey, WebhookSecretError> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| WebhookSecretError::Refused)?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_secret::{Label, ServerSecretSettings};

    fn keys(secrets: &str) -> SubKeys {
        let secret = ServerSecretSettings::parse(secrets).unwrap().with(None).unwrap();
        secret.subkeys(Label::WebhookSecret).unwrap()
    }

    #[test]
    fn a_secret_has_the_form_of_the_specification() {
        let symmetric = format!("whsec_{}", STANDARD.encode([1; 24]));
        let asymmetric = format!("whsk_{}", STANDARD.encode([1; 32]));
        for text in [&symmetric, &asymmetric] {
            assert_eq!(WebhookSecret::parse(text).unwrap().to_text().expose(), text);
        }
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        let other = format!("whsk_{}", STANDARD.encode([1; 31]));
        for text in
            ["", "secret", "whsec_", "whsec_!", &short, &long, &other, &asymmetric.replace("whsk", "whpk")]
        {
            assert_eq!(WebhookSecret::parse(text).err(), Some(WebhookSecretError::Malformed), "{text}");
        }
    }

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specifications_libraries() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secret.sign(message.as_bytes()).unwrap(), expected);
    }

    /// The first test of RFC 8032 §7.1: the empty message.
    #[test]
    fn an_asymmetric_secret_is_an_ed25519_key() {
        let seed = u8s("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let secret = WebhookSecret::parse(&format!("whsk_{}", STANDARD.encode(seed))).unwrap();
        let public = u8s("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert_eq!(*secret.verifier().unwrap().expose(), format!("whpk_{}", STANDARD.encode(public)));
        let signature = u8s(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        );
        assert_eq!(secret.sign(b"").unwrap(), format!("v1a,{}", STANDARD.encode(signature)));
    }

    fn u8s(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_sealed_secret_opens_for_its_endpoint_with_each_server_secret_that_counts() {
        let (old, new) = ("the old server secret of 32 bytes", "the new server secret of 32 bytes");
        let (id, other) = (WebhookId::parse("crm").unwrap(), WebhookId::parse("erp").unwrap());
        let entropy = Entropy::seeded(1);
        let secret = WebhookSecret::random(WebhookScheme::V1, &entropy).unwrap();
        let sealed = secret.seal(&id, &keys(old), &entropy).unwrap();
        assert_ne!(secret.seal(&id, &keys(old), &entropy).unwrap(), sealed, "the nonce is random");
        let both = keys(&format!("{new},{old}"));
        assert!(WebhookSecret::open(&id, WebhookScheme::V1, &sealed, &both).unwrap().is_same(&secret));
        for refused in [
            WebhookSecret::open(&other, WebhookScheme::V1, &sealed, &both),
            WebhookSecret::open(&id, WebhookScheme::V1a, &sealed, &both),
            WebhookSecret::open(&id, WebhookScheme::V1, &sealed, &keys(new)),
            WebhookSecret::open(&id, WebhookScheme::V1, "", &both),
        ] {
            assert_eq!(refused.err(), Some(WebhookSecretError::Sealed));
        }
    }
}
