//! Signatures against aws-lc-rs.

use jose::{Algorithm, SigningKey};
use rsa_batch::{Batch, PrivateKey, PublicKey};

use crate::support::{batches, generate, private, public};

/// `RS256` has one signature for a message, so both libraries must agree on it.
#[test]
fn signatures_are_those_of_aws_lc_with_one_key_and_with_eight() {
    for bits in [2048, 3072, 4096] {
        let keys: Vec<_> = (0..3).map(|_| generate(Algorithm::Rs256, bits)).collect();
        for batch in batches() {
            for round in 0..3 {
                agree(batch, &[&keys[round % 3]], round, 8);
                agree(batch, &[&keys[0], &keys[1], &keys[2]], round, 1 + round * 3);
            }
        }
    }
}

/// A blinding pair is replaced after 32 uses.
#[test]
fn signatures_stay_right_when_blinding_is_replaced() {
    let key = generate(Algorithm::Rs256, 2048);
    let batch = Batch::available().unwrap_or(Batch::portable());
    for round in 0..100 {
        agree(batch, &[&key], round, 1 + round % 8);
    }
}

/// 100,000 signatures: `cargo test -p rsa-batch --release -- --ignored a_thousand_keys`.
#[test]
#[ignore = "makes a thousand keys: some minutes"]
fn a_thousand_keys_sign_a_hundred_messages_each_as_aws_lc_does() {
    let batch = Batch::available().expect("a machine with AVX-512 IFMA");
    for number in 0..125 {
        let bits = if number % 25 == 0 {
            4096
        } else if number % 5 == 0 {
            3072
        } else {
            2048
        };
        let keys: Vec<_> = (0..8).map(|_| generate(Algorithm::Rs256, bits)).collect();
        let keys: Vec<_> = keys.iter().collect();
        for round in 0..100 {
            agree(batch, &keys, round, 8);
        }
    }
}

#[test]
fn pss_signatures_verify_with_aws_lc() {
    for bits in [2048, 3072, 4096] {
        let (key, own) = generate(Algorithm::Ps256, bits);
        for batch in batches() {
            let inputs: Vec<_> =
                (0..8).map(|salt| key.rsa_encoding(b"message", &[salt; 32]).unwrap()).collect();
            let jobs: Vec<_> = inputs.iter().map(|input| (&own, input.as_slice())).collect();
            for signature in private(batch, &jobs).unwrap() {
                assert!(key.verifying_key().verify(b"message", &signature));
            }
        }
    }
}

fn agree(batch: Batch, keys: &[&(SigningKey, PrivateKey)], round: usize, count: usize) {
    let messages: Vec<_> = (0..count).map(|message| format!("{round} {message}").into_bytes()).collect();
    let of = |lane: usize| keys[lane % keys.len()];
    let encoded: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(lane, message)| of(lane).0.rsa_encoding(message, &[0; 32]).unwrap())
        .collect();
    let jobs: Vec<_> =
        encoded.iter().enumerate().map(|(lane, input)| (&of(lane).1, input.as_slice())).collect();
    let signatures = private(batch, &jobs).unwrap();
    for (lane, signature) in signatures.iter().enumerate() {
        assert_eq!(*signature, of(lane).0.sign(&messages[lane]).unwrap(), "{batch:?} lane {lane}");
    }
    let publics: Vec<_> =
        (0..count).map(|lane| PublicKey::new(&of(lane).0.rsa_numbers().unwrap().n).unwrap()).collect();
    let jobs: Vec<_> =
        publics.iter().zip(&signatures).map(|(key, signature)| (key, signature.as_slice())).collect();
    assert_eq!(public(batch, &jobs).unwrap(), encoded);
}
