//! Whether the deployment can be reached, and how: speed, redirects, plain HTTP.

use std::time::Duration;

use crate::client::{Answer, AnswerOrError, Client};
use crate::finding::{Check, Finding, counted, no_answer, quoted};
use crate::raw_connection;
use crate::target::Target;

pub(crate) const REACHABLE: &Check = &Check {
    id: "reachable",
    requirement: "The address answers HTTP requests.",
    remedy: "Check that the address is right, that its name resolves on this machine, and that no firewall drops the connection.",
};
pub(crate) const LATENCY: &Check = &Check {
    id: "latency",
    requirement: "The service answers within one second.",
    remedy: "Move the service or a cache closer, because a verifier waits this long while it fetches keys for its first token.",
};
pub(crate) const NO_REDIRECT: &Check = &Check {
    id: "no-redirect",
    requirement: "The key set's path serves the key set, not a redirect.",
    remedy: "Give verifiers the address that the redirect leads to, or serve the key set here, because many verifiers do not follow redirects.",
};
pub(crate) const HTTPS: &Check = &Check {
    id: "https",
    requirement: "The address uses HTTPS, or it is on this machine.",
    remedy: "Put a proxy with a certificate in front of the service, because an attacker who can change answers on the way can give false keys to verifiers.",
};
pub(crate) const PLAIN_HTTP: &Check = &Check {
    id: "plain-http",
    requirement: "Plain HTTP beside HTTPS is redirected to HTTPS, refused or closed.",
    remedy: "Configure the proxy to redirect plain HTTP to HTTPS, or close the port.",
};
pub(crate) const HSTS: &Check = &Check {
    id: "hsts",
    requirement: "Answers over HTTPS have `Strict-Transport-Security` for at least half a year.",
    remedy: "Configure the proxy to pass on the service's own header, which says one year, or to set the header.",
};
pub(crate) const RATE_LIMIT: &Check = &Check {
    id: "rate-limit",
    requirement: "No rate limit refuses the doctor's own requests (about forty-five).",
    remedy: "Allow more requests for the key set than for other paths, because many verifiers behind one address fetch it together when keys change.",
};

pub(crate) const CHECKS: &[&Check] = &[REACHABLE, LATENCY, NO_REDIRECT, HTTPS, PLAIN_HTTP, HSTS, RATE_LIMIT];

/// An answer that takes this long is slow.
const SLOW_ANSWER: Duration = Duration::from_secs(1);
const HALF_A_YEAR_SECS: u64 = 182 * 86_400;

/// Checks the first answer.
pub(crate) fn reachable(answer: &AnswerOrError) -> Finding {
    match answer {
        Ok(answer) => REACHABLE.ok(format!(
            "The first request was answered with status {} after {} ms.",
            answer.status,
            answer.took.as_millis()
        )),
        Err(error) => REACHABLE.fail(no_answer("The first request", error)),
    }
}

/// Checks the fastest answer; the first one includes the time to connect.
pub(crate) fn latency(fastest: Duration) -> Finding {
    let sentence = format!("The fastest answer took {} ms.", fastest.as_millis());
    if fastest < SLOW_ANSWER { LATENCY.ok(sentence) } else { LATENCY.warn(sentence) }
}

/// Checks the answer from the key set's path.
pub(crate) fn redirect(answer: &AnswerOrError) -> Option<Finding> {
    let answer = answer.as_ref().ok()?;
    Some(match (answer.status, answer.header("location")) {
        (status @ (300..=303 | 305..=399), Some(location)) => NO_REDIRECT.fail(format!(
            "The key set's path answers with status {status} and redirects to {}.",
            quoted(location)
        )),
        (status @ (300..=303 | 305..=399), None) => NO_REDIRECT
            .fail(format!("The key set's path answers with status {status}, but names no other address.")),
        _ => NO_REDIRECT.ok("The key set's path does not redirect."),
    })
}

