//! The strictest verifiers: they keep a key set for as long as they may, and never fetch one because of an unknown
//! `kid`.

use std::time::{Duration, Instant};

use jose::{Expectations, Jwk, JwkSet, Typ, VerifyingKey};

use super::Client;

/// A verifier that keeps a key set for `max-age` plus `blind`, as a verifier behind another cache does.
pub struct Strict {
    source: Client,
    blind: Duration,
    kept: Option<Kept>,
}

struct Kept {
    set: JwkSet,
    until: Instant,
}

impl Strict {
    pub fn new(base: &str, blind: Duration) -> Self {
        Self { source: Client::new(base), blind, kept: None }
    }

    /// Checks the signature and the expiry of a token. Returns the fault, if there is one.
    pub fn check(&mut self, token: &str, now: u64) -> Result<(), String> {
        self.refresh();
        let set = &self.kept.as_ref().ok_or("no key set was ever to be had")?.set;
        let expect = Expectations {
            typ: Typ::Jwt,
            issuer: "jwt-generator-app",
            audience: &["jwt-generator-api"],
            leeway: 60,
            now,
        };
        let keys: Vec<_> = set
            .keys
            .iter()
            .filter_map(|jwk: &Jwk| Some((jwk.kid()?, VerifyingKey::from_jwk(jwk).ok()?)))
            .collect();
        let key_of = |kid: &str| keys.iter().find(|(of_key, _)| *of_key == kid).map(|(_, key)| key);
        let verified = jose::verify(token, key_of, &expect);
        verified.map(|_| ()).map_err(|rejection| {
            let known: Vec<_> = keys.iter().map(|(kid, _)| *kid).collect();
            let header = jose::decode_unverified(token).map(|(header, _)| header).unwrap_or_default();
            format!("{rejection}: {header} with the keys {known:?}")
        })
    }

    /// Fetches the key set if the stored one is too old. If that fails, the stored one stays in use.
    fn refresh(&mut self) {
        if self.kept.as_ref().is_some_and(|kept| Instant::now() < kept.until) {
            return;
        }
        let Ok(answer) = self.source.try_send(http::Method::GET, "/.well-known/jwks.json", &[], "") else {
            return;
        };
        if answer.status != 200 {
            return;
        }
        let age = answer.header("cache-control").and_then(|value| value.split("max-age=").nth(1));
        let age = Duration::from_secs(age.unwrap_or("0").parse().unwrap());
        let set = JwkSet::from_json(answer.text()).unwrap();
        self.kept = Some(Kept { set, until: Instant::now() + age + self.blind });
    }
}
