//! Whether verifiers and caches may keep the key set, and for how long (RFC 9111).

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, no_answer, quoted};

pub(crate) const CACHEABLE: &Check = &Check {
    id: "key-set-cacheable",
    requirement: "`Cache-Control` lets every cache keep the key set, and says for how long.",
    remedy: "Configure the proxy to pass on the service's own `Cache-Control: public, max-age=…`.",
};
pub(crate) const AGE: &Check = &Check {
    id: "key-set-age",
    requirement: "No cache keeps the key set longer than its `max-age` allows (measured by `Age`).",
    remedy: "Configure the cache to obey `max-age`, without a minimum time and without stale answers, because new keys are published by that time.",
};
pub(crate) const ETAG: &Check = &Check {
    id: "key-set-etag",
    requirement: "The key set has an `ETag`, and a request with it is answered with 304.",
    remedy: "Configure the proxy to pass on `ETag` and `If-None-Match`. A proxy that compresses or rewrites answers drops them.",
};
pub(crate) const VARY: &Check = &Check {
    id: "key-set-vary",
    requirement: "`Vary` lets caches share one copy of the key set.",
    remedy: "Configure the proxy not to add `Vary` to the key set, except `Accept-Encoding`.",
};
pub(crate) const COOKIE: &Check = &Check {
    id: "key-set-cookie",
    requirement: "The answer with the key set sets no cookie.",
    remedy: "Turn off sticky sessions: all instances answer the same, and caches do not keep an answer that sets a cookie.",
};
pub(crate) const ENCODING: &Check = &Check {
    id: "key-set-encoding",
    requirement: "A client that asks for an uncompressed key set gets one.",
    remedy: "Configure the proxy to compress only for clients that accept it (`Accept-Encoding`).",
};

pub(crate) const CHECKS: &[&Check] = &[CACHEABLE, AGE, ETAG, VARY, COOKIE, ENCODING];

/// How long a cache may keep the answer, in seconds.
pub(crate) fn max_age(answer: &Answer) -> Option<u64> {
    directive(answer, "max-age")?.parse().ok()
}

/// The argument of a directive of `Cache-Control`; empty if the directive has none.
fn directive(answer: &Answer, name: &str) -> Option<String> {
    answer.every("cache-control").flat_map(|value| value.split(',')).find_map(|part| {
        let (found, argument) = part.split_once('=').unwrap_or((part, ""));
        found.trim().eq_ignore_ascii_case(name).then(|| argument.trim().trim_matches('"').to_owned())
    })
}

/// Checks the answer with the key set, and the answer to a second request with its `ETag`, if it has one.
pub(crate) fn check(answer: &Answer, second: Option<&AnswerOrError>) -> Vec<Finding> {
    vec![cacheable(answer), age(answer), etag(answer, second), vary(answer), cookie(answer), encoding(answer)]
}

fn cacheable(answer: &Answer) -> Finding {
    let value = answer.every("cache-control").collect::<Vec<_>>().join(", ");
    let forbidden = ["no-store", "private", "no-cache"].iter().any(|name| directive(answer, name).is_some());
    let shown = quoted(&value);
    match max_age(answer) {
        _ if value.is_empty() => CACHEABLE.warn("The key set has no Cache-Control header."),
        _ if forbidden => {
            CACHEABLE.warn(format!("Cache-Control is {shown}, which forbids caches to keep the key set."))
        }
        Some(1..) => CACHEABLE.ok(format!("Cache-Control is {shown}, which lets caches keep the key set.")),
        _ => CACHEABLE
            .warn(format!("Cache-Control is {shown}, which gives caches no time to keep the key set.")),
    }
}

