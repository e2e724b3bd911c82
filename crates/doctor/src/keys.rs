//! Each key of the set (RFC 7517 §4, RFC 7518 §6).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::finding::{Check, Finding, quoted};
use crate::key_schedule::ListedKey;
use crate::key_set::{Keys, kid};

pub(crate) const PRIVATE: &Check = &Check {
    id: "key-private",
    requirement: "The key set publishes no private or symmetric key.",
    remedy: "Revoke the key now with `keys revoke`, because it has leaked. Then find out what publishes it.",
};
pub(crate) const IDS: &Check = &Check {
    id: "key-ids",
    requirement: "Each key has a `kid` of its own.",
    remedy: "Publish the service's own key set, not one that was put together, because verifiers find a key by its `kid`.",
};
pub(crate) const MEMBERS: &Check = &Check {
    id: "key-members",
    requirement: "Each key has `kty` and `alg`, and its `use` is `sig`.",
    remedy: "Publish these members for each key, because some verifiers refuse a key without `alg` or with another `use`.",
};
pub(crate) const STRENGTH: &Check = &Check {
    id: "key-strength",
    requirement: "Each key is valid, and RSA keys have at least 2048 bits.",
    remedy: "Change to a valid key with `keys rotate`, which makes one of JWT_ALGORITHM and KEY_BITS.",
};

pub(crate) const CHECKS: &[&Check] = &[PRIVATE, IDS, MEMBERS, STRENGTH];

/// Members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4).
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const MIN_RSA_BITS: usize = 2048;

/// Checks all keys of a set that contains some.
pub(crate) fn check(keys: &Keys) -> Vec<Finding> {
    vec![private(keys), ids(keys), members(keys), strength(keys)]
}

/// The keys that can verify tokens, with their `kid`.
pub(crate) fn verifying(keys: &Keys) -> Vec<(Option<String>, jose::VerifyingKey)> {
    keys.iter().filter_map(|key| Some((kid(key).map(str::to_owned), parse(key).ok()?))).collect()
}

/// What is known of each key, from the key set and from `/api/key-info`.
pub(crate) fn as_json(keys: &Keys, listed: &[ListedKey]) -> Value {
    let each = keys.iter().map(|key| {
        let thumbprint = parse(key).ok().map(|key| key.thumbprint());
        let listed = listed.iter().find(|listed| kid(key) == Some(&listed.kid));
        json!({
            "kid": kid(key),
            "kty": key["kty"],
            "alg": key["alg"],
            "bits": rsa_bits(key),
            "thumbprint": thumbprint,
            "status": listed.map(|listed| &listed.status),
            "published_at": listed.map(|listed| listed.published_at.to_string()),
            "activates_at": listed.map(|listed| listed.activates_at.to_string()),
        })
    });
    each.collect()
}

/// The key as the subject of a sentence.
pub(crate) fn subject(key: &Value) -> String {
    kid(key).map_or_else(|| "A key without a kid".to_owned(), |kid| format!("The key {}", quoted(kid)))
}

fn parse(key: &Value) -> Result<jose::VerifyingKey, jose::KeyError> {
    jose::VerifyingKey::from_jwk(&jose::Jwk::from_json(&key.to_string())?)
}

/// The first member that only private and symmetric keys have.
fn secret_member(key: &Value) -> Option<&'static str> {
    SECRET_MEMBERS.into_iter().find(|name| key.get(name).is_some())
}

fn private(keys: &Keys) -> Finding {
    match keys.iter().find_map(|key| Some((key, secret_member(key)?))) {
        None => PRIVATE.ok("The key set publishes no private key."),
        Some((key, member)) => {
            PRIVATE.fail(format!("{} is published with its secret member \"{member}\".", subject(key)))
        }
    }
}

fn ids(keys: &Keys) -> Finding {
    if keys.iter().any(|key| kid(key).is_none()) {
        return IDS.fail("A key has no kid.");
    }
    let twice = (1..keys.len()).find(|&at| keys[..at].iter().any(|key| kid(key) == kid(&keys[at])));
    match twice.and_then(|at| kid(&keys[at])) {
        None => IDS.ok("Each key has a kid of its own."),
        Some(kid) => IDS.fail(format!("Two keys have the kid {}.", quoted(kid))),
    }
}

