//! The record of a key. It says what the key may be used for at any instant, and after any restart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Kid, ServerSecretFault, ServerSecretRecord, Timestamp};

/// The state of a key. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// In the key set, but not signing yet.
    Published,
    /// Signs.
    Active,
    /// Verifies, but no longer signs.
    Retired,
    /// No longer in the key set: the last token that it signed has expired, an operator has revoked it, or it never
    /// signed and its algorithm has ended.
    Removed,
}

/// The place of a private half: the scheme of a custody, a colon, and the text by which that custody finds
/// the key, which may be the key itself. `Debug` does not show it, and it is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Home(Zeroizing<String>);

impl Home {
    /// The key that the custody of `scheme` finds by `place`.
    pub fn new(scheme: &str, place: &str) -> Self {
        Self(Zeroizing::new(format!("{scheme}:{place}")))
    }

    /// The scheme of its custody.
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }

    /// The text behind the scheme.
    pub fn place(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, place)| place)
    }

    /// The whole text. It is secret if the place is the key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Home({}:…)", self.scheme())
    }
}

/// A key that was just made or imported: its name, its public half, and the place of its private half.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name in the key set.
    pub kid: Kid,
    /// The JWA name of its algorithm (RFC 7518 §3.1).
    pub alg: String,
    /// The length of an RSA modulus in bits; for other keys, the size of their curve.
    pub bits: u32,
    /// The public half as PEM (RFC 7468 §13).
    pub public: String,
    /// The place of the private half; `None` for a key that only verifies.
    pub home: Option<Home>,
}

/// The kind of a key, its state, and its instants in whole seconds. Members that a newer program wrote are
/// kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Its name in the key set.
    pub kid: Kid,
    /// Its other names, under which it is also in the key set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Kid>,
    /// The JWA name of its algorithm (RFC 7518 §3.1).
    pub alg: String,
    /// The length of an RSA modulus in bits; for other keys, the size of their curve.
    pub bits: u32,
    /// Its state.
    pub state: KeyState,
    /// The public half as PEM (RFC 7468 §13).
    pub public: String,
    /// The place of the private half; `None` after it was discarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// When it entered the key set.
    pub published_at: Timestamp,
    /// The earliest instant at which it is to sign.
    pub activates_at: Timestamp,
    /// When it began to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<Timestamp>,
    /// When it stopped signing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// The earliest instant at which it is to leave the key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removes_at: Option<Timestamp>,
    /// When an operator removed it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The longest life, in seconds, of a token that it may sign.
    pub carries: u64,
    /// Members that this program does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// All keys of a ring, including those that are gone, as one document that is replaced as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RingRecord {
    /// The version of this document's format.
    pub version: u32,
    /// The number of replacements. A program that replaces the document names the revision that it has read.
    pub revision: u64,
    /// The lead with which the key set is served, in seconds: it is longer than caches may keep the key set.
    pub lead: u64,
    /// The longest time, in seconds, for which an instance may continue to sign with a retired key, and the
    /// difference between clocks.
    #[serde(default)]
    pub lag: u64,
    /// Until this instant, caches may keep key sets that were served with an earlier, longer lead.
    pub kept_until: Timestamp,
    /// Whether the ring began with a key of the original, whose users may have stored it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// The place of the ring now, if it has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// The secret that all instances share, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_secret: Option<ServerSecretRecord>,
    /// The fingerprint of that secret. It stays if the secret is lost, so that a program can see that the
    /// next one is different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_secret_fingerprint: Option<String>,
    /// Why the secret cannot be used, if it cannot. This is never written.
    #[serde(skip)]
    pub server_secret_fault: Option<ServerSecretFault>,
    /// The algorithms that the settings no longer list, by their JWA names, and the earliest instants at
    /// which their keys stop signing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, Timestamp>,
    /// The keys, beginning with the oldest.
    pub keys: Vec<KeyRecord>,
    /// Members that this program does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A ring that was moved to another custody. Instances may use the copy that was left behind until all of
/// them have followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The custody, as `KEY_CUSTODY` names it.
    pub to: String,
    /// Until this instant, instances may use the copy that was left behind.
    pub until: Timestamp,
}

impl RingRecord {
    /// The version of a ring outside a database in which one algorithm signs.
    pub const VERSION: u32 = 1;
    /// The version of a ring that is authenticated as a whole, as in a database: one more than the same ring
    /// has outside.
    pub const AUTHENTICATED_VERSION: u32 = 2;
    /// The version of a ring outside a database in which several algorithms sign. A program that knows only
    /// one algorithm lets the next key of any algorithm replace all signing keys. So it must not be able to
    /// read this version.
    pub const SEVERAL_VERSION: u32 = 3;
    /// The newest version that this program reads.
    pub const NEWEST_VERSION: u32 = Self::SEVERAL_VERSION + 1;

