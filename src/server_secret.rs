//! The one secret that all instances share. The program makes it once, keeps it beside the private keys, and
//! never uses it itself: each use derives a key of its own from it (HKDF, RFC 5869). Code that needs such a
//! key holds a [`CurrentServerSecret`].

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;

use crate::domain::{RingRecord, Secret, ServerSecretRecord};

/// Bytes of a subkey.
pub const SUBKEY_BYTES: usize = 32;
/// The salt of the derivation, which sets these subkeys apart from those of `KEY_ENCRYPTION_KEY`.
const SALT: &[u8] = b"jwt-generator server secret 1";
/// The word that stands for the kept secret in `SERVER_SECRET`.
const KEPT: &str = "kept";

/// What a subkey is for. Each use has a label of its own, so that no key serves two uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// To distinguish secrets without showing them.
    Fingerprint,
    /// To remember addresses and names of log-ins without storing them.
    LoginThrottle,
    /// To recognize the codes of grants.
    AuthorizationCode,
    /// To recognize the refresh tokens of grants.
    RefreshToken,
    /// To recognize the forms of our pages.
    FormToken,
    /// To recognize the requests that our pages hand on.
    PageRequest,
    /// To compare settings without storing them.
    SettingsDigest,
    /// The secret order of the places in a status list.
    StatusList,
    /// To seal the secrets that sign webhooks.
    WebhookSecret,
}

impl Label {
    /// The `info` of RFC 5869 §2.3. It must never change.
    fn info(self) -> &'static [u8] {
        match self {
            Self::Fingerprint => b"jwt-generator server secret fingerprint 1",
            Self::LoginThrottle => b"jwt-generator login throttle 1",
            Self::AuthorizationCode => b"jwt-generator authorization code 1",
            Self::RefreshToken => b"jwt-generator refresh token 1",
            Self::FormToken => b"jwt-generator form token 1",
            Self::PageRequest => b"jwt-generator page request 1",
            Self::SettingsDigest => b"jwt-generator settings digest 1",
            Self::StatusList => b"jwt-generator status list 1",
            Self::WebhookSecret => b"jwt-generator webhook secret 1",
        }
    }
}

/// The subkeys of one label.
pub struct SubKeys {
    /// The subkey of the newest secret, with which new data is made.
    pub newest: Secret<[u8; SUBKEY_BYTES]>,
    /// The subkeys of all secrets, beginning with the newest: each opens the data that was made with it.
    pub all: Vec<Secret<[u8; SUBKEY_BYTES]>>,
}

/// The secrets that count, beginning with the newest.
#[derive(Clone, Debug)]
pub struct ServerSecret {
    newest: Secret<String>,
    older: Vec<Secret<String>>,
}

/// The current server secret, for a use that derives keys from it. Clones share it. It may come after the
/// start: until the custody has answered, there is no server secret yet.
#[derive(Clone, Debug, Default)]
pub struct CurrentServerSecret(Arc<ArcSwapOption<ServerSecret>>);

/// `SERVER_SECRET`: the secrets that were set, and the position among them of the secret that is kept with
/// the keys.
#[derive(Clone, Debug)]
pub struct ServerSecretSettings(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Given(Secret<String>),
    Kept,
}

/// Why the server secret cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerSecretError {
    /// `SERVER_SECRET` is too short to be a secret.
    #[error(
        "must be 32 bytes or more, or several of these separated by commas; `kept` among them is the one beside the keys; \
         `keys secret` makes one"
    )]
    TooShort,
    /// The crypto library refused.
    #[error("the cryptographic library could not derive a key")]
    Derivation,
}

impl Default for ServerSecretSettings {
    /// The secret beside the keys.
    fn default() -> Self {
        Self(vec![Part::Kept])
    }
}

impl ServerSecretSettings {
    /// Reads `SERVER_SECRET`.
    ///
    /// # Errors
    /// [`ServerSecretError::TooShort`].
    pub fn parse(text: &str) -> Result<Self, ServerSecretError> {
        let parts = text.split(',').map(str::trim).map(|part| match part {
            KEPT => Ok(Part::Kept),
            _ if part.len() < ServerSecretRecord::SHORTEST => Err(ServerSecretError::TooShort),
            _ => Ok(Part::Given(Secret::new(part.to_owned()))),
        });
        parts.collect::<Result<_, _>>().map(Self)
    }

