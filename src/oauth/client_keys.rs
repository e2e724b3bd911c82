//! The public keys of a client: `jwks`, which are read once, or those at its `jwks_uri`.

use std::sync::OnceLock;

use jose::json::Json;
use jose::{Algorithm, Jwk, Rejection, SignedParts, VerifyingKey};

use super::key_fetcher::KeyFetcher;
use super::remote_keys::RemoteKeys;
use crate::domain::ClientMetadata;

/// The algorithms of assertions.
const ALGORITHMS: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];

/// The keys of one client.
pub(super) enum ClientKeys {
    /// It has none.
    None,
    /// `jwks`, which is read at its first use.
    Inline { jwks: String, only: Option<Algorithm>, set: OnceLock<KeySet> },
    /// `jwks_uri`.
    Remote(RemoteKeys),
}

/// Why a signature was not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeysError {
    /// The signature or the key is not accepted.
    Rejected(Rejection),
    /// The client's keys could not be fetched. The next try may begin after so many seconds.
    Unreachable { retry_secs: u32 },
    /// No key fits, but the keys are some seconds old: they may be fetched again after so many seconds.
    NotKnownYet { retry_secs: u32 },
}

impl ClientKeys {
    pub(super) fn of(metadata: &ClientMetadata) -> Self {
        let only = metadata.token_endpoint_auth_signing_alg.as_deref().and_then(algorithm_of);
        match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => Self::Inline { jwks: jwks.to_string(), only, set: OnceLock::new() },
            (None, Some(uri)) => Self::Remote(RemoteKeys::new(uri, only)),
            (None, None) => Self::None,
        }
    }

    /// Verifies the signature of an assertion. An unknown key makes it fetch the keys at a `jwks_uri` again.
    pub(super) async fn verify(&self, fetcher: &KeyFetcher, token: &str) -> Result<SignedParts, KeysError> {
        match self {
            Self::None => Err(KeysError::Rejected(Rejection::UnknownKey)),
            Self::Inline { jwks, only, set } => {
                let set = set.get_or_init(|| KeySet::read(jwks.as_bytes(), *only).unwrap_or_default());
                set.verify(token).map_err(KeysError::Rejected)
            }
            Self::Remote(remote) => remote.verify(fetcher, token).await,
        }
    }
}

/// The usable keys of a set, each for one algorithm.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<(Option<String>, VerifyingKey)>,
    /// The only algorithm that counts.
    only: Option<Algorithm>,
}

impl KeySet {
    /// Reads a set; `None` if the text is not a key set. Keys that cannot verify assertions are left out. A key without
    /// `alg` serves each algorithm of its kind.
    pub(super) fn read(text: &[u8], only: Option<Algorithm>) -> Option<Self> {
        let set = Json::parse(text).ok()?;
        let wanted = |algorithm: &Algorithm| only.is_none_or(|only| only == *algorithm);
        let mut keys = Vec::new();
        for key in set.get("keys")?.elements()? {
            let Ok(jwk) = Jwk::from_json(&key.to_string()) else { continue };
            for algorithm in ALGORITHMS.into_iter().filter(wanted) {
                if let Ok(key) = VerifyingKey::from_jwk_for(algorithm, &jwk) {
                    keys.push((jwk.kid().map(str::to_owned), key));
                }
            }
        }
        Some(Self { keys, only })
    }

    /// Whether there is no usable key.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn verify(&self, token: &str) -> Result<SignedParts, Rejection> {
        jose::verify_signature_by(token, |kid, algorithm| self.choose(kid, algorithm))
    }

    /// The key that `kid` names. Without `kid`, only one key may fit.
    fn choose(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&VerifyingKey, Rejection> {
        if self.only.is_some_and(|only| only != algorithm) {
            return Err(Rejection::UnsupportedAlg);
        }
        let mut fitting = self
            .keys
            .iter()
            .filter(|(name, key)| (kid.is_none() || name.as_deref() == kid) && key.algorithm() == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some((_, only)), None) => Ok(only),
            _ => Err(Rejection::UnknownKey),
        }
    }
}

/// The algorithm of this name, if assertions may use it.
pub(super) fn algorithm_of(name: &str) -> Option<Algorithm> {
    ALGORITHMS.into_iter().find(|algorithm| algorithm.name() == name)
}
