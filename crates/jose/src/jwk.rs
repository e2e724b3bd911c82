//! Public JSON Web Keys (RFC 7517; RFC 7518 §6 for RSA and EC, RFC 8037 §2 for OKP).

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::verifying_key::{PublicBytes, PublicNumbers};
use crate::{Algorithm, KeyError, base64url, json};

/// A public JWK. Written, its members stand in the order of the fields below.
///
/// Read, unknown members are ignored (RFC 7517 §4), but private members are refused: whoever publishes
/// a private key must hear of it, and its public half is not to be trusted any longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Received")]
pub struct Jwk {
    kty: String,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    public_key_use: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

impl Jwk {
    /// Reads a JWK from JSON text.
    ///
    /// # Errors
    /// `InvalidJwk` if the text is no strict JSON object (see [`json::check`]), a member has the wrong
    /// type, or a private member is present. What the members say is checked by
    /// [`VerifyingKey::from_jwk`](crate::VerifyingKey::from_jwk).
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        json::check(text.as_bytes()).map_err(|_| KeyError::InvalidJwk("it is not a strict JSON object"))?;
        serde_json::from_str(text)
            .map_err(|_| KeyError::InvalidJwk("a member has the wrong type, or the key is not public"))
    }

    /// The key's name within its set, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) fn of_public_key(algorithm: Algorithm, numbers: &PublicNumbers, kid: &str) -> Self {
        let mut jwk = Self {
            kty: algorithm.kty().to_owned(),
            public_key_use: Some("sig".to_owned()),
            key_ops: Some(vec!["verify".to_owned()]),
            alg: Some(algorithm.name().to_owned()),
            kid: Some(kid.to_owned()),
            crv: crv_of(algorithm).map(str::to_owned),
            n: None,
            e: None,
            x: None,
            y: None,
        };
        match numbers.clone() {
            PublicNumbers::Rsa { n, e } => (jwk.n, jwk.e) = (Some(n), Some(e)),
            PublicNumbers::P256 { x, y } => (jwk.x, jwk.y) = (Some(x), Some(y)),
            PublicNumbers::Ed25519 { x } => jwk.x = Some(x),
        }
        jwk
    }

    /// The algorithm that `alg` names, else the one usual for the kind.
    pub(crate) fn algorithm(&self) -> Result<Algorithm, KeyError> {
        match (self.alg.as_deref(), self.kty.as_str()) {
            (Some(alg), _) => {
                Algorithm::of_header(alg).ok_or(KeyError::InvalidJwk("\"alg\" is not supported"))
            }
            (None, "RSA") => Ok(Algorithm::Rs256),
            (None, "EC") => Ok(Algorithm::Es256),
            (None, "OKP") => Ok(Algorithm::EdDsa),
            (None, _) => Err(KeyError::InvalidJwk("\"kty\" is not supported")),
        }
    }

    /// Checks `use`, `key_ops` and `alg` (RFC 7517 §4.2 to §4.4).
    pub(crate) fn require_use_for(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        if self.public_key_use.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Err(KeyError::InvalidJwk("\"use\" is not \"sig\""));
        }
        if let Some(operations) = &self.key_ops {
            if !operations.iter().any(|operation| operation == "verify") {
                return Err(KeyError::InvalidJwk("\"key_ops\" does not hold \"verify\""));
            }
            if (1..operations.len()).any(|i| operations[..i].contains(&operations[i])) {
                return Err(KeyError::InvalidJwk("\"key_ops\" repeats an operation"));
            }
        }
        if self.alg.as_deref().is_some_and(|alg| Algorithm::of_header(alg) != Some(algorithm)) {
            return Err(KeyError::InvalidJwk("\"alg\" is another"));
        }
        Ok(())
    }

    /// The decoded numbers of a key of the kind that the algorithm needs.
    pub(crate) fn public_bytes(&self, algorithm: Algorithm) -> Result<PublicBytes, KeyError> {
        let crv = crv_of(algorithm);
        if self.kty != algorithm.kty() || (crv.is_some() && self.crv.as_deref() != crv) {
            return Err(KeyError::InvalidJwk("\"kty\" or \"crv\" does not fit the algorithm"));
        }
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Ok(PublicBytes::Rsa { n: natural(self.n.as_deref())?, e: natural(self.e.as_deref())? })
            }
            Algorithm::Es256 => {
                let (x, y) = (coordinate(self.x.as_deref())?, coordinate(self.y.as_deref())?);
                Ok(PublicBytes::P256([&[4], x.as_slice(), y.as_slice()].concat()))
            }
            Algorithm::EdDsa => Ok(PublicBytes::Ed25519(coordinate(self.x.as_deref())?)),
        }
    }
}

const fn crv_of(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => None,
        Algorithm::Es256 => Some("P-256"),
        Algorithm::EdDsa => Some("Ed25519"),
    }
}

/// A Base64urlUInt (RFC 7518 §2): no leading zero octet.
fn natural(member: Option<&str>) -> Result<Vec<u8>, KeyError> {
    let bytes =
        member.and_then(base64url::decode).filter(|bytes| bytes.first().is_some_and(|&first| first != 0));
    bytes.ok_or(KeyError::InvalidJwk("\"n\" or \"e\" is missing or not a canonical Base64urlUInt"))
}

/// A coordinate of 32 octets: leading zeros must not be left out (RFC 7518 §6.2.1.2).
fn coordinate(member: Option<&str>) -> Result<Vec<u8>, KeyError> {
    let bytes = member.and_then(base64url::decode).filter(|bytes| bytes.len() == 32);
    bytes.ok_or(KeyError::InvalidJwk("\"x\" or \"y\" is missing or not 32 octets in canonical base64url"))
}

/// A JWK as it arrives, with the members that must not.
#[derive(Deserialize)]
struct Received {
    kty: String,
    #[serde(rename = "use", default, deserialize_with = "present")]
    public_key_use: Option<String>,
    #[serde(default, deserialize_with = "present")]
    key_ops: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    alg: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    n: Option<String>,
    #[serde(default, deserialize_with = "present")]
    e: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crv: Option<String>,
    #[serde(default, deserialize_with = "present")]
    x: Option<String>,
    #[serde(default, deserialize_with = "present")]
    y: Option<String>,
    /// Every private key has it (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
    #[serde(default, deserialize_with = "present")]
    d: Option<IgnoredAny>,
    /// A symmetric key is nothing else (RFC 7518 §6.4).
    #[serde(default, deserialize_with = "present")]
    k: Option<IgnoredAny>,
}

/// Reads a member that is there; `null` does not count as absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl TryFrom<Received> for Jwk {
    type Error = &'static str;

    fn try_from(received: Received) -> Result<Self, &'static str> {
        let Received { kty, public_key_use, key_ops, alg, kid, n, e, crv, x, y, d, k } = received;
        if d.is_some() || k.is_some() {
            return Err("the JWK holds a private or symmetric key");
        }
        Ok(Self { kty, public_key_use, key_ops, alg, kid, n, e, crv, x, y })
    }
}
