//! Many tokens at once: if the processor supports it, the service makes waiting RSA signatures in batches. Each signature is
//! valid.

use std::collections::BTreeSet;

use jose::{Expectations, JwkSet, Typ, VerifyingKey};
use serde_json::json;

use super::rotation::{kid_of, token};
use crate::support::Service;

/// The tokens that this many clients get. Each client sends one request after the other.
fn storm(service: &Service, clients: usize, each: usize) -> Vec<String> {
    std::thread::scope(|scope| {
        let ask = |client: crate::support::Client| {
            move || (0..each).map(|_| token(&client).unwrap()).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(ask(service.anonymous()))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn published_key(service: &Service) -> (String, VerifyingKey) {
    let set = JwkSet::from_json(service.anonymous().get("/api/jwks").text()).unwrap();
    let key = set.keys.first().unwrap();
    (kid_of(&token(&service.anonymous()).unwrap()), VerifyingKey::from_jwk(key).unwrap())
}

fn every_token_verifies(settings: &[(&str, &str)]) {
    let service = Service::with(settings);
    let (kid, key) = published_key(&service);
    let expect = Expectations {
        typ: Typ::Jwt,
        issuer: "jwt-generator-app",
        audience: &["jwt-generator-api"],
        leeway: 0,
        now: Service::START,
    };
    let tokens = storm(&service, 32, 16);
    for token in &tokens {
        jose::verify(token, |asked| (asked == kid).then_some(&key), &expect).unwrap();
    }
    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), 32 * 16);
    let answer = service.anonymous().post("/api/token/validate", &json!({ "token": tokens[0] }));
    assert_eq!(answer.status, 200);
}

#[test]
fn every_token_of_a_storm_verifies() {
    every_token_verifies(&[]);
}

#[test]
fn every_token_of_a_storm_verifies_without_batches() {
    every_token_verifies(&[("RSA_BATCH", "off")]);
}
