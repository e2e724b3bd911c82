//! Public JSON Web Keys (RFC 7517; RFC 7518 §6 for RSA and EC, RFC 8037 §2 for OKP, RFC 9964 §3 for AKP).

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::family::Family;
use crate::verifying_key::{PublicBytes, PublicNumbers};
use crate::{Algorithm, KeyError, base64url, json};

/// RFC 9964 §3 requires the algorithm in a key whose `kty` does not determine it.
pub const NO_ALG: KeyError = KeyError::InvalidJwk("\"alg\" is missing, which a key of the type AKP needs");

/// A public JWK. It is written with its members in the order of the fields below.
///
/// Reading ignores unknown members (RFC 7517 §4), but refuses private members: the owner of a published
/// private key must learn of it, and its public half can no longer be trusted.
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
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    public: Option<String>,
}

impl Jwk {
    /// Reads a JWK from JSON text.
    ///
    /// # Errors
    /// `InvalidJwk` if the text is not a strict JSON object (see [`json::check`]), if a member has the wrong
    /// type, or if a private member is present. [`VerifyingKey::from_jwk`](crate::VerifyingKey::from_jwk)
    /// checks the values of the members.
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
            public: None,
        };
        match numbers.clone() {
            PublicNumbers::Rsa { n, e } => (jwk.n, jwk.e) = (Some(n), Some(e)),
            PublicNumbers::P256 { x, y } => (jwk.x, jwk.y) = (Some(x), Some(y)),
            PublicNumbers::Ed25519 { x } => jwk.x = Some(x),
            PublicNumbers::MlDsa { public } => jwk.public = Some(public),
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
            (None, "AKP") => Err(NO_ALG),
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
        match self.alg.as_deref() {
            Some(alg) if Algorithm::of_header(alg) != Some(algorithm) => {
                Err(KeyError::InvalidJwk("\"alg\" is another"))
            }
            None if self.kty == "AKP" => Err(NO_ALG),
            _ => Ok(()),
        }
    }

    /// The decoded numbers of a key of the kind that the algorithm needs.
    pub(crate) fn public_bytes(&self, algorithm: Algorithm) -> Result<PublicBytes, KeyError> {
        let crv = crv_of(algorithm);
        if self.kty != algorithm.kty() || (crv.is_some() && self.crv.as_deref() != crv) {
            return Err(KeyError::InvalidJwk("\"kty\" or \"crv\" does not fit the algorithm"));
        }
        match Family::of(algorithm) {
            Family::Rsa => {
                Ok(PublicBytes::Rsa { n: natural(self.n.as_deref())?, e: natural(self.e.as_deref())? })
            }
            Family::P256 => {
                let (x, y) = (coordinate(self.x.as_deref())?, coordinate(self.y.as_deref())?);
                Ok(PublicBytes::P256([&[4], x.as_slice(), y.as_slice()].concat()))
            }
            Family::Ed25519 => Ok(PublicBytes::Ed25519(coordinate(self.x.as_deref())?)),
            Family::MlDsa(parameters) => {
                Ok(PublicBytes::MlDsa(encoded(self.public.as_deref(), parameters.public_key_len())?))
            }
        }
    }
}

const fn crv_of(algorithm: Algorithm) -> Option<&'static str> {
    match Family::of(algorithm) {
        Family::Rsa | Family::MlDsa(_) => None,
        Family::P256 => Some("P-256"),
        Family::Ed25519 => Some("Ed25519"),
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

/// An encoded ML-DSA public key (FIPS 204 §7.2) of so many octets.
fn encoded(member: Option<&str>, len: usize) -> Result<Vec<u8>, KeyError> {
    let bytes = member.and_then(base64url::decode).filter(|bytes| bytes.len() == len);
    bytes.ok_or(KeyError::InvalidJwk(
        "\"pub\" is missing or not a public key of \"alg\" in canonical base64url",
    ))
}

/// A JWK as it arrives, including the members that are not allowed.
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
    #[serde(rename = "pub", default, deserialize_with = "present")]
    public: Option<String>,
    /// Every private key of the types RSA, EC and OKP has it (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2).
    #[serde(default, deserialize_with = "present")]
    d: Option<IgnoredAny>,
    /// Every private key of the type AKP has it (RFC 9964 §3).
    #[serde(rename = "priv", default, deserialize_with = "present")]
    private: Option<IgnoredAny>,
    /// Only a symmetric key has it (RFC 7518 §6.4).
    #[serde(default, deserialize_with = "present")]
    k: Option<IgnoredAny>,
}

/// Reads a member that is present; `null` does not count as absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl TryFrom<Received> for Jwk {
    type Error = &'static str;

    fn try_from(received: Received) -> Result<Self, &'static str> {
        let Received { kty, public_key_use, key_ops, alg, kid, n, e, crv, x, y, public, d, private, k } =
            received;
        if d.is_some() || private.is_some() || k.is_some() {
            return Err("the JWK holds a private or symmetric key");
        }
        Ok(Self { kty, public_key_use, key_ops, alg, kid, n, e, crv, x, y, public })
    }
}