    /// Whether the secret beside the keys is among them.
    pub fn uses_kept(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Kept))
    }

    /// The secrets that count, if `kept` is the secret beside the keys. `None` while the newest one does not
    /// exist yet.
    pub fn with(&self, kept: Option<&ServerSecretRecord>) -> Option<ServerSecret> {
        let mut secrets = self.0.iter().map(|part| match part {
            Part::Given(secret) => Some(secret.clone()),
            Part::Kept => kept.map(|kept| Secret::new(kept.expose().to_owned())),
        });
        let newest = secrets.next()??;
        Some(ServerSecret { newest, older: secrets.flatten().collect() })
    }
}

impl ServerSecret {
    /// The keys for one use.
    ///
    /// # Errors
    /// [`ServerSecretError::Derivation`].
    pub fn subkeys(&self, label: Label) -> Result<SubKeys, ServerSecretError> {
        let newest = derive(&self.newest, label)?;
        let older = self.older.iter().map(|secret| derive(secret, label));
        let all = std::iter::once(Ok(newest.clone())).chain(older).collect::<Result<_, _>>()?;
        Ok(SubKeys { newest, all })
    }

    /// Eight hex digits for each secret, beginning with the newest: instances with the same digits have the
    /// same secrets.
    ///
    /// # Errors
    /// [`ServerSecretError::Derivation`].
    pub fn fingerprints(&self) -> Result<Vec<String>, ServerSecretError> {
        let hex = |key: &Secret<[u8; SUBKEY_BYTES]>| {
            key.expose().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
        };
        Ok(self.subkeys(Label::Fingerprint)?.all.iter().map(hex).collect())
    }
}

impl CurrentServerSecret {
    /// The keys for one use; `None` while there is no server secret yet.
    ///
    /// # Errors
    /// [`ServerSecretError::Derivation`].
    pub fn subkeys(&self, label: Label) -> Result<Option<SubKeys>, ServerSecretError> {
        self.0.load().as_ref().map(|secret| secret.subkeys(label)).transpose()
    }

    /// Replaces the secret by `secret`.
    pub fn set(&self, secret: ServerSecret) {
        self.0.store(Some(Arc::new(secret)));
    }
}

