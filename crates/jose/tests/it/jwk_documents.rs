//! The JSON documents of public keys: what we write, and what we refuse to read.

use jose::KeyError::{self, InvalidJwk};
use jose::{Algorithm, Jwk, JwkSet, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{KEYS, base64url, decoded, key};

const RSA: &str = concat!(
    r#"{"kty":"RSA","n":""#,
    "u0wdMxSM_JQK30wbIplILPLExzpX7Ev80dYVFjzy6eY46ygFz1Tle7Uil8Wam24tFNHkXWwgU0WI4KnsWu5JepqOPBwMVMGcTBsl",
    "xV7JBngIW1WGZwWuHpnyrS5k4KI6M0pj7F5GsFfOS0tfeHwNtOcFnShSKN4ptXBJsmoYKcWKb8pOzi88cmQhhgXHTEEtejCgO0S8",
    "3wHy7jKvPGck9byQ1ipBIL2yp9zHCiYdZYWCZFLhBVCv26xgKnIxoewmFK9jT43yA-QCL8WBIrrkAOAzhF8yMGlBbs2mzzZhKSqW",
    "Tb0nbPANH130YRsXlEjWHHtiER0ej-vFB9j6QqYpjQ",
    r#"","e":"AQAB"}"#
);
const EC: &str = concat!(
    r#"{"kty":"EC","crv":"P-256","x":"IduLxLWiaGMXMKe8qTpxI0ka7GkVW62QSM2UZgFCANI","#,
    r#""y":"hxRn9JerU7vGu_V5eG-6i3YBVxJ_z-AOjD0bmks69Lg"}"#
);
const OKP: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"xMfjryTFzYXA0QLBhwWYyAVBXqWUws5D2usA_tItr9k"}"#;
const OF_EACH_KIND: [&str; 3] = [RSA, EC, OKP];

const NOT_STRICT: KeyError = InvalidJwk("it is not a strict JSON object");
const NOT_A_JWK: KeyError = InvalidJwk("a member has the wrong type, or the key is not public");
const BAD_SET: KeyError =
    InvalidJwk("the set holds a damaged or private key, or two keys of the same \"kid\"");
const BAD_NATURAL: KeyError = InvalidJwk("\"n\" or \"e\" is missing or not a canonical Base64urlUInt");
const BAD_COORDINATE: KeyError =
    InvalidJwk("\"x\" or \"y\" is missing or not 32 octets in canonical base64url");
const WRONG_KIND: KeyError = InvalidJwk("\"kty\" or \"crv\" does not fit the algorithm");

fn read(jwk: &str) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_jwk(&Jwk::from_json(jwk)?)
}

/// The document with one more member.
fn with(jwk: &str, member: &str) -> String {
    jwk.replace('}', &format!(",{member}}}"))
}

/// The document with one piece of its text replaced.
fn instead(jwk: &str, old: &str, new: &str) -> String {
    let changed = jwk.replace(old, new);
    assert_ne!(changed, jwk);
    changed
}

