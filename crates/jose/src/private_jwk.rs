//! Private JSON Web Keys (RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2; RFC 9964 §3), which are read to import a key
//! from another system.

use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, PqdsaKeyPair,
    PqdsaSigningAlgorithm, RsaKeyPair,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::family::Family;
use crate::jwk::NO_ALG;
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
    #[serde(default, rename = "pub")]
    public: Zeroizing<String>,
    /// `priv`: the seed of an ML-DSA key (RFC 9964 §4).
    #[serde(default, rename = "priv")]
    seed: Zeroizing<String>,
}

impl PrivateJwk {
    /// # Errors
    /// `InvalidJwk` if the text is not a strict JSON object or a member has the wrong type.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        json::check(text.as_bytes()).map_err(|_| KeyError::InvalidJwk("it is not a strict JSON object"))?;
        serde_json::from_str(text)
            .map_err(|_| KeyError::InvalidJwk("a member is missing or has the wrong type"))
    }

    /// The key's name, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm that `alg` names, else `preferred` if it fits the kind, else the usual one of the kind.
    ///
    /// # Errors
    /// `InvalidJwk`.
    pub fn algorithm(&self, preferred: Algorithm) -> Result<Algorithm, KeyError> {
        match (self.alg.as_deref(), self.kty.as_str()) {
            (Some(alg), _) => {
                Algorithm::of_header(alg).ok_or(KeyError::InvalidJwk("\"alg\" is not supported"))
            }
            (None, "AKP") => Err(NO_ALG),
            (None, kty) if kty == preferred.kty() => Ok(preferred),
            (None, "RSA") => Ok(Algorithm::Rs256),
            (None, "EC") => Ok(Algorithm::Es256),
            (None, "OKP") => Ok(Algorithm::EdDsa),
            (None, _) => Err(KeyError::InvalidJwk("\"kty\" is not supported")),
        }
    }

    /// # Errors
    /// `InvalidJwk`, `Malformed`, or the errors of weak RSA keys.
    pub fn pair(&self, algorithm: Algorithm) -> Result<Pair, KeyError> {
        if self.kty != algorithm.kty() {
            return Err(KeyError::InvalidJwk("\"kty\" does not fit the algorithm"));
        }
        match Family::of(algorithm) {
            Family::Rsa => self.rsa().map(|pair| Pair::rsa(pair, algorithm)),
            Family::P256 => {
                self.require_curve("P-256")?;
                let point = [&[4], bytes(&self.x)?.as_slice(), bytes(&self.y)?.as_slice()].concat();
                let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, &bytes(&self.d)?, &point);
                pair.map(Pair::Ecdsa).map_err(|_| KeyError::Malformed)
            }
            Family::Ed25519 => {
                self.require_curve("Ed25519")?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(&self.d)?, &bytes(&self.x)?);
                pair.map(Pair::Ed25519).map_err(|_| KeyError::Malformed)
            }
            Family::MlDsa(parameters) => self.ml_dsa(parameters).map(Pair::MlDsa),
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

    /// The public half must belong to the seed: the public half of another key may reveal the private half
    /// (RFC 9964 §7.4).
    fn ml_dsa(&self, parameters: &'static PqdsaSigningAlgorithm) -> Result<PqdsaKeyPair, KeyError> {
        let (seed, public) = (bytes(&self.seed)?, bytes(&self.public)?);
        let pair = PqdsaKeyPair::from_seed(parameters, &seed).map_err(|_| KeyError::Malformed)?;
        let fits = pair.public_key().as_ref() == public.as_slice();
        fits.then_some(pair).ok_or(KeyError::Malformed)
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
        "a number is missing or not canonical base64url; all of RFC 7518 §6, or RFC 9964 §3, are needed",
    ))
}
