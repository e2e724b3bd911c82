//! A named key of the transit engine, whose versions are our keys. A named key never changes its type, so
//! there is one name for each kind of key.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jose::{Algorithm, Jwk, KeyError, VerifyingKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Fault;
use super::client::{Answer, Call, Pace};
use super::session::Session;
use crate::keys::KeyKind;

/// A version of a named key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The path at which the engine is mounted.
    pub(super) mount: String,
    /// The key's name.
    pub(super) name: String,
    /// Its version, from 1.
    pub(super) version: u64,
}

impl Place {
    /// Reads `<mount>/<name>/<version>`. An attacker who can write this text must not choose another path in Vault.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, version) = text.rsplit_once('/')?;
        let (mount, name) = name.rsplit_once('/')?;
        let version = version.parse().ok().filter(|version| *version > 0)?;
        (is_path(mount) && is_path(name)).then(|| Self {
            mount: mount.to_owned(),
            name: name.to_owned(),
            version,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.mount, self.name, self.version)
    }
}

/// Whether `text` is a path of plain names, none of which leads upwards.
pub(super) fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.split('/')
        .all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(plain))
}

/// The engine's name for this kind of key.
///
/// # Errors
/// `Refused` for ML-DSA, with which the engine does not sign in its free edition.
fn transit_type(kind: KeyKind) -> Result<String, Fault> {
    match kind.algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => Ok(format!("rsa-{}", kind.rsa_bits)),
        Algorithm::Es256 => Ok("ecdsa-p256".to_owned()),
        Algorithm::EdDsa => Ok("ed25519".to_owned()),
        Algorithm::MlDsa44 | Algorithm::MlDsa65 | Algorithm::MlDsa87 => Err(Fault::Refused(
            "ML-DSA keys in Vault are not supported: keep them in files, in the database or in Secrets Manager".to_owned(),
        )),
    }
}

/// The engine's data about a named key.
#[derive(Deserialize)]
struct Described {
    data: Description,
}

#[derive(Deserialize)]
struct Description {
    #[serde(rename = "type")]
    kind: String,
    latest_version: u64,
    #[serde(default)]
    exportable: bool,
    /// By version; the form of the value depends on the type.
    #[serde(default)]
    keys: HashMap<String, Value>,
}

/// A key of the engine by its name; it need not exist yet.
pub(super) struct Named<'a> {
    session: &'a Arc<Session>,
    mount: &'a str,
    name: String,
    kind: KeyKind,
    transit_type: String,
}

impl<'a> Named<'a> {
    /// The key for this kind, with a name that begins with `stem`.
    ///
    /// # Errors
    /// `Refused` if the engine has no such kind.
    pub(super) fn new(
        session: &'a Arc<Session>,
        mount: &'a str,
        stem: &str,
        kind: KeyKind,
    ) -> Result<Self, Fault> {
        let transit_type = transit_type(kind)?;
        Ok(Self { session, mount, name: format!("{stem}-{transit_type}"), kind, transit_type })
    }

    /// Makes a new version, or the named key itself with its first version. Returns its place and its public
    /// half.
    ///
    /// Another instance may do the same at the same time, and both may then take the later of the two
    /// versions. Then they have the same key, and the compare-and-swap of the ring lets only one of them use
    /// it. This never takes a version that existed before, and so none that a ring knows already.
    ///
    /// # Errors
    /// [`Fault`].
    pub(super) async fn make(&self) -> Result<(Place, VerifyingKey), Fault> {
        let before = self.read().await?;
        let latest = before.as_ref().map_or(0, |found| found.latest_version);
        let path = self.path();
        let call = match before {
            Some(_) => Call::post(format!("{path}/rotate"), &json!({}), Pace::MAKING),
            None => {
                let body = json!({ "type": self.transit_type, "exportable": false, "allow_plaintext_backup": false });
                Call::post(path, &body, Pace::MAKING)
            }
        };
        let answer = self.session.ask(call).await?;
        // Older servers send an empty response.
        let made = if answer.is_empty() { self.read().await? } else { Some(self.checked(&answer)?) };
        match made {
            Some(made) if made.latest_version > latest => self.newest(&made),
            _ => Err(Fault::Unavailable(format!("the new version of {} is not visible yet", self.name))),
        }
    }

