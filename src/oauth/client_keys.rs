//! The public keys of a client (`jwks`, `jwks_uri`): read once, and fetched again for a key that is not known.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jose::json::Json;
use jose::{Algorithm, Jwk, Rejection, SignedParts, VerifyingKey};
use tokio::sync::Mutex;

use super::key_fetcher::KeyFetcher;
use crate::domain::ClientMetadata;

/// Between two fetches of one client's keys, even if assertions name unknown keys.
const COOLDOWN: Duration = Duration::from_secs(30);
/// After this time the keys are fetched again, so that a key that its client withdrew stops counting.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);
/// Keys that could not be fetched again count for this long.
const MAX_STALENESS: Duration = Duration::from_secs(24 * 60 * 60);
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

/// Keys that a client publishes.
pub(super) struct RemoteKeys {
    uri: String,
    only: Option<Algorithm>,
    fetched: ArcSwapOption<Fetched>,
    /// The uptime at which a fetch began last. The holder of the lock fetches; all others wait for the result.
    last_try: Mutex<Option<Duration>>,
}

struct Fetched {
    set: KeySet,
    /// The uptime.
    at: Duration,
}

/// Why a signature was not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeysError {
    /// The signature or the key is not accepted.
    Rejected(Rejection),
    /// The client's keys could not be fetched.
    Unreachable,
}

impl ClientKeys {
    pub(super) fn of(metadata: &ClientMetadata) -> Self {
        let only = metadata.token_endpoint_auth_signing_alg.as_deref().and_then(algorithm_of);
        match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => Self::Inline { jwks: jwks.to_string(), only, set: OnceLock::new() },
            (None, Some(uri)) => Self::Remote(RemoteKeys {
                uri: uri.clone(),
                only,
                fetched: ArcSwapOption::empty(),
                last_try: Mutex::new(None),
            }),
            (None, None) => Self::None,
        }
    }

    /// Verifies the signature of an assertion. An unknown key makes it fetch the keys again, after a cooldown.
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

impl RemoteKeys {
    async fn verify(&self, fetcher: &KeyFetcher, token: &str) -> Result<SignedParts, KeysError> {
        let age = |known: &Fetched| fetcher.clock.uptime().saturating_sub(known.at);
        let known = self.fetched.load_full();
        if let Some(known) = known.filter(|known| age(known) < MAX_AGE) {
            match known.set.verify(token) {
                Err(Rejection::UnknownKey) => {}
                verdict => return verdict.map_err(KeysError::Rejected),
            }
        }
        self.fetch(fetcher).await;
        let known = self.fetched.load_full().filter(|known| age(known) < MAX_STALENESS);
        known.ok_or(KeysError::Unreachable)?.set.verify(token).map_err(KeysError::Rejected)
    }

    /// Fetches the keys, unless that was tried a moment ago.
    async fn fetch(&self, fetcher: &KeyFetcher) {
        let mut last_try = self.last_try.lock().await;
        let now = fetcher.clock.uptime();
        if last_try.is_some_and(|at| now.saturating_sub(at) < COOLDOWN) {
            return;
        }
        *last_try = Some(now);
        let set = match fetcher.fetch(&self.uri).await {
            Ok(text) => KeySet::read(&text, self.only),
            Err(fault) => {
                tracing::warn!(jwks_uri = self.uri, %fault, "the keys of a client could not be fetched");
                return;
            }
        };
        match set {
            Some(set) => self.fetched.store(Some(Arc::new(Fetched { set, at: now }))),
            None => tracing::warn!(jwks_uri = self.uri, "the answer is not a key set (RFC 7517)"),
        }
    }
}

/// The usable keys of a set, each for one algorithm.
#[derive(Default)]
pub(super) struct KeySet(Vec<(Option<String>, VerifyingKey)>);

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
        Some(Self(keys))
    }

    /// Whether there is no usable key.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn verify(&self, token: &str) -> Result<SignedParts, Rejection> {
        jose::verify_signature_by(token, |kid, algorithm| self.choose(kid, algorithm))
    }

    /// The key that `kid` names. Without `kid`, only one key may fit.
    fn choose(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&VerifyingKey, Rejection> {
        let mut fitting = self
            .0
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
