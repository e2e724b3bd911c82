//! The key set as a document (RFC 7517 §5).

use serde_json::Value;

use super::client::{Answer, Answered, LIMIT};
use super::finding::{Check, Finding};

pub(super) const KEY_SET: &Check = &Check {
    id: "key-set",
    about: "The key set is answered with 200 to anybody, and holds keys",
    remedy: "see that the path reaches the service and asks for no API key, log-in or authorizer: public keys are for all",
};
pub(super) const TYPE: &Check = &Check {
    id: "key-set-type",
    about: "It is `application/json` or `application/jwk-set+json`",
    remedy: "let the service's `Content-Type` through; strict verifiers refuse another",
};
pub(super) const PATHS: &Check = &Check {
    id: "key-set-paths",
    about: "All four paths of the key set have the same keys",
    remedy: "route all of them to the same instances; where keys differ for more than 4 × KEY_REFRESH, an instance or a cache is stale",
};
pub(super) const SIZE: &Check = &Check {
    id: "key-set-size",
    about: "It is no larger than 50 KiB, which is what Nimbus JOSE takes",
    remedy: "see why there are so many keys: KEY_ROTATION may be too short for MAX_TOKEN_LIFETIME",
};

pub(super) const CHECKS: &[&Check] = &[KEY_SET, TYPE, PATHS, SIZE];

/// Where the service has it, the one that verifiers look for first.
pub(super) const WELL_KNOWN: &str = "/.well-known/jwks.json";
/// Where it is besides.
pub(super) const OTHER_PATHS: [&str; 3] = ["/api/jwks", "/api/jwks.json", "/api/.well-known/jwks.json"];
const MOST: usize = 50 * 1024;

/// The keys of the set, each as it stands there. Nothing has been checked but that they are objects.
pub(super) type Keys = Vec<Value>;

/// Of the answer from where the key set should be; and its keys.
pub(super) fn read(answered: &Answered) -> (Vec<Finding>, Option<Keys>) {
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => return (vec![KEY_SET.fail(error)], None),
    };
    let keys = match keys_of(answer) {
        Ok(keys) => keys,
        Err(why) => return (vec![KEY_SET.fail(why)], None),
    };
    let count = keys.len();
    let set = match count {
        0 => KEY_SET.fail("there is no key in it"),
        1 => KEY_SET.ok("1 key"),
        _ => KEY_SET.ok(format!("{count} keys")),
    };
    (vec![set, content_type(answer), size(answer.body.len())], (count > 0).then_some(keys))
}

fn keys_of(answer: &Answer) -> Result<Keys, String> {
    if answer.status != 200 {
        return Err(format!("answered {}", answer.status));
    }
    if !answer.whole {
        return Err(format!("the answer does not end within {LIMIT} bytes"));
    }
    if jose::json::check(&answer.body).is_err() {
        return Err("the answer is no strict JSON object".to_owned());
    }
    let mut set = answer.json();
    match set["keys"].take() {
        Value::Array(keys) if keys.iter().all(Value::is_object) => Ok(keys),
        _ => Err("the answer is no JSON Web Key Set: it has no list of objects named \"keys\"".to_owned()),
    }
}

fn content_type(answer: &Answer) -> Finding {
    let Some(value) = answer.header("content-type") else { return TYPE.warn("it has none") };
    let kind = value.split(';').next().unwrap_or_default().trim().to_lowercase();
    match kind.as_str() {
        "application/json" | "application/jwk-set+json" => TYPE.ok(kind),
        _ => TYPE.warn(value),
    }
}

fn size(bytes: usize) -> Finding {
    let seen = format!("{bytes} bytes");
    if bytes <= MOST { SIZE.ok(seen) } else { SIZE.warn(seen) }
}

/// Of the other paths, against the keys that were found.
pub(super) fn paths(keys: &Keys, others: &[(&str, Answered)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, answered) in others {
        match answered.as_ref().map_err(Clone::clone).and_then(keys_of) {
            Ok(found) if found == *keys => {}
            Ok(_) => findings.push(PATHS.fail(format!("{path} has other keys"))),
            Err(why) => findings.push(PATHS.warn(format!("{path}: {why}"))),
        }
    }
    if findings.is_empty() {
        findings.push(PATHS.ok(format!("{} paths agree", others.len() + 1)));
    }
    findings
}

/// The key's `kid`, if it has one.
pub(super) fn kid(key: &Value) -> Option<&str> {
    key["kid"].as_str().filter(|kid| !kid.is_empty())
}
