//! Key sets as issuers publish them (RFC 7517 §5): usable keys are taken, others are ignored.

use jose::json::Json;
use jose::{Algorithm, Jwk, Rejection, SignedParts, VerifyingKey};

use super::rsa_numbers;

/// The usable keys of an issuer, each bound to one algorithm.
#[derive(Debug)]
pub struct KeySet(Vec<Named>);

#[derive(Debug)]
struct Named {
    kid: Option<String>,
    key: VerifyingKey,
}

impl KeySet {
    /// Reads a set. The result is `None` if the text is not a key set.
    ///
    /// Real key sets contain keys for encryption, of unknown kinds, or damaged ones. These are left out. If
    /// two different keys have the same `kid` and algorithm, both are left out. Private and symmetric keys
    /// are never used.
    pub fn read(text: &[u8], algorithms: &[Algorithm]) -> Option<Self> {
        let set = Json::parse(text).ok()?;
        let keys: Vec<Named> =
            set.get("keys")?.elements()?.iter().filter_map(|key| Named::read(key, algorithms)).collect();
        let (told_apart, doubtful): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.is_only_one(&keys));
        if !doubtful.is_empty() {
            tracing::warn!(
                "the key set holds different keys of one \"kid\" and algorithm: they are not used"
            );
        }
        let mut unique: Vec<Named> = Vec::new();
        for named in told_apart {
            if !unique.iter().any(|other| other.same(named)) {
                unique.push(Named { kid: named.kid.clone(), key: named.key.clone() });
            }
        }
        Some(Self(unique))
    }

    /// How many keys there are to verify with.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Verifies the JWS layer of a token. The key is the one that `kid` names. If the token has no `kid`, only one key may fit.
    ///
    /// # Errors
    /// The rejection of `jose`. `UnknownKey` if no key fits, or more than one; `UnsupportedAlg` if the key is for another
    /// algorithm.
    pub fn verify(&self, token: &str) -> Result<SignedParts, Rejection> {
        jose::verify_signature_by(token, |kid, algorithm| self.choose(kid, algorithm))
    }

    fn choose(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&VerifyingKey, Rejection> {
        let meant = || self.0.iter().filter(|named| kid.is_none() || named.kid.as_deref() == kid);
        let mut fitting = meant().filter(|named| named.key.algorithm() == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(&only.key),
            (None, _) if kid.is_some() && meant().next().is_some() => Err(Rejection::UnsupportedAlg),
            _ => Err(Rejection::UnknownKey),
        }
    }
}

impl Named {
    /// A key for the first of the algorithms that it may serve.
    fn read(key: &Json<'_>, algorithms: &[Algorithm]) -> Option<Self> {
        let jwk = Jwk::from_json(&rsa_numbers::canonical(key).to_string()).ok()?;
        let key =
            algorithms.iter().find_map(|algorithm| VerifyingKey::from_jwk_for(*algorithm, &jwk).ok())?;
        Some(Self { kid: jwk.kid().map(str::to_owned), key })
    }

    fn is_only_one(&self, keys: &[Self]) -> bool {
        let namesake = |other: &&Self| other.kid == self.kid && other.key.algorithm() == self.key.algorithm();
        self.kid.is_none() || keys.iter().filter(namesake).all(|other| other.key == self.key)
    }

    fn same(&self, other: &Self) -> bool {
        self.kid == other.kid && self.key == other.key && self.key.algorithm() == other.key.algorithm()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jose::{ProtectedHeader, SigningKey, Typ};

    use super::*;

    const ALL: [Algorithm; 7] = Algorithm::ALL;

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::generate(algorithm, 2048).unwrap()
    }

    /// The public JWK without the members named.
    fn jwk(key: &SigningKey, kid: &str, without: &[&str]) -> String {
        let jwk = serde_json::to_value(key.verifying_key().to_jwk(kid)).unwrap();
        let mut members = jwk.as_object().unwrap().clone();
        members.retain(|name, _| !without.contains(&name.as_str()));
        serde_json::Value::Object(members).to_string()
    }