/// The first 16 bytes of HMAC-SHA256 (RFC 2104) of `message`: enough to tell messages apart, and without the key nothing is
/// learned of them.
pub fn keyed_hash(key: &Secret<[u8; SUBKEY_BYTES]>, message: &[u8]) -> [u8; 16] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let mut hash = [0; 16];
    hash.iter_mut().zip(hmac::sign(&key, message).as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// Whether `ring` has a secret, and the fingerprint of this one.
///
/// # Errors
/// [`ServerSecretError::Derivation`].
pub fn has_fingerprint(ring: &RingRecord) -> Result<bool, ServerSecretError> {
    let Some(secret) = &ring.server_secret else { return Ok(false) };
    Ok(ring.server_secret_fingerprint == Some(fingerprint_of(secret)?))
}

/// The fingerprint of the secret beside the keys.
///
/// # Errors
/// [`ServerSecretError::Derivation`].
pub fn fingerprint_of(kept: &ServerSecretRecord) -> Result<String, ServerSecretError> {
    let newest = Secret::new(kept.expose().to_owned());
    Ok(ServerSecret { newest, older: Vec::new() }.fingerprints()?.concat())
}

/// The length of a subkey, for the library.
struct SubKeyLength;

impl KeyType for SubKeyLength {
    fn len(&self) -> usize {
        SUBKEY_BYTES
    }
}

fn derive(secret: &Secret<String>, label: Label) -> Result<Secret<[u8; SUBKEY_BYTES]>, ServerSecretError> {
    let failed = |_| ServerSecretError::Derivation;
    let extracted = Salt::new(HKDF_SHA256, SALT).extract(secret.expose().as_bytes());
    let mut derived = [0; SUBKEY_BYTES];
    let info = [label.info()];
    extracted.expand(&info, SubKeyLength).map_err(failed)?.fill(&mut derived).map_err(failed)?;
    Ok(Secret::new(derived))
}

#[cfg(test)]
mod tests {
    use super::{CurrentServerSecret, Label, ServerSecretError, ServerSecretSettings, keyed_hash};
    use crate::domain::{ServerSecretRecord, Timestamp};

    const NEW: &str = "a server secret of more than 32 bytes";
    const OLD: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    fn kept() -> ServerSecretRecord {
        ServerSecretRecord::new(OLD, Timestamp::from_secs(0))
    }

    fn fingerprints(setting: &str, kept: Option<&ServerSecretRecord>) -> Option<Vec<String>> {
        ServerSecretSettings::parse(setting).unwrap().with(kept).map(|secret| secret.fingerprints().unwrap())
    }

    #[test]
    fn the_first_makes_and_all_open() {
        let (new, old) = (fingerprints(NEW, None).unwrap(), fingerprints(OLD, None).unwrap());
        assert_ne!(new, old);
        assert_eq!(fingerprints(&format!("{NEW}, {OLD}"), None).unwrap(), [new, old].concat());
        let both = ServerSecretSettings::parse(&format!("{OLD},{NEW}")).unwrap().with(None).unwrap();
        let keys = both.subkeys(Label::Fingerprint).unwrap();
        assert_eq!(keys.newest.expose(), keys.all[0].expose());
        assert_ne!(keys.newest.expose(), keys.all[1].expose());
    }

    #[test]
    fn what_is_kept_counts_if_the_setting_says_so() {
        let old = fingerprints(OLD, None).unwrap();
        let unset = ServerSecretSettings::default();
        assert_eq!(unset.with(Some(&kept())).unwrap().fingerprints().unwrap(), old);
        assert!(unset.with(None).is_none(), "it is not there yet");
        let new = fingerprints(NEW, None).unwrap();
        let setting = format!("{NEW},kept");
        assert_eq!(fingerprints(&setting, Some(&kept())).unwrap(), [new.clone(), old].concat());
        assert_eq!(fingerprints(&setting, None).unwrap(), new);
        assert_eq!(fingerprints(NEW, Some(&kept())).unwrap(), new);
        let uses_kept = |text: &str| ServerSecretSettings::parse(text).unwrap().uses_kept();
        assert!(uses_kept("kept") && uses_kept(&setting) && unset.uses_kept() && !uses_kept(NEW));
    }

    #[test]
    fn a_short_secret_is_refused() {
        for text in ["", "short", &format!("{NEW},"), &format!("{NEW},short"), &"x".repeat(31)] {
            let parsed = ServerSecretSettings::parse(text);
            assert!(matches!(parsed, Err(ServerSecretError::TooShort)), "{text}");
        }
        assert!(ServerSecretSettings::parse(&"x".repeat(32)).is_ok());
    }

    /// The expected values come from another implementation of RFC 5869. Every later version must be able to
    /// open the data that was made with a subkey.
    #[test]
    fn subkeys_stay_what_they_are() {
        assert_eq!(fingerprints(OLD, None).unwrap(), ["96998e42"]);
    }

    /// Worked out with another implementation of RFC 5869 and RFC 2104: what is remembered of log-ins must be found by every
    /// later version.
    #[test]
    fn keyed_hashes_of_log_ins_stay_what_they_are() {
        let secret = ServerSecretSettings::default().with(Some(&kept())).unwrap();
        let key = secret.subkeys(Label::LoginThrottle).unwrap().newest;
        assert_eq!(
            format!("{:032x}", u128::from_be_bytes(keyed_hash(&key, b"message"))),
            "618edeb9e89954d4ce6844129c104a04"
        );
    }

    #[test]
    fn all_clones_see_the_secret_that_comes_later() {
        let current = CurrentServerSecret::default();
        let consumer = current.clone();
        assert!(consumer.subkeys(Label::Fingerprint).unwrap().is_none(), "there is none yet");
        let secret = ServerSecretSettings::default().with(Some(&kept())).unwrap();
        let expected = secret.subkeys(Label::Fingerprint).unwrap();
        current.set(secret);
        let subkeys = consumer.subkeys(Label::Fingerprint).unwrap().unwrap();
        assert_eq!(subkeys.newest.expose(), expected.newest.expose());
    }
}
