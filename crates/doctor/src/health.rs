//! What the service says about itself, and its clock.

use crate::client::Answer;
use crate::finding::{Check, Finding, quoted};
use crate::instant::Instant;

pub(crate) const HEALTH: &Check = &Check {
    id: "health",
    requirement: "`/health` answers that the service runs.",
    remedy: "Route /health to the service. If it is blocked from outside on purpose, this warning is expected.",
};
pub(crate) const DATABASE: &Check = &Check {
    id: "database",
    requirement: "The database answers the service.",
    remedy: "Check the log and MONGODB_URI. With SKIP_DATABASE=true this warning is expected.",
};
pub(crate) const SIGNING: &Check = &Check {
    id: "signing",
    requirement: "The service can sign tokens.",
    remedy: "Look in the log: the service cannot read its keys, or the key custody does not answer (docs/keys.md).",
};
pub(crate) const CLOCK: &Check = &Check {
    id: "clock",
    requirement: "The clocks of the service and of this machine differ by at most five seconds.",
    remedy: "Set both clocks by NTP. Tokens expire too early or too late by this difference, and more than CLOCK_SKEW breaks the key schedule.",
};

pub(crate) const CLIENT_LIMIT: &Check = &Check {
    id: "client-limit",
    requirement: "The service limits how often one client may ask, by the client's own address, except on this machine.",
    remedy: "Set TRUSTED_PROXIES to the addresses of your proxies, so that the service knows its clients. Without it, requests from private addresses have no limit by address. RATE_LIMITS may also be off.",
};

pub(crate) const CHECKS: &[&Check] = &[HEALTH, DATABASE, SIGNING, CLOCK, CLIENT_LIMIT];

/// A difference of this many milliseconds is a warning.
const NOTABLE_MILLIS: u64 = 5_000;
/// `Date` has whole seconds, so it is read as the middle of its second.
const HALF_A_SECOND_MILLIS: u64 = 500;

/// Checks an answer of `/health`.
pub(crate) fn check(answer: &Answer) -> Vec<Finding> {
    let body = answer.json();
    if answer.status != 200 || body["success"] != true {
        let status = answer.status;
        return vec![
            HEALTH.warn(format!("/health answers with status {status}, but not in the form of the service.")),
        ];
    }
    let version = body["version"].as_str().unwrap_or("unknown");
    let database = match body["database_connected"].as_bool() {
        Some(true) => DATABASE.ok("The database answers the service."),
        Some(false) => DATABASE.warn("The database does not answer the service."),
        None => DATABASE.skip("/health does not mention the database."),
    };
    let signing = match body["signing"].as_bool() {
        Some(true) => SIGNING.ok("The service can sign tokens."),
        Some(false) => SIGNING.fail("The service cannot sign tokens."),
        None => SIGNING.skip("/health does not say whether the service can sign tokens."),
    };
    vec![HEALTH.ok(format!("The service runs in version {}.", quoted(version))), database, signing]
}

/// The service's time at the middle of the exchange: its own timestamp, or else the header `Date`.
pub(crate) fn time(answer: &Answer) -> Option<Instant> {
    timestamp(answer).or_else(|| date(answer))
}

fn timestamp(answer: &Answer) -> Option<Instant> {
    Instant::from_rfc3339(answer.json()["timestamp"].as_str()?)
}

fn date(answer: &Answer) -> Option<Instant> {
    Some(Instant::from_http_date(answer.header("date")?)?.plus_millis(HALF_A_SECOND_MILLIS))
}

/// Compares the clocks, by an answer that no cache keeps. The difference is what remains at least, after half the round trip
/// and the imprecision of `Date` are subtracted. `skew` is in seconds.
pub(crate) fn clock(answer: &Answer, skew: u64) -> Finding {
    let half_round_trip = answer.took.as_millis() as u64 / 2;
    let off = |at: Instant, imprecision: u64| {
        at.millis_between(answer.at).saturating_sub(half_round_trip + imprecision)
    };
    let differences = [
        timestamp(answer).map(|at| ("according to the timestamp in /health", off(at, 1))),
        date(answer).map(|at| ("according to the header Date", off(at, HALF_A_SECOND_MILLIS))),
    ];
    let is_cached = answer.header("age").is_some();
    let worst = differences.into_iter().flatten().max_by_key(|(_, off)| *off);
    let Some((by, off)) = worst.filter(|_| !is_cached) else {
        return CLOCK.skip("No answer tells the time of the service.");
    };
    let sentence = format!("The clocks differ by {}.{:03} s {by}.", off / 1000, off % 1000);
    match off {
        ..NOTABLE_MILLIS => CLOCK.ok(sentence),
        _ if off <= skew * 1000 => CLOCK.warn(sentence),
        _ => CLOCK.fail(sentence),
    }
}

/// Checks the answer of an operation that the service limits by address, if it says so.
pub(crate) fn client_limit(answer: &Answer, is_this_machine: bool) -> Finding {
    let policies = answer.header("ratelimit-policy").unwrap_or_default();
    if policies.contains("-address\"") {
        CLIENT_LIMIT.ok(format!("Requests from this address are limited by {}.", quoted(policies)))
    } else if is_this_machine {
        CLIENT_LIMIT.ok("No limit by address holds for this machine, which is acceptable.")
    } else {
        CLIENT_LIMIT
            .warn("No limit by address holds for requests from here, as far as the answer to one shows.")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::*;
    use crate::finding::Status;

    fn answer(date: &str, timestamp: &str, took: u64) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("date", date.parse().unwrap());
        let body = format!(r#"{{"timestamp":"{timestamp}"}}"#).into_bytes();
        // 1994-11-06T08:49:37Z, RFC 9110's example.
        let at = Instant::from_secs(784_111_777);
        Answer { status: 200, headers, body, whole: true, took: Duration::from_millis(took), at }
    }

    #[test]
    fn a_client_elsewhere_must_be_limited_by_its_address() {
        let of = |policy: &str, here| {
            client_limit(&Answer::of(403, &[("ratelimit-policy", policy)], ""), here).status
        };
        assert_eq!(of("\"generate-address\";q=100;w=1", false), Status::Ok);
        assert_eq!(of("\"login-account\";q=60;w=60", false), Status::Warn);
        assert_eq!((of("", false), of("", true)), (Status::Warn, Status::Ok));
    }

    #[test]
    fn clocks_are_compared_by_header_and_body_and_half_the_round_trip_is_subtracted() {
        let of = |date: &str, timestamp: &str, took| clock(&answer(date, timestamp, took), 60).status;
        let (right, ten_off, hour_off) = ("08:49:37", "08:49:47", "09:49:37");
        let date = |time: &str| format!("Sun, 06 Nov 1994 {time} GMT");
        let own = |time: &str| format!("1994-11-06T{time}.000Z");
        assert_eq!(of(&date(right), &own(right), 10), Status::Ok);
        assert_eq!(of(&date(ten_off), &own(right), 10), Status::Warn);
        assert_eq!(of(&date(right), &own(ten_off), 10), Status::Warn);
        assert_eq!(of(&date(right), &own(ten_off), 12_000), Status::Ok);
        assert_eq!(of(&date(hour_off), &own(right), 10), Status::Fail);
        assert_eq!(of("soon", "soon", 10), Status::Skip);
    }
}