fn age(answer: &Answer) -> Finding {
    let Some(age) = answer.header("age") else {
        return AGE.ok("The key set has no Age header, so it comes from the service itself.");
    };
    match (age.parse::<u64>(), max_age(answer)) {
        (Ok(age), Some(max_age)) if age <= max_age => {
            AGE.ok(format!("The key set is {age} s old, and caches may keep it for {max_age} s."))
        }
        (Ok(age), Some(max_age)) => {
            AGE.fail(format!("The key set is {age} s old, but caches may keep it for only {max_age} s."))
        }
        (Ok(age), None) => {
            AGE.warn(format!("The key set is {age} s old, and no max-age says how long caches may keep it."))
        }
        (Err(_), _) => {
            AGE.warn(format!("The Age header is {}, which is not a number of seconds.", quoted(age)))
        }
    }
}

fn etag(answer: &Answer, second: Option<&AnswerOrError>) -> Finding {
    match (answer.header("etag"), second) {
        (None, _) => ETAG.warn("The key set has no ETag header."),
        (Some(_), None) => ETAG.skip("The key set was not requested a second time."),
        (Some(_), Some(Err(error))) => ETAG.warn(no_answer("The second request for the key set", error)),
        (Some(tag), Some(Ok(second))) if second.status == 304 => ETAG.ok(format!(
            "A request with the key set's ETag {} is answered with 304.",
            quoted(tag.trim_matches('"'))
        )),
        (Some(_), Some(Ok(second))) => ETAG.warn(format!(
            "A request with the key set's ETag is answered with {} instead of 304.",
            second.status
        )),
    }
}

fn vary(answer: &Answer) -> Finding {
    let names: Vec<_> = answer.every("vary").flat_map(|value| value.split(',')).map(str::trim).collect();
    let splits =
        |name: &&&str| !["", "accept-encoding"].iter().any(|harmless| name.eq_ignore_ascii_case(harmless));
    let shown = quoted(&names.join(", "));
    match names.iter().find(splits) {
        Some(_) => VARY.warn(format!("Vary is {shown}, so caches cannot share one copy of the key set.")),
        None if names.is_empty() => VARY.ok("The key set has no Vary header."),
        None => VARY.ok(format!("Vary is {shown}, so caches can share one copy of the key set.")),
    }
}

fn cookie(answer: &Answer) -> Finding {
    match answer.header("set-cookie").and_then(|cookie| cookie.split('=').next()) {
        // The value may be a secret.
        Some(name) => COOKIE.warn(format!("The answer with the key set sets the cookie {}.", quoted(name))),
        None => COOKIE.ok("The answer with the key set sets no cookie."),
    }
}

fn encoding(answer: &Answer) -> Finding {
    match answer.header("content-encoding") {
        Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => ENCODING.fail(format!(
            "The key set is compressed as {}, although the request did not allow it.",
            quoted(encoding)
        )),
        _ => ENCODING.ok("The key set is not compressed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    fn answer(headers: &[(&'static str, &str)]) -> Answer {
        Answer::of(200, headers, "{}")
    }

    #[test]
    fn the_age_may_reach_max_age_but_not_exceed_it() {
        let of = |age: &str| age_of(age).status;
        assert_eq!((of("60"), of("61"), of("old")), (Status::Ok, Status::Fail, Status::Warn));
        assert_eq!(age(&answer(&[("age", "1")])).status, Status::Warn);
    }

    fn age_of(age_header: &str) -> Finding {
        age(&answer(&[("cache-control", "public, max-age=\"60\""), ("age", age_header)]))
    }

    #[test]
    fn each_directive_that_forbids_caching_is_named_in_the_sentence() {
        for value in ["no-store", "private, max-age=60", "No-Cache, max-age=60", "public", "max-age=0"] {
            let finding = cacheable(&answer(&[("cache-control", value)]));
            assert_eq!(finding.status, Status::Warn, "{value}");
            assert!(finding.sentence.contains(value), "{}", finding.sentence);
        }
        assert_eq!(cacheable(&answer(&[("cache-control", "public, max-age=1")])).status, Status::Ok);
    }

    #[test]
    fn only_accept_encoding_may_vary() {
        let of = |value: &str| vary(&answer(&[("vary", value)])).status;
        assert_eq!(
            (of("Accept-Encoding"), of(""), of("accept-encoding, Origin")),
            (Status::Ok, Status::Ok, Status::Warn)
        );
    }
}
