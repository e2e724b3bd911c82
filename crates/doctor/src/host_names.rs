//! A host name that a caller invents must not appear in answers: not in redirects, addresses or claims.

use crate::client::Answer;
use crate::finding::{Check, Finding, counted};

pub(crate) const HOST: &Check = &Check {
    id: "spoofed-host",
    requirement: "A false `Host` header changes no answer.",
    remedy: "Do not build addresses from `Host`: configure the proxy to answer only for its own names, and to redirect to a fixed name.",
};
pub(crate) const FORWARDED: &Check = &Check {
    id: "spoofed-forwarded",
    requirement: "False `Forwarded` and `X-Forwarded-*` headers change no answer.",
    remedy: "Configure the outermost proxy to overwrite these headers. PUBLIC_URL tells the service its address.",
};
pub(crate) const TWICE: &Check = &Check {
    id: "host-twice",
    requirement: "A request with two `Host` headers is refused (RFC 9112 §3.2).",
    remedy: "Use a proxy that refuses such a request or passes it on unchanged. Otherwise the proxy and the service may read different hosts.",
};

pub(crate) const CHECKS: &[&Check] = &[HOST, FORWARDED, TWICE];

/// A name that cannot exist (RFC 2606 §2).
pub(crate) const FALSE_HOST: &str = "spoofed.invalid";
/// A scheme that no deployment uses.
const FALSE_SCHEME: &str = "gopher";

/// The headers of a caller that pretends to be a proxy.
pub(crate) const FORWARDED_HEADERS: [(&str, &str); 6] = [
    ("x-forwarded-host", FALSE_HOST),
    ("x-forwarded-server", FALSE_HOST),
    ("x-forwarded-proto", FALSE_SCHEME),
    ("x-forwarded-prefix", "/spoofed.invalid"),
    ("x-original-host", FALSE_HOST),
    ("forwarded", "for=192.0.2.1;host=spoofed.invalid;proto=gopher"),
];

/// Checks the answers, with their paths, to requests with a false `Host`.
pub(crate) fn host(answers: &[(&str, Answer)]) -> Finding {
    repeated(HOST, "a false Host header", answers)
}

/// Checks the answers, with their paths, to requests with [`FORWARDED_HEADERS`].
pub(crate) fn forwarded(answers: &[(&str, Answer)]) -> Finding {
    repeated(FORWARDED, "false Forwarded headers", answers)
}

/// A refusal is fine: it reveals nothing.
fn repeated(check: &'static Check, what: &str, answers: &[(&str, Answer)]) -> Finding {
    let scheme = format!("{FALSE_SCHEME}:");
    let repeats = |answer: &Answer| answer.contains(FALSE_HOST) || answer.contains(&scheme);
    match answers.iter().find(|(_, answer)| repeats(answer)) {
        Some((path, answer)) => check
            .fail(format!("The answer of {path} (status {}) repeats the name from {what}.", answer.status)),
        None if answers.is_empty() => check.skip(format!("No request with {what} was answered.")),
        None => {
            let requests = counted(answers.len(), "request");
            check.ok(format!("The doctor sent {requests} with {what}, and no answer repeats the name."))
        }
    }
}

/// Checks the status of the answer to two `Host` headers; `None` if there is no answer.
pub(crate) fn twice(status: Option<u16>) -> Finding {
    match status {
        Some(status @ 400..=499) => {
            TWICE.ok(format!("A request with two Host headers is refused with status {status}."))
        }
        Some(status) => {
            TWICE.warn(format!("A request with two Host headers is answered with status {status}."))
        }
        None => TWICE.ok("The server closes the connection after a request with two Host headers."),
    }
}