    fn path(&self) -> String {
        format!("{}/keys/{}", self.mount, self.name)
    }

    async fn read(&self) -> Result<Option<Description>, Fault> {
        match self.session.ask(Call::get(self.path(), Pace::READING)).await {
            Ok(answer) => self.checked(&answer).map(Some),
            Err(Fault::Missing(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn checked(&self, answer: &Answer) -> Result<Description, Fault> {
        let Described { data } = answer.read()?;
        let (name, wanted) = (&self.name, &self.transit_type);
        if data.kind != *wanted {
            let text = format!(
                "its key {name} is of the type {}, and {wanted} is needed; set another VAULT_TRANSIT_KEY",
                data.kind
            );
            return Err(Fault::Refused(text));
        }
        Ok(data)
    }

    fn newest(&self, found: &Description) -> Result<(Place, VerifyingKey), Fault> {
        let version = found.latest_version;
        let text = found
            .keys
            .get(&version.to_string())
            .and_then(|key| key.get("public_key"))
            .and_then(Value::as_str);
        let unusable = |what: &dyn fmt::Display| {
            Fault::Refused(format!("version {version} of its key {} cannot be used: {what}", self.name))
        };
        let text = text.ok_or_else(|| unusable(&"it has no public half"))?;
        let public = public_half(self.kind.algorithm, text).map_err(|fault| unusable(&fault))?;
        if found.exportable {
            tracing::warn!(
                name = self.name,
                "this key in Vault can be exported; this program makes keys that cannot"
            );
        }
        Ok((Place { mount: self.mount.to_owned(), name: self.name.clone(), version }, public))
    }
}

/// A public half in the form that the engine writes: PEM, or the 32 bytes of an Ed25519 key in base64.
fn public_half(algorithm: Algorithm, text: &str) -> Result<VerifyingKey, KeyError> {
    if algorithm != Algorithm::EdDsa {
        return VerifyingKey::from_spki_pem(algorithm, text);
    }
    let x = URL_SAFE_NO_PAD.encode(STANDARD.decode(text.trim()).map_err(|_| KeyError::Malformed)?);
    let jwk = Jwk::from_json(&json!({ "kty": "OKP", "crv": "Ed25519", "x": x }).to_string())?;
    VerifyingKey::from_jwk_for(algorithm, &jwk)
}

#[cfg(test)]
mod tests {
    use jose::{Algorithm, SigningKey};

    use super::{Place, public_half};

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place::parse("team/transit/jwt-generator-rsa-2048/12").unwrap();
        assert_eq!((place.mount.as_str(), place.version), ("team/transit", 12));
        assert_eq!(place.to_string(), "team/transit/jwt-generator-rsa-2048/12");
    }

    #[test]
    fn a_place_leads_nowhere_else() {
        for text in [
            "",
            "1",
            "key/1",
            "transit/key",
            "transit/key/0",
            "transit/key/-1",
            "/key/1",
            "transit//1",
            "transit/../sys/key/1",
            "transit/../1",
            "tran sit/key/1",
            "transit/key?x=/1",
            "transit/k%2Fy/1",
        ] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_public_half_of_an_ed25519_key_is_read_from_its_bytes() {
        // RFC 8037, appendix A.2.
        let text = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let public = public_half(Algorithm::EdDsa, text).unwrap();
        assert_eq!(public.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        for broken in ["", "AAAA", "no base64!"] {
            assert!(public_half(Algorithm::EdDsa, broken).is_err());
        }
        let other = SigningKey::generate(Algorithm::Es256, 0).unwrap().verifying_key().to_spki_pem();
        assert!(public_half(Algorithm::EdDsa, &other).is_err());
    }
}
