//! Names that a caller makes up must not get into answers: not into redirects, addresses or claims.

use super::client::Answer;
use super::finding::{Check, Finding};

pub(super) const HOST: &Check = &Check {
    id: "spoofed-host",
    about: "A made-up `Host` changes no answer",
    remedy: "build no address from `Host`: have the proxy answer its own names alone, and redirect to a fixed one",
};
pub(super) const FORWARDED: &Check = &Check {
    id: "spoofed-forwarded",
    about: "Made-up `Forwarded` and `X-Forwarded-*` change no answer",
    remedy: "have the outermost proxy set these headers anew; PUBLIC_URL tells the service its address",
};
pub(super) const TWICE: &Check = &Check {
    id: "host-twice",
    about: "A request with two `Host` headers is refused (RFC 9112 §3.2)",
    remedy: "use a proxy that refuses it, or hands it on as it came: else the two may read different hosts",
};

pub(super) const CHECKS: &[&Check] = &[HOST, FORWARDED, TWICE];

/// A name that nobody has (RFC 2606 §2).
pub(super) const SPOOFED: &str = "spoofed.invalid";
/// A scheme that nobody speaks here.
const SPOOFED_SCHEME: &str = "gopher";

/// What a caller adds who pretends to be a proxy.
pub(super) const FORWARDED_HEADERS: [(&str, &str); 6] = [
    ("x-forwarded-host", SPOOFED),
    ("x-forwarded-server", SPOOFED),
    ("x-forwarded-proto", SPOOFED_SCHEME),
    ("x-forwarded-prefix", "/spoofed.invalid"),
    ("x-original-host", SPOOFED),
    ("forwarded", "for=192.0.2.1;host=spoofed.invalid;proto=gopher"),
];

/// Of the answers to who makes names up. Who is refused learns nothing, so that is well.
pub(super) fn look(check: &'static Check, answers: &[(&str, Answer)]) -> Finding {
    let scheme = format!("{SPOOFED_SCHEME}:");
    let follows = |answer: &Answer| answer.mentions(SPOOFED) || answer.mentions(&scheme);
    match answers.iter().find(|(_, answer)| follows(answer)) {
        Some((path, answer)) => check.fail(format!("{path} answered {} and repeats it", answer.status)),
        None if answers.is_empty() => check.skip("nothing was answered"),
        None => check.ok(format!("{} answers do not follow it", answers.len())),
    }
}

/// Of what came back to two hosts.
pub(super) fn twice(status: Option<u16>) -> Finding {
    match status {
        Some(status @ 400..=499) => TWICE.ok(format!("refused with {status}")),
        Some(status) => TWICE.warn(format!("answered {status}")),
        None => TWICE.ok("the connection was closed"),
    }
}
