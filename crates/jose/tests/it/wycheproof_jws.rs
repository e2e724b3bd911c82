//! Wycheproof's JSON Web Signature vectors against the JWS layer.

use std::ops::RangeInclusive;

use jose::{Jwk, Rejection, VerifyingKey, verify_signature};
use serde::Deserialize;
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/wycheproof_json_web_signature.json");

/// Valid cases that we refuse, and why.
const REFUSED_ALTHOUGH_VALID: [(RangeInclusive<u32>, &str); 8] = [
    (264..=267, "RS384 is not spoken here"),
    (268..=271, "RS512 is not spoken here"),
    (320..=323, "PS384 is not spoken here"),
    (325..=328, "PS512 is not spoken here"),
    (346..=346, "the header says PS384 (and the JWK PS256, so it is a mismatch besides)"),
    (347..=347, "ES512 is not spoken here"),
    (350..=351, "as 346 and 347"),
    (372..=373, "a '?' stands inside the base64url, which RFC 7515 §2 forbids"),
];

/// Invalid cases of the group `base64` that we take for well spelled, and why.
const WELL_SPELLED_ALTHOUGH_INVALID: [(u32, &str); 2] = [
    (367, "the file has lost the padding that the case is about: it is the very token of the valid case 357"),
    (370, "as 367"),
];

#[derive(Deserialize)]
struct Group {
    comment: String,
    public: Option<Value>,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: u32,
    comment: String,
    jws: String,
    result: String,
}

#[test]
fn every_case_has_the_expected_result_or_an_explained_exception() {
    let groups: Vec<Group> = serde_json::from_str(VECTORS).unwrap();
    let (mut accepted, mut refused, mut excepted) = (0, 0, 0);
    for group in groups.iter().filter(|group| group.comment != "base64") {
        let jwk = group.public.as_ref().unwrap().to_string();
        let key = Jwk::from_json(&jwk).and_then(|jwk| VerifyingKey::from_jwk(&jwk));
        for case in &group.tests {
            let verdict = match &key {
                Ok(key) => verify_signature(&case.jws, |_| Some(key)),
                Err(_) => verify_signature(&case.jws, |_| None),
            };
            let place = format!("case {} ({}, {}): {verdict:?}", case.tc_id, group.comment, case.comment);
            if is_exception(case.tc_id) {
                assert!(verdict.is_err(), "a needless exception: {place}");
                excepted += 1;
            } else if case.result == "valid" {
                assert!(verdict.is_ok(), "{place}");
                accepted += 1;
            } else {
                assert!(verdict.is_err(), "{place}");
                refused += 1;
            }
        }
    }
    println!("{accepted} accepted, {refused} refused, {excepted} exceptions");
    assert!(accepted >= 16 && refused >= 300, "{accepted} accepted, {refused} refused");
}

/// These 21 tokens are signed with HS256, so none verifies; but their spelling is judged before `alg`.
#[test]
fn base64url_and_json_spellings_are_judged_before_the_algorithm() {
    let groups: Vec<Group> = serde_json::from_str(VECTORS).unwrap();
    let group = groups.iter().find(|group| group.comment == "base64").unwrap();
    for case in &group.tests {
        let well_spelled = (case.result == "valid" && !is_exception(case.tc_id))
            || WELL_SPELLED_ALTHOUGH_INVALID.iter().any(|(id, _)| *id == case.tc_id);
        let expected = if well_spelled { Rejection::UnsupportedAlg } else { Rejection::Malformed };
        assert_eq!(
            verify_signature(&case.jws, |_| None),
            Err(expected),
            "case {} ({})",
            case.tc_id,
            case.comment
        );
    }
}

fn is_exception(id: u32) -> bool {
    REFUSED_ALTHOUGH_VALID.iter().any(|(ids, _)| ids.contains(&id))
}
