//! The key set as a document (RFC 7517 §5).

use serde_json::Value;

use crate::client::{Answer, AnswerOrError, BODY_LIMIT};
use crate::finding::{Check, Finding, counted, quoted};

pub(crate) const KEY_SET: &Check = &Check {
    id: "key-set",
    requirement: "The key set answers every caller with status 200, and contains keys.",
    remedy: "Check that the path reaches the service and asks for no API key, log-in or authorizer, because public keys are for everyone.",
};
pub(crate) const TYPE: &Check = &Check {
    id: "key-set-type",
    requirement: "The key set has the type `application/json` or `application/jwk-set+json`.",
    remedy: "Configure the proxy to pass on the service's `Content-Type`, because strict verifiers refuse other types.",
};
pub(crate) const PATHS: &Check = &Check {
    id: "key-set-paths",
    requirement: "All four paths of the key set serve the same keys.",
    remedy: "Route all four paths to the same instances. If the keys differ for longer than 4 × KEY_REFRESH, an instance or a cache is stale.",
};
pub(crate) const SIZE: &Check = &Check {
    id: "key-set-size",
    requirement: "The key set has at most 50 KiB, which is the limit of Nimbus JOSE.",
    remedy: "Find out why there are so many keys: KEY_ROTATION may be too short for MAX_TOKEN_LIFETIME.",
};

pub(crate) const CHECKS: &[&Check] = &[KEY_SET, TYPE, PATHS, SIZE];

/// The path of the key set that verifiers try first.
pub(crate) const WELL_KNOWN: &str = "/.well-known/jwks.json";
/// The other paths of the key set.
pub(crate) const OTHER_PATHS: [&str; 3] = ["/api/jwks", "/api/jwks.json", "/api/.well-known/jwks.json"];
const MAX_BYTES: usize = 50 * 1024;

/// The keys of the set as they stand there. Only that each is an object has been checked.
pub(crate) type Keys = Vec<Value>;

/// Checks the answer from the key set's path, and returns its keys if there are any.
pub(crate) fn read(answer: &AnswerOrError) -> (Vec<Finding>, Option<Keys>) {
    let (answer, keys) = match (answer, keys_of(answer)) {
        (Ok(answer), Ok(keys)) => (answer, keys),
        (_, keys) => {
            let fault = keys.err().unwrap_or_default();
            return (vec![KEY_SET.fail(format!("The key set {fault}."))], None);
        }
    };
    let count = keys.len();
    let set = match count {
        0 => KEY_SET.fail("The key set contains no key."),
        _ => KEY_SET.ok(format!("The key set contains {}.", counted(count, "key"))),
    };
    (vec![set, content_type(answer), size(answer.body.len())], (count > 0).then_some(keys))
}

/// The keys in an answer.
///
/// # Errors
/// The end of a sentence that begins with the key set: what is wrong with it.
pub(crate) fn keys_of(answer: &AnswerOrError) -> Result<Keys, String> {
    let answer = answer.as_ref().map_err(|error| format!("gives no answer: {error}"))?;
    if answer.status != 200 {
        return Err(format!("answers with status {}", answer.status));
    }
    if !answer.whole {
        return Err(format!("does not end within {BODY_LIMIT} bytes"));
    }
    if jose::json::check(&answer.body).is_err() {
        return Err("is not a strict JSON object".to_owned());
    }
    let mut set = answer.json();
    match set["keys"].take() {
        Value::Array(keys) if keys.iter().all(Value::is_object) => Ok(keys),
        _ => Err("is not a JSON Web Key Set: it has no list of objects named \"keys\"".to_owned()),
    }
}

fn content_type(answer: &Answer) -> Finding {
    let Some(value) = answer.header("content-type") else {
        return TYPE.warn("The key set has no Content-Type header.");
    };
    let kind = value.split(';').next().unwrap_or_default().trim().to_lowercase();
    let sentence = format!("The key set has the type {}.", quoted(value));
    match kind.as_str() {
        "application/json" | "application/jwk-set+json" => TYPE.ok(sentence),
        _ => TYPE.warn(sentence),
    }
}

fn size(bytes: usize) -> Finding {
    let sentence = format!("The key set has {bytes} bytes.");
    if bytes <= MAX_BYTES { SIZE.ok(sentence) } else { SIZE.warn(sentence) }
}

/// Compares the keys with those of the other paths.
pub(crate) fn paths(keys: &Keys, others: &[(&str, AnswerOrError)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, answer) in others {
        match keys_of(answer) {
            Ok(found) if found == *keys => {}
            Ok(_) => findings.push(PATHS.fail(format!("The key set at {path} contains other keys."))),
            Err(fault) => findings.push(PATHS.warn(format!("The key set at {path} {fault}."))),
        }
    }
    if findings.is_empty() {
        findings.push(PATHS.ok(format!("All {} paths serve the same keys.", others.len() + 1)));
    }
    findings
}

/// The key's `kid`, if it has one.
pub(crate) fn kid(key: &Value) -> Option<&str> {
    key["kid"].as_str().filter(|kid| !kid.is_empty())
}