fn set(keys: &[&str]) -> Result<JwkSet, KeyError> {
    JwkSet::from_json(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
}

#[test]
fn each_algorithm_writes_its_members_in_a_fixed_order() {
    let written = |algorithm, pem| {
        let key = VerifyingKey::from_spki_pem(algorithm, pem).unwrap();
        serde_json::to_string(&key.to_jwk("key-1")).unwrap()
    };
    let rsa = include_str!("../vectors/keys/rsa_2048_public.pem");
    let common = |alg| format!(r#""use":"sig","key_ops":["verify"],"alg":"{alg}","kid":"key-1""#);
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let start = format!(r#"{{"kty":"RSA",{},"#, common(algorithm.name()));
        assert_eq!(written(algorithm, rsa), instead(RSA, r#"{"kty":"RSA","#, &start));
    }
    let start = format!(r#"{{"kty":"EC",{},"#, common("ES256"));
    let p256 = include_str!("../vectors/keys/p256_public.pem");
    assert_eq!(written(Algorithm::Es256, p256), instead(EC, r#"{"kty":"EC","#, &start));
    let start = format!(r#"{{"kty":"OKP",{},"#, common("EdDSA"));
    let ed25519 = include_str!("../vectors/keys/ed25519_public.pem");
    assert_eq!(written(Algorithm::EdDsa, ed25519), instead(OKP, r#"{"kty":"OKP","#, &start));
}

#[test]
fn a_set_is_written_as_its_keys_and_read_back_in_their_order() {
    let kids = ["b", "a", "", "\"\\\u{e9}", "d", "e", "f"];
    let keys: Vec<Jwk> = KEYS.iter().zip(kids).map(|(key, kid)| key.verifying_key().to_jwk(kid)).collect();
    let set = JwkSet { keys };
    let text = serde_json::to_string(&set).unwrap();
    assert!(text.starts_with(r#"{"keys":[{"kty":"RSA","use":"sig","#));
    let read = JwkSet::from_json(&text).unwrap();
    assert_eq!(read, set);
    for (kid, key) in kids.iter().zip(KEYS.iter()) {
        let found = VerifyingKey::from_jwk(read.find(kid).unwrap()).unwrap();
        assert_eq!(found, *key.verifying_key(), "{kid}");
    }
    assert_eq!(read.find("c"), None);
    assert_eq!(JwkSet::from_json(r#"{"keys":[]}"#), Ok(JwkSet::default()));
}

#[test]
fn a_key_survives_the_way_to_a_jwk_and_back() {
    for key in KEYS.iter().map(SigningKey::verifying_key) {
        let jwk = key.to_jwk("key-1");
        let text = serde_json::to_string(&jwk).unwrap();
        assert_eq!(Jwk::from_json(&text).as_ref(), Ok(&jwk));
        let back = VerifyingKey::from_jwk(&jwk).unwrap();
        assert_eq!(back, *key);
        assert_eq!(back.algorithm(), key.algorithm());
        let bits = match key.algorithm() {
            Algorithm::Rs256 | Algorithm::Ps256 => 2048,
            Algorithm::Es256 | Algorithm::EdDsa => 256,
            Algorithm::MlDsa44 => 1312 * 8,
            Algorithm::MlDsa65 => 1952 * 8,
            Algorithm::MlDsa87 => 2592 * 8,
        };
        assert_eq!(back.bits(), bits);
        assert_eq!(back.to_jwk("key-1"), jwk);
        assert_eq!(back.to_spki_pem(), key.to_spki_pem());
    }
}

#[test]
fn coordinates_keep_their_leading_zeros() {
    // One key in 128 has a coordinate with one.
    let (key, name) = (0..10_000)
        .find_map(|_| {
            let key = SigningKey::generate(Algorithm::Es256, 0).unwrap();
            let jwk = serde_json::to_value(key.verifying_key().to_jwk("")).unwrap();
            let short = |name: &&str| decoded(jwk[*name].as_str().unwrap())[0] == 0;
            ["x", "y"].into_iter().find(short).map(|name| (key, name))
        })
        .unwrap();
    let mut jwk = serde_json::to_value(key.verifying_key().to_jwk("")).unwrap();
    assert_eq!(read(&jwk.to_string()).as_ref(), Ok(key.verifying_key()));
    let octets = decoded(jwk[name].as_str().unwrap());
    assert_eq!(octets.len(), 32);
    jwk[name] = base64url(&octets[1..]).into();
    assert_eq!(read(&jwk.to_string()), Err(BAD_COORDINATE));
}

#[test]
fn a_thumbprint_does_not_depend_on_kid_use_or_alg() {
    for (jwk, alg, thumbprint) in [
        (RSA, "PS256", "iVA8bLfV62O2qSKzzWl7irp1KFDNPiXpEWrAVejAa8c"),
        (EC, "ES256", "3xFRJ6sheqW26ns0o9jSN4cYSRY72zyj9G0SSZhGA3U"),
        (OKP, "Ed25519", "MmWNyNb1QeIf6Xr_DjUiiM1MH9zPyyBETBL0yq_KqN0"),
    ] {
        assert_eq!(read(jwk).unwrap().thumbprint(), thumbprint);
        for member in [r#""use":"sig""#, r#""kid":"a","key_ops":["verify"]"#, r#""x5t":"b""#] {
            let jwk = with(jwk, &format!(r#"{member},"alg":"{alg}""#));
            assert_eq!(read(&jwk).unwrap().thumbprint(), thumbprint, "{jwk}");
        }
    }
    let [rs256, ps256, ..] = &*KEYS;
    assert_ne!(rs256.verifying_key().thumbprint(), ps256.verifying_key().thumbprint());
}

#[test]
fn private_and_symmetric_keys_are_refused_alone_and_in_a_set() {
    for jwk in OF_EACH_KIND {
        for secret in
            [r#""d":"AQAB""#, r#""d":"""#, r#""d":null"#, r#""d":{}"#, r#""k":"AQAB""#, r#""k":null"#]
        {
            let jwk = with(jwk, secret);
            assert_eq!(read(&jwk), Err(NOT_A_JWK), "{secret}");
            assert_eq!(set(&[&jwk]), Err(BAD_SET), "{secret}");
            assert_eq!(set(&[OKP, &jwk]), Err(BAD_SET), "{secret}");
        }
    }
    let symmetric = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko","alg":"HS256"}"#;
    assert_eq!(read(symmetric), Err(NOT_A_JWK));
    assert_eq!(set(&[OKP, symmetric]), Err(BAD_SET));
    // Without its secret it is an empty shell, which no algorithm takes.
    assert_eq!(read(r#"{"kty":"oct"}"#), Err(InvalidJwk("\"kty\" is not supported")));
    assert_eq!(read(r#"{"kty":"oct","alg":"HS256"}"#), Err(InvalidJwk("\"alg\" is not supported")));
    assert_eq!(read(r#"{"kty":"oct","alg":"RS256"}"#), Err(WRONG_KIND));
}

#[test]
fn null_is_no_value_of_any_member() {
    for name in ["kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"] {
        for jwk in OF_EACH_KIND {
            let mut jwk: Value = serde_json::from_str(jwk).unwrap();
            jwk[name] = Value::Null;
            assert_eq!(read(&jwk.to_string()), Err(NOT_A_JWK), "{jwk}");
            assert_eq!(set(&[&jwk.to_string()]), Err(BAD_SET), "{jwk}");
        }
    }
}

#[test]
fn members_of_the_wrong_type_are_refused() {
    for name in ["kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"] {
        for value in [json!(1), json!(true), json!(["sig"]), json!({ "a": "b" })] {
            let mut jwk: Value = serde_json::from_str(EC).unwrap();
            jwk[name] = value;
            assert_eq!(read(&jwk.to_string()), Err(NOT_A_JWK), "{jwk}");
            assert_eq!(set(&[&jwk.to_string()]), Err(BAD_SET), "{jwk}");
        }
    }
    for value in ["\"verify\"", "1", "{}", "[1]", "[null]", r#"["verify",["verify"]]"#] {
        assert_eq!(read(&with(EC, &format!(r#""key_ops":{value}"#))), Err(NOT_A_JWK), "{value}");
    }
    assert_eq!(read(&instead(EC, r#""kty":"EC","#, "")), Err(NOT_A_JWK));
    assert_eq!(read("{}"), Err(NOT_A_JWK));
}

#[test]
fn a_jwk_and_a_set_are_strict_json_objects() {
    for text in [
        "",
        "null",
        "\"RSA\"",
        "{",
        r#"["EC",null,null,null,null,null,null,"P-256","AQ","AQ"]"#,
        &format!("[{EC}]"),
        &format!("{EC}{EC}"),
        &format!("{EC},"),
        &format!("\u{FEFF}{EC}"),
        &with(EC, r#""kty":"EC""#),
        &with(EC, r#""kid":"a","k\u0069d":"a""#),
        &with(EC, r#""unknown":[{"a":1,"a":1}]"#),
        &with(EC, r#""kid":"\ud800""#),
        &with(EC, r#""unknown":1e400"#),
    ] {
        assert_eq!(Jwk::from_json(text), Err(NOT_STRICT), "{text}");
        let set = JwkSet::from_json(text);
        assert_eq!(set, Err(InvalidJwk("the set is not a strict JSON object")), "{text}");
    }
    let set = JwkSet::from_json(&format!(r#"{{"keys":[],"keys":[{EC}]}}"#));
    assert_eq!(set, Err(InvalidJwk("the set is not a strict JSON object")));
    let spaced = EC.replace(',', "\r\n\t, ").replace(':', " : ");
    assert_eq!(read(&format!(" {spaced}\n")), read(EC));
}

#[test]
fn unknown_members_and_those_of_other_kinds_are_ignored() {
    for (jwk, foreign) in
        [(RSA, r#""crv":"P-256","x":"!","y":"!""#), (EC, r#""n":"!","e":"!""#), (OKP, r#""y":"!""#)]
    {
        let plain = read(jwk).unwrap();
        for member in
            [foreign, r#""x5c":["MIIB"]"#, r#""x5u":"https://attacker.example/""#, r#""KTY":"oct","":null"#]
        {
            assert_eq!(read(&with(jwk, member)), Ok(plain.clone()), "{member}");
        }
    }
}

#[test]
fn numbers_have_one_spelling() {
    // The last characters of n and x, and what else they could be with other unused bits.
    for (jwk, last, others, error) in [
        (RSA, "QqYpjQ\"", ["QqYpjR\"", "QqYpjf\""], BAD_NATURAL),
        (EC, "FCANI\"", ["FCANJ\"", "FCANL\""], BAD_COORDINATE),
        (EC, "9Lg\"", ["9Lh\"", "9Lj\""], BAD_COORDINATE),
        (OKP, "tr9k\"", ["tr9l\"", "tr9n\""], BAD_COORDINATE),
    ] {
        for other in others {
            assert_eq!(read(&instead(jwk, last, other)), Err(error.clone()), "{other}");
        }
        for (plain, foreign) in [("\"", "=\""), ("\"", " \""), ("\"", "\\n\""), ("\"", "\u{e9}\"")] {
            let other = instead(last, plain, foreign);
            assert_eq!(read(&instead(jwk, last, &other)), Err(error.clone()), "{other}");
        }
    }
    for (jwk, url_safe, standard, error) in [
        (RSA, "MxSM_JQK", "MxSM/JQK", BAD_NATURAL),
        (RSA, "yA-QCL8", "yA+QCL8", BAD_NATURAL),
        (EC, "vGu_V5eG-6", "vGu/V5eG+6", BAD_COORDINATE),
        (OKP, "usA_tI", "usA/tI", BAD_COORDINATE),
    ] {
        assert_eq!(read(&instead(jwk, url_safe, standard)), Err(error), "{standard}");
    }
}

#[test]
fn rsa_numbers_have_no_leading_zeros_and_are_not_empty() {
    let n = serde_json::from_str::<Value>(RSA).unwrap()["n"].as_str().unwrap().to_owned();
    let padded = base64url([&[0][..], &decoded(&n)].concat());
    assert_eq!(read(&instead(RSA, &n, &padded)), Err(BAD_NATURAL));
    for e in ["AAEAAQ", "AAABAAE", "AA", "", "A"] {
        assert_eq!(read(&instead(RSA, "\"AQAB\"", &format!("\"{e}\""))), Err(BAD_NATURAL), "{e}");
    }
    assert_eq!(read(&instead(RSA, &n, "")), Err(BAD_NATURAL));
    assert_eq!(read(&instead(RSA, r#","e":"AQAB""#, "")), Err(BAD_NATURAL));
    assert_eq!(read(&instead(RSA, &format!(r#""n":"{n}","#), "")), Err(BAD_NATURAL));
}

#[test]
fn weak_rsa_numbers_are_refused_for_their_own_reason() {
    let n = decoded(serde_json::from_str::<Value>(RSA).unwrap()["n"].as_str().unwrap());
    let with_n = |n: &[u8]| read(&json!({ "kty": "RSA", "n": base64url(n), "e": "AQAB" }).to_string());
    assert_eq!(with_n(&n[..128]), Err(KeyError::TooWeak { bits: 1024 }));
    assert_eq!(with_n(&[1]), Err(KeyError::TooWeak { bits: 1 }));
    assert_eq!(with_n(&[&[0x7F], &n[1..]].concat()), Err(KeyError::TooWeak { bits: 2047 }));
    assert_eq!(with_n(&[&[1], &n.repeat(4)[..]].concat()), Err(KeyError::TooLarge { bits: 8193 }));
    assert_eq!(with_n(&[&n[..255], &[0x8C]].concat()), Err(KeyError::Malformed), "an even modulus");
    for e in ["Aw", "AQ", "AQAA", "AQAD", "AQAAAAE", "EQ"] {
        let weak = instead(RSA, "\"AQAB\"", &format!("\"{e}\""));
        assert_eq!(read(&weak), Err(KeyError::WeakExponent), "{e}");
    }
}

#[test]
fn coordinates_have_32_octets_and_lie_on_the_curve() {
    for jwk in [EC, OKP] {
        let x = serde_json::from_str::<Value>(jwk).unwrap()["x"].as_str().unwrap().to_owned();
        let octets = decoded(&x);
        let with_x = |octets: &[u8]| read(&instead(jwk, &x, &base64url(octets)));
        assert_eq!(with_x(&octets[..31]), Err(BAD_COORDINATE));
        assert_eq!(with_x(&octets[1..]), Err(BAD_COORDINATE));
        assert_eq!(with_x(&[&[0], &octets[..]].concat()), Err(BAD_COORDINATE));
        assert_eq!(with_x(&[&octets[..], &[0]].concat()), Err(BAD_COORDINATE));
        assert_eq!(with_x(&[]), Err(BAD_COORDINATE));
        assert_eq!(read(&instead(jwk, &format!(r#","x":"{x}""#), "")), Err(BAD_COORDINATE));
    }
    let point = |x: [u8; 32], y: [u8; 32]| {
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) });
        read(&jwk.to_string())
    };
    for (x, y) in [([0; 32], [0; 32]), ([1; 32], [1; 32]), ([0xFF; 32], [0xFF; 32])] {
        assert_eq!(point(x, y), Err(KeyError::Malformed), "{x:?} {y:?}");
    }
    assert_eq!(read(&instead(EC, "IduLx", "JduLx")), Err(KeyError::Malformed));
    let swapped = EC.replace("\"x\"", "\"z\"").replace("\"y\"", "\"x\"").replace("\"z\"", "\"y\"");
    assert_eq!(read(&swapped), Err(KeyError::Malformed));
}

#[test]
fn kty_and_crv_must_fit_the_algorithm() {
    for jwk in [
        instead(EC, "P-256", "P-384"),
        instead(EC, "P-256", "p-256"),
        instead(EC, "P-256", "secp256k1"),
        instead(EC, "P-256", "Ed25519"),
        instead(EC, r#""crv":"P-256","#, ""),
        instead(OKP, "Ed25519", "X25519"),
        instead(OKP, "Ed25519", "Ed448"),
        instead(OKP, r#""crv":"Ed25519","#, ""),
        with(EC, r#""alg":"EdDSA""#),
        with(EC, r#""alg":"RS256""#),
        with(OKP, r#""alg":"ES256""#),
        with(RSA, r#""alg":"ES256""#),
    ] {
        assert_eq!(read(&jwk), Err(WRONG_KIND), "{jwk}");
    }
    for kty in ["rsa", "akp", ""] {
        assert_eq!(read(&format!(r#"{{"kty":"{kty}"}}"#)), Err(InvalidJwk("\"kty\" is not supported")));
    }
}

#[test]
fn use_and_key_ops_must_allow_verifying() {
    for (member, error) in [
        (r#""use":"enc""#, "\"use\" is not \"sig\""),
        (r#""use":"""#, "\"use\" is not \"sig\""),
        (r#""use":"SIG""#, "\"use\" is not \"sig\""),
        (r#""use":"enc","key_ops":["verify"]"#, "\"use\" is not \"sig\""),
        (r#""key_ops":[]"#, "\"key_ops\" does not hold \"verify\""),
        (r#""key_ops":["sign"]"#, "\"key_ops\" does not hold \"verify\""),
        (r#""key_ops":["Verify"]"#, "\"key_ops\" does not hold \"verify\""),
        (r#""use":"sig","key_ops":["encrypt","wrapKey"]"#, "\"key_ops\" does not hold \"verify\""),
        (r#""key_ops":["verify","verify"]"#, "\"key_ops\" repeats an operation"),
        (r#""key_ops":["a","verify","b","a"]"#, "\"key_ops\" repeats an operation"),
    ] {
        for jwk in OF_EACH_KIND {
            assert_eq!(read(&with(jwk, member)), Err(InvalidJwk(error)), "{member}");
        }
    }
    for member in [r#""use":"sig""#, r#""key_ops":["verify"]"#, r#""key_ops":["sign","verify"]"#] {
        assert!(read(&with(EC, member)).is_ok(), "{member}");
    }
}

#[test]
fn alg_decides_on_the_algorithm_and_must_agree_with_the_one_asked_for() {
    let algorithm = |jwk: &str| read(jwk).map(|key| key.algorithm());
    assert_eq!(algorithm(RSA), Ok(Algorithm::Rs256));
    assert_eq!(algorithm(EC), Ok(Algorithm::Es256));
    assert_eq!(algorithm(OKP), Ok(Algorithm::EdDsa));
    assert_eq!(algorithm(&with(RSA, r#""alg":"PS256""#)), Ok(Algorithm::Ps256));
    for alg in ["RS384", "HS256", "none", "rs256", "", "RSA-OAEP"] {
        let jwk = with(RSA, &format!(r#""alg":"{alg}""#));
        assert_eq!(algorithm(&jwk), Err(InvalidJwk("\"alg\" is not supported")), "{alg}");
    }
    let read_for = |algorithm, jwk: &str| {
        VerifyingKey::from_jwk_for(algorithm, &Jwk::from_json(jwk)?).map(|key| key.algorithm())
    };
    assert_eq!(read_for(Algorithm::Ps256, RSA), Ok(Algorithm::Ps256));
    for jwk in [with(RSA, r#""alg":"RS256""#), with(RSA, r#""alg":"RS512""#), with(EC, r#""alg":"ES256""#)] {
        assert_eq!(read_for(Algorithm::Ps256, &jwk), Err(InvalidJwk("\"alg\" is another")));
    }
    assert_eq!(read_for(Algorithm::Es256, OKP), Err(WRONG_KIND));
}

#[test]
fn ed25519_is_read_as_eddsa_and_written_so() {
    let key = read(&with(OKP, r#""alg":"Ed25519""#)).unwrap();
    assert_eq!(key.algorithm(), Algorithm::EdDsa);
    assert_eq!(serde_json::to_value(key.to_jwk("a")).unwrap()["alg"], "EdDSA");
    assert_eq!(read(&with(OKP, r#""alg":"Ed448""#)), Err(InvalidJwk("\"alg\" is not supported")));
}

/// Unlike a point of P-256 it is only looked at when it is used (RFC 8032 §5.1.7).
#[test]
fn an_ed25519_point_off_the_curve_verifies_nothing() {
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(off_curve) });
    let public = read(&jwk.to_string()).unwrap();
    assert!(!public.verify(b"message", &key(Algorithm::EdDsa).sign(b"message").unwrap()));
    assert!(!public.verify(b"message", &[0; 64]));
}

#[test]
fn keys_of_unknown_kind_are_skipped_in_a_set() {
    let unknown = [
        r#"{"kty":"LMS","alg":"HSS-LMS","pub":"AA","kid":"a"}"#,
        r#"{"kty":"rsa","n":1,"d":2}"#,
        r#"{"kty":"","k":null}"#,
    ];
    let named = with(EC, r#""kid":"a""#);
    let read = set(&[unknown[0], &named, unknown[1], OKP, unknown[2]]).unwrap();
    assert_eq!(read.keys, [Jwk::from_json(&named).unwrap(), Jwk::from_json(OKP).unwrap()]);
    assert_eq!(set(&unknown), Ok(JwkSet::default()));
    // Sound as JSON, these spoil no set; which of them can verify is asked key by key.
    let unfit = instead(EC, "P-256", "P-384");
    let others = [r#"{"kty":"RSA"}"#, r#"{"kty":"AKP"}"#, r#"{"kty":"AKP","alg":"FN-DSA-512","pub":"AA"}"#];
    assert_eq!(set(&[&unfit, others[0], others[1], others[2]]).unwrap().keys.len(), 4);
}

#[test]
fn a_repeated_kid_spoils_a_set() {
    let [rsa, ec, okp] = OF_EACH_KIND.map(|jwk| with(jwk, r#""kid":"a""#));
    assert_eq!(set(&[&rsa, &ec]), Err(BAD_SET));
    assert_eq!(set(&[&rsa, OKP, EC, &rsa]), Err(BAD_SET));
    assert_eq!(set(&[&okp, &okp.replace("\"a\"", "\"\\u0061\"")]), Err(BAD_SET));
    assert!(set(&[&rsa, &ec.replace("\"a\"", "\"A\"")]).is_ok());
    assert!(set(&[RSA, EC, EC]).is_ok(), "keys without a kid are never the same");
}

#[test]
fn a_set_is_an_array_of_objects_with_a_kty() {
    for text in [
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":"[]"}"#,
        r#"{"Keys":[]}"#,
        r#"{"keys":[null]}"#,
        r#"{"keys":["RSA"]}"#,
        r#"{"keys":[[]]}"#,
        r#"{"keys":[["EC"]]}"#,
        r#"{"keys":[{}]}"#,
        r#"{"keys":[{"kty":null}]}"#,
        r#"{"keys":[{"kty":["RSA"]}]}"#,
        RSA,
    ] {
        assert_eq!(JwkSet::from_json(text), Err(BAD_SET), "{text}");
    }
    let more = format!(r#"{{"next":null,"keys":[{EC}],"x":[{{"keys":1}}]}}"#);
    assert_eq!(JwkSet::from_json(&more), set(&[EC]));
}

/// `serde_json::Value` takes an object with this member for the JSON text in it, and so would read a
/// key that the check for strict JSON has never seen.
#[test]
fn no_key_is_smuggled_into_a_set_as_text() {
    let smuggled = |text: &str| json!({ "$serde_json::private::RawValue": text });
    let twice = with(EC, r#""kid":"a","kid":"b""#);
    for key in [smuggled(EC), smuggled(&twice), json!({ "kty": smuggled("\"EC\"") })] {
        assert_eq!(set(&[&key.to_string()]), Err(BAD_SET), "{key}");
    }
}

#[test]
fn reading_with_serde_alone_is_as_strict_about_keys() {
    let read = |key: &str| serde_json::from_str::<JwkSet>(&format!(r#"{{"keys":[{key}]}}"#));
    assert_eq!(read(EC).unwrap(), set(&[EC]).unwrap());
    for (key, error) in [
        (with(EC, r#""kid":"a","kid":"b""#), "a key is not a strict JSON object"),
        (with(EC, r#""unknown":{"a":1,"a":1}"#), "a key is not a strict JSON object"),
        (with(EC, r#""d":"AQAB""#), "a member has the wrong type, or the key is not public"),
        (r#"{"kid":"a"}"#.to_owned(), "a key has no \"kty\""),
        ([RSA, EC].map(|jwk| with(jwk, r#""kid":"a""#)).join(","), "two keys have the same \"kid\""),
    ] {
        assert_eq!(read(&key).unwrap_err().to_string(), InvalidJwk(error).to_string());
    }
    assert!(serde_json::from_str::<Jwk>(&with(EC, r#""kty":"EC""#)).is_err());
    assert!(serde_json::from_str::<Jwk>(&with(EC, r#""d":"AQAB""#)).is_err());
}
