//! What code that computes RSA itself gets of a key. That signatures of these encodings verify, crates/rsa-batch tests.

use jose::{Algorithm, SigningKey};

use crate::support::KEYS;

#[test]
fn rsa_keys_alone_have_numbers_and_encodings() {
    for key in KEYS.iter() {
        let is_rsa = key.algorithm().is_rsa();
        assert_eq!(key.rsa_numbers().is_some(), is_rsa);
        assert_eq!(key.rsa_encoding(b"message", &[0; 32]).is_some(), is_rsa);
    }
}

#[test]
fn the_numbers_have_the_lengths_of_the_key() {
    let key = SigningKey::generate(Algorithm::Rs256, 3072).unwrap();
    let numbers = key.rsa_numbers().unwrap();
    assert_eq!([numbers.n.len(), numbers.p.len(), numbers.q.len()], [384, 192, 192]);
    assert!(*numbers.p != *numbers.q);
}

#[test]
fn encodings_are_those_of_rfc_8017() {
    let encoding = |algorithm, salt: u8| {
        let key = KEYS.iter().find(|key| key.algorithm() == algorithm).unwrap();
        key.rsa_encoding(b"message", &[salt; 32]).unwrap()
    };
    let pkcs1 = encoding(Algorithm::Rs256, 0);
    assert_eq!((pkcs1.len(), &pkcs1[..3], pkcs1[204]), (256, &[0, 1, 0xFF][..], 0));
    assert_eq!(pkcs1, encoding(Algorithm::Rs256, 1));
    let pss = encoding(Algorithm::Ps256, 0);
    assert_eq!((pss.len(), pss[0] & 0x80, pss[255]), (256, 0, 0xBC));
    assert_ne!(pss, encoding(Algorithm::Ps256, 1));
}