    fn set(keys: &[&str]) -> KeySet {
        KeySet::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes(), &ALL).unwrap()
    }

    fn token(key: &SigningKey, kid: Option<&str>) -> String {
        let header = match kid {
            Some(kid) => ProtectedHeader::encode(key.algorithm(), Typ::Jwt, kid),
            None => "eyJhbGciOiJFUzI1NiJ9".to_owned(), // {"alg":"ES256"}
        };
        let input = jose::signing_input(&header, b"{}");
        let signature = key.sign(input.as_bytes()).unwrap();
        jose::attach(input, &signature)
    }

    fn verdict(set: &KeySet, token: &str) -> Result<(), Rejection> {
        set.verify(token).map(|_| ())
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out_and_the_others_serve() {
        let es256 = key(Algorithm::Es256);
        let good = jwk(&es256, "a", &[]);
        let private = jwk(&es256, "d", &[]).replace('}', r#","d":"AQAB"}"#);
        let odd = [
            private.as_str(),
            r#"{"kty":"oct","k":"AQAB","kid":"o"}"#,
            r#"{"kty":"RSA","use":"enc","alg":"RSA-OAEP","n":"AQAB","e":"AQAB"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AQAB","y":"AQAB","alg":"ES384"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB"}"#,
            r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AQAB"}"#,
            "{}",
            "7",
            "null",
        ];
        for other in odd {
            let set = set(&[other, &good]);
            assert_eq!(set.len(), 1, "{other}");
            assert_eq!(verdict(&set, &token(&es256, Some("a"))), Ok(()), "{other}");
        }
        assert_eq!(set(&[]).len(), 0);
    }

    #[test]
    fn what_is_no_set_is_not_read() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "<html>",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            r#"{"keys":[],"keys":[]}"#,
        ] {
            assert!(KeySet::read(text.as_bytes(), &ALL).is_none(), "{text}");
        }
    }

    #[test]
    fn keys_that_cannot_be_told_apart_are_not_used() {
        let (one, two, rsa) = (key(Algorithm::Es256), key(Algorithm::Es256), key(Algorithm::Ps256));
        let twins = set(&[&jwk(&one, "a", &[]), &jwk(&two, "a", &[]), &jwk(&rsa, "a", &[])]);
        assert_eq!(verdict(&twins, &token(&one, Some("a"))), Err(Rejection::UnsupportedAlg));
        assert_eq!(verdict(&twins, &token(&rsa, Some("a"))), Ok(()), "another algorithm tells it apart");
        let twice = set(&[&jwk(&one, "a", &[]), &jwk(&one, "a", &[])]);
        assert_eq!((twice.len(), verdict(&twice, &token(&one, Some("a")))), (1, Ok(())));
    }

    #[test]
    fn a_token_without_a_kid_must_leave_no_choice() {
        let (one, two, rsa) = (key(Algorithm::Es256), key(Algorithm::Es256), key(Algorithm::Rs256));
        let (first, second) = (jwk(&one, "a", &[]), jwk(&two, "b", &[]));
        let nameless = token(&one, None);
        assert_eq!(verdict(&set(&[&first, &jwk(&rsa, "c", &[])]), &nameless), Ok(()));
        assert_eq!(verdict(&set(&[&jwk(&one, "a", &["kid"])]), &nameless), Ok(()));
        assert_eq!(verdict(&set(&[&first, &second]), &nameless), Err(Rejection::UnknownKey));
        assert_eq!(verdict(&set(&[&second]), &nameless), Err(Rejection::BadSignature));
        let unnamed = set(&[&jwk(&one, "a", &["kid"])]);
        assert_eq!(verdict(&unnamed, &token(&one, Some("a"))), Err(Rejection::UnknownKey));
    }

    #[test]
    fn a_key_serves_one_algorithm_alone() {
        let rsa = key(Algorithm::Ps256);
        let ps256 = token(&rsa, Some("a"));
        let (named, unsaid) = (jwk(&rsa, "a", &[]), jwk(&rsa, "a", &["alg"]));
        assert_eq!(verdict(&set(&[&named]), &ps256), Ok(()));
        assert_eq!(verdict(&set(&[&unsaid]), &ps256), Err(Rejection::UnsupportedAlg), "taken for RS256");
        let text = format!(r#"{{"keys":[{unsaid}]}}"#);
        let only_ps256 = KeySet::read(text.as_bytes(), &[Algorithm::Ps256]).unwrap();
        assert_eq!(verdict(&only_ps256, &ps256), Ok(()));
        let text = format!(r#"{{"keys":[{named}]}}"#);
        assert_eq!(KeySet::read(text.as_bytes(), &[Algorithm::Rs256]).unwrap().len(), 0, "not allowed");
    }
    #[test]
    fn a_zero_before_the_modulus_changes_no_key() {
        let rsa = key(Algorithm::Rs256);
        let plain = jwk(&rsa, "a", &[]);
        let mut padded: serde_json::Value = serde_json::from_str(&plain).unwrap();
        let n = URL_SAFE_NO_PAD.decode(padded["n"].as_str().unwrap()).unwrap();
        padded["n"] = URL_SAFE_NO_PAD.encode([&[0], n.as_slice()].concat()).into();
        let both = set(&[&padded.to_string(), &plain]);
        assert_eq!((both.len(), verdict(&both, &token(&rsa, Some("a")))), (1, Ok(())));
        assert_eq!(verdict(&set(&[&padded.to_string()]), &token(&rsa, Some("a"))), Ok(()));
    }

    #[test]
    fn a_key_with_a_small_exponent_is_left_out() {
        let mut small: serde_json::Value =
            serde_json::from_str(&jwk(&key(Algorithm::Rs256), "a", &[])).unwrap();
        small["e"] = "Aw".into();
        assert!(set(&[&small.to_string()]).is_empty());
    }
}
