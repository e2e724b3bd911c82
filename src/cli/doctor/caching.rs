//! Whether verifiers and caches may keep the key set, and for how long (RFC 9111).

use super::client::{Answer, Answered};
use super::finding::{Check, Finding};

pub(super) const CACHEABLE: &Check = &Check {
    id: "key-set-cacheable",
    about: "`Cache-Control` lets anybody keep the key set, and says how long",
    remedy: "let the service's own `Cache-Control: public, max-age=…` through; nothing in front should set another",
};
pub(super) const AGE: &Check = &Check {
    id: "key-set-age",
    about: "No cache in front keeps it for longer than that (`Age` against `max-age`)",
    remedy: "have the cache obey the header: no minimum, no fixed time, no stale answers; keys are published by that time",
};
pub(super) const ETAG: &Check = &Check {
    id: "key-set-etag",
    about: "It has an `ETag`, and asking with it is answered 304",
    remedy: "let `ETag` and `If-None-Match` through; a proxy that compresses or rewrites drops them",
};
pub(super) const VARY: &Check = &Check {
    id: "key-set-vary",
    about: "`Vary` names nothing that keeps caches from sharing it",
    remedy: "have the proxy add no `Vary` to the key set but `Accept-Encoding`",
};
pub(super) const COOKIE: &Check = &Check {
    id: "key-set-cookie",
    about: "No cookie comes with it",
    remedy: "turn sticky sessions off: every instance answers the same, and caches keep no answer with a cookie",
};
pub(super) const ENCODING: &Check = &Check {
    id: "key-set-encoding",
    about: "Who asks for it uncompressed gets it so",
    remedy: "have the proxy compress only for who accepts it (`Accept-Encoding`)",
};

pub(super) const CHECKS: &[&Check] = &[CACHEABLE, AGE, ETAG, VARY, COOKIE, ENCODING];

/// How long the answer may be kept, in seconds: by a verifier, by what it says.
pub(super) fn max_age(answer: &Answer) -> Option<u64> {
    directive(answer, "max-age")?.parse().ok()
}

/// The argument of a directive of `Cache-Control`, empty where it has none.
fn directive(answer: &Answer, name: &str) -> Option<String> {
    answer.every("cache-control").flat_map(|value| value.split(',')).find_map(|part| {
        let (found, argument) = part.split_once('=').unwrap_or((part, ""));
        found.trim().eq_ignore_ascii_case(name).then(|| argument.trim().trim_matches('"').to_owned())
    })
}

/// Of the key set's answer, and of the answer to asking with its `ETag`, where it has one.
pub(super) fn look(answer: &Answer, again: Option<&Answered>) -> Vec<Finding> {
    vec![cacheable(answer), age(answer), etag(answer, again), vary(answer), cookie(answer), encoding(answer)]
}

fn cacheable(answer: &Answer) -> Finding {
    let told = answer.every("cache-control").collect::<Vec<_>>().join(", ");
    let forbidden = ["no-store", "private", "no-cache"].iter().any(|name| directive(answer, name).is_some());
    match max_age(answer) {
        _ if told.is_empty() => CACHEABLE.warn("there is no Cache-Control"),
        Some(1..) if !forbidden => CACHEABLE.ok(told),
        _ => CACHEABLE.warn(told),
    }
}

fn age(answer: &Answer) -> Finding {
    let Some(age) = answer.header("age") else { return AGE.ok("it comes from the service") };
    match (age.parse::<u64>(), max_age(answer)) {
        (Ok(age), Some(most)) if age <= most => AGE.ok(format!("{age} s old, of {most} s")),
        (Ok(age), Some(most)) => AGE.fail(format!("it is {age} s old, and was to be kept for {most} s")),
        (Ok(age), None) => AGE.warn(format!("it is {age} s old, and nothing says for how long")),
        (Err(_), _) => AGE.warn(format!("Age is {age}")),
    }
}

fn etag(answer: &Answer, again: Option<&Answered>) -> Finding {
    match (answer.header("etag"), again) {
        (None, _) => ETAG.warn("there is none"),
        (Some(_), None) => ETAG.skip("it was not asked again"),
        (Some(_), Some(Err(error))) => ETAG.warn(error),
        (Some(tag), Some(Ok(again))) if again.status == 304 => ETAG.ok(tag),
        (Some(_), Some(Ok(again))) => ETAG.warn(format!("asked with it, {} is answered", again.status)),
    }
}

fn vary(answer: &Answer) -> Finding {
    let names: Vec<_> = answer.every("vary").flat_map(|value| value.split(',')).map(str::trim).collect();
    let splits =
        |name: &&&str| !["", "accept-encoding"].iter().any(|harmless| name.eq_ignore_ascii_case(harmless));
    match names.iter().find(splits) {
        Some(_) => VARY.warn(names.join(", ")),
        None if names.is_empty() => VARY.ok("there is none"),
        None => VARY.ok(names.join(", ")),
    }
}

fn cookie(answer: &Answer) -> Finding {
    match answer.header("set-cookie").and_then(|cookie| cookie.split('=').next()) {
        // The value may be a secret.
        Some(name) => COOKIE.warn(format!("the cookie {name}")),
        None => COOKIE.ok("none"),
    }
}

fn encoding(answer: &Answer) -> Finding {
    match answer.header("content-encoding") {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
            ENCODING.fail(format!("it comes as {encoding}"))
        }
        _ => ENCODING.ok("as it is"),
    }
}
