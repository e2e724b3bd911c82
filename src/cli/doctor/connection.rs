//! Whether and how the deployment is reached: speed, redirects, plain HTTP.

use std::time::Duration;

use super::client::{Answer, Answered, Client};
use super::finding::{Check, Finding};
use super::target::Target;
use super::wire;

pub(super) const REACHABLE: &Check = &Check {
    id: "reachable",
    about: "The address is answered in HTTP",
    remedy: "see that the address is right, that its name resolves here, and that nothing between drops the connection",
};
pub(super) const LATENCY: &Check = &Check {
    id: "latency",
    about: "An answer takes less than a second",
    remedy: "a verifier that fetches keys waits so long at its first token: bring the service or a cache nearer",
};
pub(super) const NO_REDIRECT: &Check = &Check {
    id: "no-redirect",
    about: "The key set is where it is said to be: no redirect",
    remedy: "many verifiers follow no redirect: give them the address that it leads to, or answer here",
};
pub(super) const HTTPS: &Check = &Check {
    id: "https",
    about: "The address is HTTPS, or of this machine",
    remedy: "who can alter the answer can have verifiers believe other keys: put a proxy with a certificate in front",
};
pub(super) const PLAIN_HTTP: &Check = &Check {
    id: "plain-http",
    about: "Plain HTTP beside HTTPS only redirects to it",
    remedy: "have the proxy answer plain HTTP with a redirect to HTTPS, or close the port",
};
pub(super) const HSTS: &Check = &Check {
    id: "hsts",
    about: "`Strict-Transport-Security` is sent over HTTPS, for half a year at least",
    remedy: "let the service's own header through (it says a year), or have the proxy set it",
};
pub(super) const RATE_LIMIT: &Check = &Check {
    id: "rate-limit",
    about: "The doctor's questions, some thirty, meet no rate limit",
    remedy: "limit the key set less than the rest: verifiers behind one address ask together when keys change",
};

pub(super) const CHECKS: &[&Check] = &[REACHABLE, LATENCY, NO_REDIRECT, HTTPS, PLAIN_HTTP, HSTS, RATE_LIMIT];

/// Above this an answer is slow.
const SLOW: Duration = Duration::from_secs(1);
/// Half a year, in seconds.
const HALF_A_YEAR: u64 = 182 * 86_400;

/// Of the first answer.
pub(super) fn reached(answered: &Answered) -> Finding {
    match answered {
        Ok(answer) => REACHABLE.ok(format!("answered {} in {} ms", answer.status, answer.took.as_millis())),
        Err(error) => REACHABLE.fail(error),
    }
}

/// Of how long the quickest answer took: the first has to connect.
pub(super) fn latency(quickest: Duration) -> Finding {
    let seen = format!("{} ms at the least", quickest.as_millis());
    if quickest < SLOW { LATENCY.ok(seen) } else { LATENCY.warn(seen) }
}

/// Of an answer from where the key set should be.
pub(super) fn redirect(answered: &Answered) -> Option<Finding> {
    let answer = answered.as_ref().ok()?;
    let location = answer.header("location").unwrap_or("nowhere");
    Some(match answer.status {
        300..=303 | 305..=399 => NO_REDIRECT.fail(format!("answered {}, to {location}", answer.status)),
        _ => NO_REDIRECT.ok("none"),
    })
}

/// Of the address itself.
pub(super) fn https(target: &Target) -> Finding {
    match (target.tls, target.is_here()) {
        (true, _) => HTTPS.ok("HTTPS"),
        (false, true) => HTTPS.ok("plain HTTP, on this machine"),
        (false, false) => HTTPS.warn("plain HTTP"),
    }
}

/// Of what is answered in plain HTTP beside HTTPS; nothing where nobody answers.
pub(super) fn plain(answer: Option<&[u8]>) -> Finding {
    let Some(answer) = answer else { return PLAIN_HTTP.ok("nobody answers") };
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let to_https = text.lines().any(|line| line.replace(' ', "").starts_with("location:https://"));
    match wire::status(answer) {
        Some(300..=399) if to_https => PLAIN_HTTP.ok("redirects to HTTPS"),
        // What refuses gives nothing away.
        Some(status @ 400..=499) => PLAIN_HTTP.ok(format!("refused with {status}")),
        Some(status) => PLAIN_HTTP.warn(format!("answered {status} without TLS")),
        None => PLAIN_HTTP.ok("no HTTP is spoken"),
    }
}

/// Of an answer over HTTPS.
pub(super) fn hsts(answer: &Answer) -> Finding {
    let Some(value) = answer.header("strict-transport-security") else { return HSTS.warn("it is missing") };
    let age = value.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
    let age = age.and_then(|age| age.trim_matches('"').parse::<u64>().ok()).unwrap_or(0);
    if age >= HALF_A_YEAR { HSTS.ok(value) } else { HSTS.warn(format!("too short: {value}")) }
}

/// Of all questions together.
pub(super) fn limits(client: &Client) -> Finding {
    let told = client.limits.borrow().clone();
    match (client.limited.get(), told) {
        (0, None) => RATE_LIMIT.ok("none was met, none is told"),
        (0, Some(told)) => RATE_LIMIT.ok(format!("none was met; {told}")),
        (times, _) => RATE_LIMIT.warn(format!("{times} questions were answered 429")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn a_second_is_slow() {
        let of = |millis| latency(Duration::from_millis(millis)).status;
        assert_eq!((of(999), of(1_000)), (Status::Ok, Status::Warn));
    }

    #[test]
    fn plain_http_may_redirect_refuse_or_be_silent() {
        let of = |text: &str| plain(Some(text.as_bytes())).status;
        assert_eq!(plain(None).status, Status::Ok);
        assert_eq!(of("HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n"), Status::Ok);
        assert_eq!(of("HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n"), Status::Warn);
        assert_eq!(of("HTTP/1.1 403 Forbidden\r\n\r\n"), Status::Ok);
        assert_eq!(of("HTTP/1.1 200 OK\r\n\r\n{}"), Status::Warn);
        assert_eq!(of("\x15\x03\x01"), Status::Ok);
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let of = |address: &str| https(&Target::parse(address).unwrap()).status;
        assert_eq!(of("http://127.0.0.1:3000"), Status::Ok);
        assert_eq!(of("https://tokens.example.com"), Status::Ok);
        assert_eq!(of("http://tokens.example.com"), Status::Warn);
    }
}
