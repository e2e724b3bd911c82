//! Systematic and random damage: of the tokens around a good one none is accepted, and no text makes a
//! reader panic or two readers disagree.

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::json::{Fault, check};
use jose::{
    Algorithm, Jwk, JwkSet, ProtectedHeader, Rejection, SigningKey, Typ, VerifyingKey, decode_unverified,
    pem_text, verify_signature,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::support::{KEYS, base64url, decoded, key, key_of, signed, token, verify};
use Rejection::{BadSignature, Malformed, UnknownKey, UnsupportedAlg};

const CLAIMS: &str = r#"{"iss":"issuer","aud":"api","exp":1700000900}"#;
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A good token of each algorithm.
static TOKENS: LazyLock<[String; 7]> =
    LazyLock::new(|| Algorithm::ALL.map(|algorithm| good(algorithm, CLAIMS)));

fn good(algorithm: Algorithm, claims: &str) -> String {
    let header = ProtectedHeader::encode(algorithm, Typ::Jwt, algorithm.name());
    let input = jose::signing_input(&header, claims.as_bytes());
    let signature = key(algorithm).sign(input.as_bytes()).unwrap();
    let token = jose::attach(input, &signature);
    assert_eq!(jose::token_len(&header, claims.as_bytes(), key(algorithm).verifying_key()), token.len());
    assert_eq!(verify(&token).unwrap().claims, claims);
    token
}

/// The places of a token to damage: all of them, but of a signature with thousands of characters one in 31, and the
/// last ones.
fn places(token: &str) -> impl Iterator<Item = usize> + use<> {
    let (signature_at, len) = (token.rfind('.').unwrap(), token.len());
    let is_long = len - signature_at > 1000;
    (0..len).filter(move |at| !is_long || *at <= signature_at || at % 31 == 0 || len - at < 5)
}

/// The reason is one that comes before the claims: any other would mean that the signature had passed.
fn assert_refused(token: &str) {
    let verdict = verify(token);
    assert!(
        matches!(verdict, Err(Malformed | UnsupportedAlg | UnknownKey | BadSignature)),
        "{verdict:?}: {token}"
    );
}

/// What is wrong with a part that is not the one that was signed.
fn fault_of(part: &str) -> Rejection {
    if URL_SAFE_NO_PAD.decode(part).is_ok() { BadSignature } else { Malformed }
}

#[test]
fn a_signature_with_a_flipped_bit_is_bad() {
    for token in &*TOKENS {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = decoded(signature);
        // A signature of ML-DSA is long: every 31st bit, which meets each bit of a byte in turn.
        for bit in (0..signature.len() * 8).step_by(if signature.len() > 1000 { 31 } else { 1 }) {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let token = jose::attach(input.to_owned(), &flipped);
            assert_eq!(verify(&token), Err(BadSignature), "bit {bit}: {token}");
        }
    }
}

#[test]
fn every_other_character_in_every_place_is_refused() {
    let foreign = ['.', '=', '+', '/', ' ', '\n', '\0', '%', '\u{e9}'];
    for token in &*TOKENS {
        let signature_at = token.rfind('.').unwrap();
        let claims_at = token.find('.').unwrap();
        for at in places(token) {
            let old = char::from(token.as_bytes()[at]);
            let mutant = |new: char| format!("{}{new}{}", &token[..at], &token[at + 1..]);
            for new in foreign.into_iter().filter(|&new| new != old) {
                assert_eq!(verify(&mutant(new)), Err(Malformed), "{new:?} at {at} of {token}");
            }
            for new in ALPHABET.chars().filter(|&new| new != old) {
                let mutant = mutant(new);
                if old == '.' {
                    assert_eq!(verify(&mutant), Err(Malformed), "{mutant}");
                } else if at < claims_at {
                    assert_refused(&mutant);
                } else {
                    let part = if at < signature_at {
                        &mutant[claims_at + 1..signature_at]
                    } else {
                        &mutant[signature_at + 1..]
                    };
                    assert_eq!(verify(&mutant), Err(fault_of(part)), "{mutant}");
                }
            }
        }
    }
}

#[test]
fn a_character_more_or_less_or_out_of_order_is_refused() {
    for token in &*TOKENS {
        for at in places(token) {
            let (before, from) = token.split_at(at);
            let (this, after) = from.split_at(1);
            assert_refused(before);
            if at > 0 {
                assert_refused(from);
            }
            assert_refused(&format!("{before}{after}"));
            assert_refused(&format!("{before}{this}{this}{after}"));
            for new in ["A", "_", "0", ".", "=", " ", "\u{e9}"] {
                assert_refused(&format!("{before}{new}{from}"));
            }
            if let Some((next, rest)) = after.split_at_checked(1)
                && next != this
            {
                assert_refused(&format!("{before}{next}{this}{rest}"));
            }
        }
    }
}

#[test]
fn padding_is_refused_behind_every_part() {
    for token in &*TOKENS {
        let parts: Vec<&str> = token.split('.').collect();
        for at in 0..3 {
            for padding in ["=", "==", "===", "%3D"] {
                let mut parts: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
                parts[at] += padding;
                assert_eq!(verify(&parts.join(".")), Err(Malformed), "{padding} behind part {at}");
            }
        }
    }
}

#[test]
fn the_parts_count_in_their_order_only() {
    for token in &*TOKENS {
        let parts: Vec<&str> = token.split('.').collect();
        for order in 0..27 {
            let chosen = [order / 9, order / 3 % 3, order % 3];
            if chosen != [0, 1, 2] {
                assert_refused(&chosen.map(|at| parts[at]).join("."));
            }
        }
    }
}

#[test]
fn parts_of_two_tokens_do_not_mix() {
    let others =
        Algorithm::ALL.map(|algorithm| good(algorithm, r#"{"iss":"issuer","aud":"api","exp":1700000901}"#));
    let tokens: Vec<Vec<&str>> =
        TOKENS.iter().chain(&others).map(|token| token.split('.').collect()).collect();
    for (a, header) in tokens.iter().enumerate() {
        for (b, claims) in tokens.iter().enumerate() {
            for (c, signature) in tokens.iter().enumerate() {
                let mixed = [header[0], claims[1], signature[2]].join(".");
                // Headers are the same for all tokens of a key, and claims for these of all keys.
                let keys = TOKENS.len();
                let same = a % keys == c % keys && b / keys == c / keys;
                let expected = if same { Ok(()) } else { Err(BadSignature) };
                assert_eq!(verify(&mixed).map(|_| ()), expected, "{a} {b} {c}");
            }
        }
    }
}

/// `a + b + carry`, big-endian and of the length of `a`; and what is carried out of it.
fn add(a: &[u8], b: &[u8], mut carry: u16) -> (Vec<u8>, u16) {
    let mut sum = a.to_vec();
    for (digit, addend) in sum.iter_mut().zip(b).rev() {
        carry += u16::from(*digit) + u16::from(*addend);
        *digit = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    (sum, carry)
}

/// RFC 8017 §8.1.2 and RFC 8032 §5.1.7 want the numbers of a signature reduced.
#[test]
fn a_signature_is_refused_with_the_modulus_or_group_order_added() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let pem = include_str!("../vectors/keys/rsa_2048.pem");
        let key = SigningKey::from_pem(algorithm, pem).unwrap();
        let jwk = serde_json::to_value(key.verifying_key().to_jwk("")).unwrap();
        let n = decoded(jwk["n"].as_str().unwrap());
        let mut shifted_ones = 0;
        for message in 0..50_u8 {
            let signature = key.sign(&[message]).unwrap();
            assert!(key.verifying_key().verify(&[message], &signature));
            // The sum must not need another byte; here a third of them do not.
            if let (shifted, 0) = add(&signature, &n, 0) {
                assert!(!key.verifying_key().verify(&[message], &shifted));
                shifted_ones += 1;
            }
        }
        assert_ne!(shifted_ones, 0);
    }

    let mut signature = key(Algorithm::EdDsa).sign(b"message").unwrap();
    let order =
        [&[0x10][..], &[0; 15], &0x14DE_F9DE_A2F7_9CD6_5812_631A_5CF5_D3ED_u128.to_be_bytes()].concat();
    signature[32..].reverse();
    let (mut shifted, 0) = add(&signature[32..], &order, 0) else { panic!("253 bits and 253 bits") };
    shifted.reverse();
    let shifted = [&signature[..32], &shifted].concat();
    assert!(!key(Algorithm::EdDsa).verifying_key().verify(b"message", &shifted));
}

/// ECDSA has one exception by design: the holder of a token can make a second token from it, with the
/// same content. A deny-list must go by `jti`, never by the text of the token.
#[test]
fn an_es256_signature_has_a_twin() {
    let token = &TOKENS[2];
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = decoded(signature);
    let (r, s) = signature.split_at(32);
    let order = [
        &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &0xBCE6_FAAD_A717_9E84_F3B9_CAC2_FC63_2551_u128.to_be_bytes(),
    ]
    .concat();
    let complement: Vec<u8> = s.iter().map(|byte| !byte).collect();
    let (negated, _) = add(&order, &complement, 1);
    let twin = jose::attach(input.to_owned(), &[r, &negated].concat());
    assert_ne!(twin, *token);
    assert_eq!(verify(&twin), verify(token));
}

/// Small changes of a text, in places that are chosen once its length is known.
#[derive(Clone, Debug)]
enum Edit {
    Delete(Index),
    Insert(Index, char),
    Replace(Index, char),
    Swap(Index, Index),
    Repeat(Index, Index),
    Truncate(Index),
}

impl Edit {
    fn apply(&self, text: &mut Vec<char>) {
        // One place more than characters: inserting at the end.
        let place = |index: &Index, text: &[char]| index.index(text.len() + 1);
        match self {
            Self::Insert(at, new) => text.insert(place(at, text), *new),
            Self::Truncate(at) => text.truncate(place(at, text)),
            _ if text.is_empty() => {}
            Self::Delete(at) => drop(text.remove(at.index(text.len()))),
            Self::Replace(at, new) => {
                let at = at.index(text.len());
                text[at] = *new;
            }
            Self::Swap(a, b) => {
                let (a, b) = (a.index(text.len()), b.index(text.len()));
                text.swap(a, b);
            }
            Self::Repeat(from, to) => {
                let (from, to) = (place(from, text), place(to, text));
                let piece = text[from.min(to)..from.max(to)].to_vec();
                text.splice(from..from, piece);
            }
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    let new = || {
        prop_oneof![
            "[A-Za-z0-9_.=\\-]",
            "[{}\\[\\]\",:\\\\\0 \r\nu0-9]",
            any::<char>().prop_map(String::from)
        ]
        .prop_map(|text| text.chars().next().unwrap_or('A'))
    };
    prop_oneof![
        place().prop_map(Edit::Delete),
        (place(), new()).prop_map(|(at, new)| Edit::Insert(at, new)),
        (place(), new()).prop_map(|(at, new)| Edit::Replace(at, new)),
        (place(), place()).prop_map(|(a, b)| Edit::Swap(a, b)),
        (place(), place()).prop_map(|(from, to)| Edit::Repeat(from, to)),
        place().prop_map(Edit::Truncate),
    ]
}

/// The text after one to four edits.
fn edited(text: &str) -> impl Strategy<Value = String> + use<> {
    let original: Vec<char> = text.chars().collect();
    prop::collection::vec(edit(), 1..=4).prop_map(move |edits| {
        let mut text = original.clone();
        edits.iter().for_each(|edit| edit.apply(&mut text));
        text.into_iter().collect()
    })
}

/// JSON text, as we write it on purpose with members named twice and escapes in their names.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(String),
    Array(Vec<Self>),
    Object(Vec<(&'static str, bool, Self)>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Self::Leaf(text) => text.clone(),
            Self::Array(elements) => {
                format!("[{}]", elements.iter().map(Self::text).collect::<Vec<_>>().join(" , "))
            }
            Self::Object(members) => {
                let members = members.iter().map(|(name, escaped, value)| {
                    let name: String = if *escaped {
                        name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
                    } else {
                        (*name).to_owned()
                    };
                    format!("\"{name}\":{}", value.text())
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn names_a_member_twice(&self) -> bool {
        match self {
            Self::Leaf(_) => false,
            Self::Array(elements) => elements.iter().any(Self::names_a_member_twice),
            Self::Object(members) => {
                let names: HashSet<_> = members.iter().map(|(name, ..)| name).collect();
                names.len() < members.len() || members.iter().any(|(.., value)| value.names_a_member_twice())
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        select(&["null", "true", "false", "-0", "0.5", "1E+2", "\"\\ud834\\udd1e\"", "\"\\/\""][..])
            .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| Value::from(number).to_string()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
    ];
    leaf.prop_map(Tree::Leaf).prop_recursive(5, 40, 5, |inner| {
        let name = select(&["", "a", "b", "A", "alg", "\u{e9}", "e\u{301}", "\u{1D11E}"][..]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Array),
            prop::collection::vec((name, any::<bool>(), inner), 0..5).prop_map(Tree::Object),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_edited_token_is_refused(
        (token, edited) in (0..TOKENS.len()).prop_flat_map(|which| (Just(&TOKENS[which]), edited(&TOKENS[which]))),
    ) {
        if edited != *token {
            assert_refused(&edited);
        }
        let _ = decode_unverified(&edited);
    }

    #[test]
    fn any_text_is_refused_as_a_token(text in prop_oneof![
        any::<String>(),
        "[A-Za-z0-9_.=\\-]{0,200}",
        "(e[wyA-Za-z0-9_\\-]{0,40}\\.?){0,5}",
    ]) {
        assert_refused(&text);
        let _ = decode_unverified(&text);
    }

    #[test]
    fn any_parts_are_judged_by_their_json(
        header in edited(r#"{"alg":"ES256","kid":"ES256"}"#),
        claims in edited(CLAIMS),
        signature: Vec<u8>,
    ) {
        let token = [base64url(&header), base64url(&claims), base64url(&signature)].join(".");
        let strict = check(&header).is_ok() && check(&claims).is_ok();
        let expected = if strict { Ok((header, claims)) } else { Err(Malformed) };
        prop_assert_eq!(decode_unverified(&token), expected);
        assert_refused(&token);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused(mut bytes: Vec<u8>, at: Index) {
        bytes.insert(at.index(bytes.len() + 1), 0xFF);
        prop_assert_eq!(check(&bytes), Err(Fault::Syntax));
        let part = base64url(&bytes);
        prop_assert_eq!(verify(&format!("{part}.e30.")), Err(Malformed));
        prop_assert_eq!(decode_unverified(&format!("e30.{part}.")), Err(Malformed));
        let _ = pem_text(&bytes);
    }

    #[test]
    fn edited_headers_and_claims_that_are_signed_never_make_a_reader_panic(
        header in edited(r#"{"alg":"ES256","kid":"ES256","typ":"JWT","crit":[]}"#),
        claims in edited(r#"{"iss":"issuer","aud":["api",1],"exp":1700000900.5,"nbf":1e9,"sub":null}"#),
    ) {
        if let Ok(verified) = verify(&signed(key(Algorithm::Es256), &header, CLAIMS)) {
            prop_assert_eq!(check(&header), Ok(()));
            prop_assert_eq!(verified.header, header);
        }
        if let Ok(verified) = verify(&token(&claims)) {
            prop_assert_eq!(check(&claims), Ok(()));
            prop_assert_eq!(verified.claims, claims);
        }
    }

    #[test]
    fn a_set_that_can_be_read_is_written_and_read_as_the_same(text in edited(&set_of_all_keys())) {
        if let Ok(set) = JwkSet::from_json(&text) {
            prop_assert_eq!(check(&text), Ok(()));
            let back = JwkSet::from_json(&serde_json::to_string(&set).unwrap()).unwrap();
            prop_assert_eq!(&back, &set);
            for jwk in &set.keys {
                if let Ok(key) = VerifyingKey::from_jwk(jwk) {
                    prop_assert_eq!(VerifyingKey::from_jwk(&key.to_jwk("")), Ok(key));
                }
            }
        }
    }

    #[test]
    fn any_text_is_refused_as_a_key(text in prop_oneof![
        any::<String>(),
        "\\{\"k(ty|eys)\":[\\[{\"A-Za-z0-9:,}\\]]{0,40}\\}",
        ("((RSA|EC) )?(PRIVATE|PUBLIC) KEY", "([A-Za-z0-9+/]{64}\n){0,3}([A-Za-z0-9+/]{4}){1,15}")
            .prop_map(|(label, body)| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----")),
    ]) {
        for algorithm in Algorithm::ALL {
            prop_assert!(SigningKey::from_pem(algorithm, &text).is_err());
            prop_assert!(VerifyingKey::from_spki_pem(algorithm, &text).is_err());
        }
        prop_assert!(Jwk::from_json(&text).and_then(|jwk| VerifyingKey::from_jwk(&jwk)).is_err());
        prop_assert!(JwkSet::from_json(&text).is_err() || check(&text).is_ok());
        let _ = verify_signature(&text, key_of);
    }

    #[test]
    fn an_edited_key_file_is_refused_or_holds_a_sound_key((algorithm, text) in select(&[
        (Algorithm::Rs256, include_str!("../vectors/keys/rsa_2048_pkcs1.pem")),
        (Algorithm::Es256, include_str!("../vectors/keys/p256.pem")),
        (Algorithm::EdDsa, include_str!("../vectors/keys/ed25519.pem")),
        (Algorithm::MlDsa44, include_str!("../vectors/keys/ml_dsa_44_seed.pem")),
    ][..]).prop_flat_map(|(algorithm, text)| (Just(algorithm), edited(text)))) {
        if let Ok(key) = SigningKey::from_pem(algorithm, &text) {
            prop_assert!(key.verifying_key().verify(b"message", &key.sign(b"message").unwrap()));
        }
    }

    #[test]
    fn only_objects_without_repeated_members_are_strict(tree in tree()) {
        let text = tree.text();
        let value: Value = serde_json::from_str(&text).unwrap();
        let expected = match (tree.names_a_member_twice(), value.is_object()) {
            (true, _) => Err(Fault::DuplicateMember),
            (false, true) => Ok(()),
            (false, false) => Err(Fault::NotAnObject),
        };
        prop_assert_eq!(check(&text), expected, "{}", text);
        // Read leniently and written anew, no member is there twice.
        let expected = if value.is_object() { Ok(()) } else { Err(Fault::NotAnObject) };
        prop_assert_eq!(check(value.to_string()), expected);
    }

    #[test]
    fn the_strict_reader_and_serde_json_agree_on_what_is_json(
        text in tree().prop_flat_map(|tree| edited(&tree.text())),
    ) {
        let value = serde_json::from_str::<Value>(&text);
        prop_assert_eq!(check(&text) == Err(Fault::Syntax), value.is_err(), "{}", text);
    }
}

fn set_of_all_keys() -> String {
    let keys = KEYS.iter().map(|key| key.verifying_key().to_jwk(key.algorithm().name())).collect();
    serde_json::to_string(&JwkSet { keys }).unwrap()
}

#[test]
fn nesting_ends_at_127_levels() {
    let nested = |arrays| check(format!(r#"{{"a":{}{}}}"#, "[".repeat(arrays), "]".repeat(arrays)));
    assert_eq!(nested(126), Ok(()));
    assert_eq!(nested(127), Err(Fault::Syntax));
    assert_eq!(nested(1_000_000), Err(Fault::Syntax));
    assert_eq!(check("{\"a\":".repeat(1_000_000)), Err(Fault::Syntax));
    let objects = |levels| check(format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)));
    assert_eq!(objects(127), Ok(()));
    assert_eq!(objects(128), Err(Fault::Syntax));
}