    /// A ring that has no keys yet.
    pub fn empty() -> Self {
        Self {
            version: Self::VERSION,
            revision: 0,
            lead: 0,
            lag: 0,
            kept_until: Timestamp::from_secs(0),
            adopted: false,
            moved: None,
            server_secret: None,
            server_secret_fingerprint: None,
            server_secret_fault: None,
            dropped: BTreeMap::new(),
            keys: Vec::new(),
            rest: Map::new(),
        }
    }

    /// The keys that sign, one of each algorithm, beginning with the oldest.
    pub fn signing(&self) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().filter(|key| key.state == KeyState::Active)
    }

    /// The key that signs with the algorithm of this JWA name.
    pub fn active(&self, alg: &str) -> Option<&KeyRecord> {
        self.signing().find(|key| key.alg == alg)
    }

    /// The key that is to sign next with this algorithm. If there are several, the one that is due first.
    pub fn next(&self, alg: &str) -> Option<&KeyRecord> {
        self.published().filter(|key| key.alg == alg).min_by_key(|key| key.activates_at)
    }

    /// The key that is to sign next, with any algorithm.
    pub fn next_of_any(&self) -> Option<&KeyRecord> {
        self.published().min_by_key(|key| key.activates_at)
    }

    fn published(&self) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().filter(|key| key.state == KeyState::Published)
    }

    /// The JWA names of the algorithms whose keys sign now or later.
    pub fn algorithms(&self) -> BTreeSet<&str> {
        self.signing().chain(self.published()).map(|key| key.alg.as_str()).collect()
    }

    /// Whether several algorithms sign side by side, now or later. If one replaces another, they do not.
    pub fn has_several(&self) -> bool {
        let signing: BTreeSet<_> = self.signing().map(|key| key.alg.as_str()).collect();
        let to_come = self.algorithms().into_iter().filter(|alg| !signing.contains(alg)).count();
        let replaced = signing.iter().all(|alg| self.dropped.contains_key(*alg));
        signing.len() > 1 || to_come > 1 || (to_come == 1 && !replaced)
    }

    /// The version of its document outside a database.
    pub fn form(&self) -> u32 {
        if self.has_several() { Self::SEVERAL_VERSION } else { Self::VERSION }
    }

    /// Whether this program reads a document of this version outside a database.
    pub fn is_known_form(version: u32) -> bool {
        [Self::VERSION, Self::SEVERAL_VERSION].contains(&version)
    }

    /// Whether a key of `other` is also in this ring, under any name.
    pub fn has_key_of(&self, other: &Self) -> bool {
        other.keys.iter().any(|key| self.keys.iter().any(|ours| ours.public == key.public))
    }

    /// The key with this name.
    pub fn find(&self, kid: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.kid.as_str() == kid)
    }

    /// The key that is or was in the key set under this name.
    pub fn named(&self, kid: &Kid) -> Option<&KeyRecord> {
        let alias = || self.keys.iter().find(|key| key.aliases.contains(kid));
        self.find(kid.as_str()).or_else(alias)
    }

    /// The keys in the key set.
    pub fn verifying(&self) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().filter(|key| key.state != KeyState::Removed)
    }
}

#[cfg(test)]
mod tests {
    use super::RingRecord;

    #[test]
    fn what_a_newer_program_wrote_survives() {
        let text = r#"{"version":1,"revision":7,"lead":9,"lag":2,"kept_until":0,"region":"eu","keys":[{"kid":"k","alg":"RS256","bits":2048,"state":"active","public":"","published_at":1,"activates_at":1,"activated_at":1,"carries":60,"curve":{"new":"arn"}}]}"#;
        let ring: RingRecord = serde_json::from_str(text).unwrap();
        let again: serde_json::Value = serde_json::to_value(&ring).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
    }

    #[test]
    fn a_home_is_silent() {
        let home = super::Home::new("pem", "-----BEGIN: SECRET");
        assert_eq!((home.scheme(), home.place()), ("pem", "-----BEGIN: SECRET"));
        assert_eq!(format!("{home:?}"), "Home(pem:…)");
    }

    #[test]
    fn an_invalid_kid_is_refused() {
        let text = r#"{"version":1,"revision":0,"lead":0,"kept_until":0,"keys":[{"kid":"a b","alg":"RS256","bits":2048,"state":"active","public":"","published_at":1,"activates_at":1,"carries":1}]}"#;
        assert!(serde_json::from_str::<RingRecord>(text).is_err());
    }
}
