//! Each key of the set (RFC 7517 §4, RFC 7518 §6).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::finding::{Check, Finding};
use super::key_set::{Keys, kid};
use super::schedule::Told;

pub(super) const PRIVATE: &Check = &Check {
    id: "key-private",
    about: "No key shows a private or a symmetric part",
    remedy: "the key has leaked: `keys revoke` it now, then see what publishes it",
};
pub(super) const IDS: &Check = &Check {
    id: "key-ids",
    about: "Each key has a `kid`, and no two have the same",
    remedy: "verifiers find a key by its `kid`: publish the service's own key set, not one put together",
};
pub(super) const MEMBERS: &Check = &Check {
    id: "key-members",
    about: "Each key has `kty` and `alg`, and `use` is `sig`",
    remedy: "name the algorithm of each key: some verifiers refuse a key without `alg`, or with another `use`",
};
pub(super) const STRENGTH: &Check = &Check {
    id: "key-strength",
    about: "RSA keys have 2048 bits at least, and each key is a sound one of its kind",
    remedy: "change to a sound key: `keys rotate` makes one of JWT_ALGORITHM and KEY_BITS",
};

pub(super) const CHECKS: &[&Check] = &[PRIVATE, IDS, MEMBERS, STRENGTH];

/// Members that are of private and of symmetric keys alone (RFC 7518 §6.2.2, §6.3.2, §6.4).
const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Of all keys of a set that holds some.
pub(super) fn look(keys: &Keys) -> Vec<Finding> {
    vec![private(keys), ids(keys), members(keys), strength(keys)]
}

/// The keys that tokens can be checked with, by their `kid`.
pub(super) fn verifying(keys: &Keys) -> Vec<(Option<String>, jose::VerifyingKey)> {
    keys.iter().filter_map(|key| Some((kid(key).map(str::to_owned), sound(key).ok()?))).collect()
}

/// What can be told of each key, with what the service tells of it.
pub(super) fn as_json(keys: &Keys, told: &[Told]) -> Value {
    let each = keys.iter().map(|key| {
        let thumbprint = sound(key).ok().map(|key| key.thumbprint());
        let told = told.iter().find(|told| kid(key) == Some(&told.kid));
        json!({
            "kid": kid(key),
            "kty": key["kty"],
            "alg": key["alg"],
            "bits": rsa_bits(key),
            "thumbprint": thumbprint,
            "status": told.map(|told| &told.status),
            "published_at": told.map(|told| told.published_at.to_string()),
            "activates_at": told.map(|told| told.activates_at.to_string()),
        })
    });
    each.collect()
}

/// The key's name, for people.
pub(super) fn name(key: &Value) -> &str {
    kid(key).unwrap_or("a key without a kid")
}

fn sound(key: &Value) -> Result<jose::VerifyingKey, jose::KeyError> {
    jose::VerifyingKey::from_jwk(&jose::Jwk::from_json(&key.to_string())?)
}

fn private(keys: &Keys) -> Finding {
    let leaking =
        keys.iter().find_map(|key| Some((key, SECRET.iter().find(|name| key.get(name).is_some())?)));
    match leaking {
        None => PRIVATE.ok("none does"),
        Some((key, member)) => PRIVATE.fail(format!("{} has a member {member:?}", name(key))),
    }
}

fn ids(keys: &Keys) -> Finding {
    if keys.iter().any(|key| kid(key).is_none()) {
        return IDS.fail("a key has no kid");
    }
    let twice = (1..keys.len()).find(|&at| keys[..at].iter().any(|key| kid(key) == kid(&keys[at])));
    match twice {
        None => IDS.ok("each has its own"),
        Some(at) => IDS.fail(format!("two keys have the kid {}", name(&keys[at]))),
    }
}

fn members(keys: &Keys) -> Finding {
    for key in keys {
        let lacks = ["kty", "alg"].into_iter().find(|member| key[*member].as_str().is_none_or(str::is_empty));
        if let Some(member) = lacks {
            return MEMBERS.warn(format!("{} has no {member}", name(key)));
        }
        if key["use"].as_str() != Some("sig") {
            return MEMBERS.warn(format!("the use of {} is not sig", name(key)));
        }
    }
    MEMBERS.ok("all have them")
}

/// The size of an RSA modulus.
fn rsa_bits(key: &Value) -> Option<usize> {
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str()?).ok()?;
    let first = *modulus.first()?;
    Some(modulus.len() * 8 - first.leading_zeros() as usize)
}

fn strength(keys: &Keys) -> Finding {
    for key in keys {
        let spoken = key["alg"].as_str().is_none_or(|alg| alg.parse::<jose::Algorithm>().is_ok());
        let is_rsa = key["kty"].as_str() == Some("RSA");
        let fault = match rsa_bits(key) {
            None if is_rsa => Some("its modulus cannot be read".to_owned()),
            Some(bits @ ..2048) if is_rsa => Some(format!("it has {bits} bits")),
            _ if SECRET.iter().any(|member| key.get(member).is_some()) => None,
            // Of algorithms that are not spoken here nothing more can be said.
            _ => sound(key).err().filter(|_| spoken).map(|error| error.to_string()),
        };
        if let Some(fault) = fault {
            return STRENGTH.fail(format!("{}: {fault}", name(key)));
        }
    }
    let kinds = keys.iter().map(|key| {
        let bits = rsa_bits(key).map_or_else(String::new, |bits| format!(" of {bits} bits"));
        format!("{}{bits}", key["alg"].as_str().or(key["kty"].as_str()).unwrap_or("?"))
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.dedup();
    STRENGTH.ok(kinds.join(", "))
}
