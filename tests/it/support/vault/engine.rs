//! The double's transit engine: named keys with versions, and real signatures.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jose::{Algorithm, SigningKey};
use serde_json::{Map, Value, json};

/// A named key.
pub struct Named {
    pub kind: String,
    pub versions: Vec<Version>,
}

pub struct Version {
    pkcs8: Vec<u8>,
    public: String,
}

impl Named {
    /// A key with its first version; `None` for a type that signs nothing.
    pub fn new(kind: &str) -> Option<Self> {
        let mut named = Self { kind: kind.to_owned(), versions: Vec::new() };
        named.algorithm()?;
        named.rotate();
        Some(named)
    }

    fn algorithm(&self) -> Option<(Algorithm, u32)> {
        match self.kind.as_str() {
            "rsa-2048" => Some((Algorithm::Rs256, 2048)),
            "rsa-3072" => Some((Algorithm::Rs256, 3072)),
            "rsa-4096" => Some((Algorithm::Rs256, 4096)),
            "ecdsa-p256" => Some((Algorithm::Es256, 0)),
            "ed25519" => Some((Algorithm::EdDsa, 0)),
            _ => None,
        }
    }

    pub fn rotate(&mut self) {
        let (algorithm, bits) = self.algorithm().unwrap();
        let key = SigningKey::generate(algorithm, bits).unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pkcs8 = STANDARD.decode(text).unwrap();
        let public = match algorithm {
            Algorithm::EdDsa => {
                let jwk = serde_json::to_value(key.verifying_key().to_jwk("")).unwrap();
                STANDARD.encode(URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap())
            }
            _ => key.verifying_key().to_spki_pem(),
        };
        self.versions.push(Version { pkcs8, public });
    }

    /// The response to reading the key.
    pub fn described(&self, name: &str) -> Value {
        let versions = self.versions.iter().zip(1..).map(|(version, number)| {
            let shown = json!({
                "creation_time": "2026-01-01T00:00:00Z", "name": self.kind, "public_key": version.public,
            });
            (number.to_string(), shown)
        });
        json!({
            "name": name, "type": self.kind, "latest_version": self.versions.len(), "derived": false,
            "exportable": false, "allow_plaintext_backup": false, "deletion_allowed": false,
            "min_available_version": 0, "min_decryption_version": 1, "min_encryption_version": 0,
            "supports_signing": true, "keys": versions.collect::<Map<_, _>>(),
        })
    }

    /// The signature in the base64 that belongs to its marshaling, or the reason why there is none.
    pub fn sign(&self, version: usize, order: &Value) -> Result<String, &'static str> {
        let key = version.checked_sub(1).and_then(|index| self.versions.get(index));
        let key = key.ok_or("requested version for signing is higher than the latest key version")?;
        let input = order["input"].as_str().and_then(|text| STANDARD.decode(text).ok());
        let input = input.ok_or("unable to decode input as base64")?;
        let jws = order["marshaling_algorithm"] == "jws";
        let signature = match self.algorithm().unwrap().0 {
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8(&key.pkcs8).unwrap().sign(&input).as_ref().to_vec()
            }
            Algorithm::Es256 => {
                let form =
                    if jws { &ECDSA_P256_SHA256_FIXED_SIGNING } else { &ECDSA_P256_SHA256_ASN1_SIGNING };
                let pair = EcdsaKeyPair::from_pkcs8(form, &key.pkcs8).unwrap();
                pair.sign_digest(&hashed(order, &input)?).unwrap().as_ref().to_vec()
            }
            _ => {
                let padding: &'static dyn RsaEncoding = match order["signature_algorithm"].as_str() {
                    Some("pkcs1v15") => &RSA_PKCS1_SHA256,
                    // The default is the longest salt that fits, which no JWS has.
                    None | Some("pss") if order["salt_length"] == "hash" => &RSA_PSS_SHA256,
                    None | Some("pss") => return Err("the double knows no salt but that of a hash's length"),
                    Some(_) => return Err("unsupported rsa signature algorithm"),
                };
                let pair = RsaKeyPair::from_pkcs8(&key.pkcs8).unwrap();
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(padding, &hashed(order, &input)?, &mut signature).unwrap();
                signature
            }
        };
        Ok(if jws { URL_SAFE_NO_PAD.encode(signature) } else { STANDARD.encode(signature) })
    }
}

/// The hash to sign: the input itself, if the request says that it is one.
fn hashed(order: &Value, input: &[u8]) -> Result<Digest, &'static str> {
    match order["hash_algorithm"].as_str() {
        None | Some("sha2-256") => {}
        Some(_) => return Err("the double knows no hash but sha2-256"),
    }
    if order["prehashed"] == true {
        Digest::import_less_safe(input, &SHA256).map_err(|_| "the hash has a wrong length")
    } else {
        Ok(digest(&SHA256, input))
    }
}
