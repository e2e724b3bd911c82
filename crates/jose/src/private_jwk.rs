//! Private JSON Web Keys (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2), read so that a key can move in from elsewhere.

use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::key_pair::Pair;
use crate::rsa_strength::RsaNumbers;
use crate::{Algorithm, KeyError, base64url, json};

/// The members of a private key; wiped when dropped.
#[derive(Deserialize)]
pub struct PrivateJwk {
    kty: String,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    #[serde(default)]
    n: Zeroizing<String>,
    #[serde(default)]
    e: Zeroizing<String>,
    #[serde(default)]
    d: Zeroizing<String>,
    #[serde(default)]
    p: Zeroizing<String>,
    #[serde(default)]
    q: Zeroizing<String>,
    #[serde(default)]
    dp: Zeroizing<String>,
    #[serde(default)]
    dq: Zeroizing<String>,
    #[serde(default)]
    qi: Zeroizing<String>,
    #[serde(default)]
    x: Zeroizing<String>,
    #[serde(default)]
    y: Zeroizing<String>,
}

impl PrivateJwk {
    /// # Errors
    /// `InvalidJwk` if the text is no strict JSON object or a member has the wrong type.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        json::check(text.as_bytes()).map_err(|_| KeyError::InvalidJwk("it is not a strict JSON object"))?;
        serde_json::from_str(text)
            .map_err(|_| KeyError::InvalidJwk("a member is missing or has the wrong type"))
    }

    /// The key's name, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm that `alg` names, else `preferred` where it fits the kind, else the usual one of the kind.
    ///
    /// # Errors
    /// `InvalidJwk`.
    pub fn algorithm(&self, preferred: Algorithm) -> Result<Algorithm, KeyError> {
        match (self.alg.as_deref(), self.kty.as_str()) {
            (Some(alg), _) => {
                Algorithm::of_header(alg).ok_or(KeyError::InvalidJwk("\"alg\" is not supported"))
            }
            (None, kty) if kty == preferred.kty() => Ok(preferred),
            (None, "RSA") => Ok(Algorithm::Rs256),
            (None, "EC") => Ok(Algorithm::Es256),
            (None, "OKP") => Ok(Algorithm::EdDsa),
            (None, _) => Err(KeyError::InvalidJwk("\"kty\" is not supported")),
        }
    }

    /// # Errors
    /// `InvalidJwk`, `Malformed`, or what is said of weak RSA keys.
    pub fn pair(&self, algorithm: Algorithm) -> Result<Pair, KeyError> {
        if self.kty != algorithm.kty() {
            return Err(KeyError::InvalidJwk("\"kty\" does not fit the algorithm"));
        }
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => self.rsa().map(|pair| Pair::rsa(pair, algorithm)),
            Algorithm::Es256 => {
                self.require_curve("P-256")?;
                let point = [&[4], bytes(&self.x)?.as_slice(), bytes(&self.y)?.as_slice()].concat();
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, &bytes(&self.d)?, &point);
                pair.map(Pair::Ecdsa).map_err(|_| KeyError::Malformed)
            }
            Algorithm::EdDsa => {
                self.require_curve("Ed25519")?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(&self.d)?, &bytes(&self.x)?);
                pair.map(Pair::Ed25519).map_err(|_| KeyError::Malformed)
            }
        }
    }

    fn rsa(&self) -> Result<RsaKeyPair, KeyError> {
        let (n, e) = (bytes(&self.n)?, bytes(&self.e)?);
        RsaNumbers { n: &n, e: &e }.require_strong()?;
        let components = KeyPairComponents {
            public_key: PublicKeyComponents { n: n.as_slice(), e: e.as_slice() },
            d: bytes(&self.d)?,
            p: bytes(&self.p)?,
            q: bytes(&self.q)?,
            dP: bytes(&self.dp)?,
            dQ: bytes(&self.dq)?,
            qInv: bytes(&self.qi)?,
        };
        RsaKeyPair::from_components(&components).map_err(|_| KeyError::Malformed)
    }

    fn require_curve(&self, curve: &str) -> Result<(), KeyError> {
        match self.crv.as_deref() {
            Some(crv) if crv == curve => Ok(()),
            _ => Err(KeyError::InvalidJwk("\"crv\" does not fit the algorithm")),
        }
    }
}

fn bytes(member: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let decoded = base64url::decode(member).filter(|bytes| !bytes.is_empty()).map(Zeroizing::new);
    decoded.ok_or(KeyError::InvalidJwk(
        "a number is missing or not canonical base64url; all of RFC 7518 §6 are needed",
    ))
}