/// Checks the scheme of the address.
pub(crate) fn https(target: &Target) -> Finding {
    match (target.tls, target.is_this_machine()) {
        (true, _) => HTTPS.ok("The address uses HTTPS."),
        (false, true) => HTTPS.ok("The address uses plain HTTP, which is acceptable on this machine."),
        (false, false) => HTTPS.warn("The address uses plain HTTP."),
    }
}

/// Checks the answer to a request in plain HTTP beside HTTPS; `None` if there is none.
pub(crate) fn plain_http(answer: Option<&[u8]>) -> Finding {
    let Some(answer) = answer else { return PLAIN_HTTP.ok("A request in plain HTTP gets no answer.") };
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let to_https = text.lines().any(|line| line.replace(' ', "").starts_with("location:https://"));
    match raw_connection::status(answer) {
        Some(300..=399) if to_https => PLAIN_HTTP.ok("A request in plain HTTP is redirected to HTTPS."),
        // A refusal reveals nothing.
        Some(status @ 400..=499) => {
            PLAIN_HTTP.ok(format!("A request in plain HTTP is refused with status {status}."))
        }
        Some(status) => PLAIN_HTTP.warn(format!(
            "A request in plain HTTP is answered with status {status} and not redirected to HTTPS."
        )),
        None => PLAIN_HTTP.ok("The port for plain HTTP answers, but not in HTTP."),
    }
}

/// Checks an answer over HTTPS.
pub(crate) fn hsts(answer: &Answer) -> Finding {
    let Some(value) = answer.header("strict-transport-security") else {
        return HSTS.warn("The answer has no Strict-Transport-Security header.");
    };
    let age = value.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
    let age = age.and_then(|age| age.trim_matches('"').parse::<u64>().ok()).unwrap_or(0);
    let value = quoted(value);
    if age >= HALF_A_YEAR_SECS {
        HSTS.ok(format!("Strict-Transport-Security is {value}."))
    } else {
        HSTS.warn(format!("Strict-Transport-Security is {value}, which is less than half a year."))
    }
}

/// Checks whether any answer had status 429.
pub(crate) fn rate_limit(client: &Client<'_>) -> Finding {
    let announced = client.announced_limit.borrow();
    match (client.limited.get(), announced.as_deref()) {
        (0, None) => RATE_LIMIT.ok("No rate limit refused a request."),
        (0, Some(header)) => RATE_LIMIT
            .ok(format!("No rate limit refused a request. The server announces {}.", quoted(header))),
        (count, _) => RATE_LIMIT.warn(format!("A rate limit refused {} (429).", counted(count, "request"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn an_answer_after_one_second_is_slow() {
        let of = |millis| latency(Duration::from_millis(millis)).status;
        assert_eq!((of(999), of(1_000)), (Status::Ok, Status::Warn));
    }

    #[test]
    fn plain_http_may_redirect_or_refuse_or_be_closed() {
        let of = |text: &str| plain_http(Some(text.as_bytes())).status;
        assert_eq!(plain_http(None).status, Status::Ok);
        assert_eq!(of("HTTP/1.1 301 Moved\r\nLocation: https://x/\r\n\r\n"), Status::Ok);
        assert_eq!(of("HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n"), Status::Warn);
        assert_eq!(of("HTTP/1.1 403 Forbidden\r\n\r\n"), Status::Ok);
        assert_eq!(of("HTTP/1.1 200 OK\r\n\r\n{}"), Status::Warn);
        assert_eq!(of("\x15\x03\x01"), Status::Ok);
    }

    #[test]
    fn plain_http_is_only_for_this_machine() {
        let of = |address: &str| https(&Target::parse(address).unwrap()).status;
        assert_eq!(of("http://127.0.0.1:3000"), Status::Ok);
        assert_eq!(of("https://tokens.example.com"), Status::Ok);
        assert_eq!(of("http://tokens.example.com"), Status::Warn);
    }
}