fn members(keys: &Keys) -> Finding {
    for key in keys {
        let missing =
            ["kty", "alg"].into_iter().find(|member| key[*member].as_str().is_none_or(str::is_empty));
        if let Some(member) = missing {
            return MEMBERS.warn(format!("{} has no {member}.", subject(key)));
        }
        if key["use"].as_str() != Some("sig") {
            return MEMBERS.warn(format!("{} does not have the use \"sig\".", subject(key)));
        }
    }
    MEMBERS.ok("Each key has kty, alg and the use \"sig\".")
}

/// The size of an RSA modulus.
fn rsa_bits(key: &Value) -> Option<usize> {
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str()?).ok()?;
    let first = *modulus.first()?;
    Some(modulus.len() * 8 - first.leading_zeros() as usize)
}

fn strength(keys: &Keys) -> Finding {
    match keys.iter().find_map(weakness) {
        Some(sentence) => STRENGTH.fail(sentence),
        None => STRENGTH.ok(format!("Each key is valid: {}.", kinds(keys))),
    }
}

/// What makes a key unfit, as a sentence. Nothing more is known of algorithms that `jose` does not have.
fn weakness(key: &Value) -> Option<String> {
    let is_known = key["alg"].as_str().is_none_or(|alg| alg.parse::<jose::Algorithm>().is_ok());
    let is_rsa = key["kty"].as_str() == Some("RSA");
    match rsa_bits(key) {
        None if is_rsa => Some(format!("{} has a modulus that cannot be read.", subject(key))),
        Some(bits @ ..MIN_RSA_BITS) if is_rsa => Some(format!("{} has only {bits} bits.", subject(key))),
        _ if secret_member(key).is_some() => None,
        _ => {
            let error = parse(key).err().filter(|_| is_known)?;
            Some(format!("{} is not valid: {error}.", subject(key)))
        }
    }
}

/// The algorithms and sizes of the keys, such as `RS256 with 2048 bits`.
fn kinds(keys: &Keys) -> String {
    let kinds = keys.iter().map(|key| {
        let bits = rsa_bits(key).map_or_else(String::new, |bits| format!(" with {bits} bits"));
        format!("{}{bits}", key["alg"].as_str().or(key["kty"].as_str()).unwrap_or("no algorithm"))
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.dedup();
    kinds.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    /// An RSA key whose modulus has this many bits; only its size is right.
    fn rsa(kid: &str, bits: usize) -> Value {
        let modulus = URL_SAFE_NO_PAD.encode(vec![0xFF; bits / 8]);
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": modulus, "e": "AQAB" })
    }

    #[test]
    fn short_and_unreadable_keys_are_named() {
        let of = |key: Value| strength(&vec![key]);
        assert_eq!(of(rsa("a", 2040)).sentence, "The key \"a\" has only 2040 bits.");
        assert_eq!(of(rsa("a", 2048)).sentence, "Each key is valid: RS256 with 2048 bits.");
        let unreadable = of(json!({ "kty": "RSA", "n": "!" }));
        assert_eq!(unreadable.sentence, "A key without a kid has a modulus that cannot be read.");
        let unknown = json!({ "kty": "EC", "alg": "ES512", "crv": "P-521", "kid": "b" });
        assert_eq!(of(unknown).status, Status::Ok, "nothing is known of its algorithm");
    }

    #[test]
    fn each_secret_member_is_found() {
        for member in SECRET_MEMBERS {
            let mut key = rsa("a", 2048);
            key[member] = json!("AQAB");
            let found = private(&vec![rsa("b", 2048), key]);
            assert_eq!(found.status, Status::Fail, "{member}");
            assert!(found.sentence.contains(&format!("\"{member}\"")), "{}", found.sentence);
        }
        assert_eq!(private(&vec![rsa("a", 2048)]).sentence, "The key set publishes no private key.");
    }

    #[test]
    fn a_hostile_kid_stays_in_its_quotation_marks() {
        let found = members(&vec![json!({ "kid": "x\u{1b}[2J\" is fine. \"" })]);
        assert_eq!(found.sentence, r#"The key "x\u{1b}[2J\" is fine. \"" has no kty."#);
    }
}
