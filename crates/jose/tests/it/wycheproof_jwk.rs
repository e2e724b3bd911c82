//! Wycheproof's JSON Web Key vectors against the reading of JWK Sets.

use jose::{JwkSet, KeyError, Rejection, VerifyingKey, verify_signature};
use serde::Deserialize;
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/wycheproof_json_web_key.json");

/// Valid cases that we refuse, and why.
const REFUSED_ALTHOUGH_VALID: [(u32, &str); 4] = [
    (2, "a symmetric key set: HS256 is not spoken here"),
    (13, "as 2"),
    (14, "as 2, HS384"),
    (15, "as 2, HS512"),
];

#[derive(Deserialize)]
struct Group {
    set: Value,
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
    assert_eq!(groups.iter().map(|group| group.tests.len()).sum::<usize>(), 26);
    for group in &groups {
        for case in &group.tests {
            let verdict = verdict(&group.set.to_string(), &case.jws);
            let excepted = REFUSED_ALTHOUGH_VALID.iter().any(|(id, _)| *id == case.tc_id);
            let valid = case.result == "valid" && !excepted;
            assert_eq!(verdict.is_ok(), valid, "case {} ({}): {verdict:?}", case.tc_id, case.comment);
        }
    }
}

#[test]
fn weak_keys_are_refused_for_their_own_reason() {
    let groups: Vec<Group> = serde_json::from_str(VECTORS).unwrap();
    let refusal = |id| {
        let group = groups.iter().find(|group| group.tests[0].tc_id == id).unwrap();
        let set = JwkSet::from_json(&group.set.to_string()).unwrap();
        VerifyingKey::from_jwk(&set.keys[0]).unwrap_err()
    };
    assert_eq!(refusal(7), KeyError::Roca);
    assert_eq!(refusal(8), KeyError::TooWeak { bits: 1024 });
    assert_eq!(refusal(9), KeyError::WeakExponent);
    assert_eq!(refusal(22), KeyError::Malformed, "a point off the curve");
}

fn verdict(set: &str, jws: &str) -> Result<(), Rejection> {
    let keys = JwkSet::from_json(set).map_or_else(|_| Vec::new(), |set| set.keys);
    let keys: Vec<_> =
        keys.iter().filter_map(|jwk| Some((jwk.kid()?, VerifyingKey::from_jwk(jwk).ok()?))).collect();
    verify_signature(jws, |kid| keys.iter().find(|(name, _)| *name == kid).map(|(_, key)| key)).map(|_| ())
}
