//! Requests that ordinary clients do not send: TRACE, HTTP/1.0, and a very large header.

use crate::client::AnswerOrError;
use crate::finding::{Check, Finding, no_answer};
use crate::raw_connection;

pub(crate) const TRACE: &Check = &Check {
    id: "trace",
    requirement: "The answer to TRACE does not contain the request's headers.",
    remedy: "Turn TRACE off in the proxy, because a web page could read headers that it must not see.",
};
pub(crate) const HTTP_1_0: &Check = &Check {
    id: "http-1-0",
    requirement: "A request in HTTP/1.0, as old proxies and probes send it, gets an answer.",
    remedy: "Allow HTTP/1.0, or make sure that no probe uses it.",
};
pub(crate) const LARGE_HEADER: &Check = &Check {
    id: "large-header",
    requirement: "A request with a header of 72 KiB does no harm, and the next request is answered.",
    remedy: "Find out which program failed, and limit the size of headers in the proxy.",
};

pub(crate) const CHECKS: &[&Check] = &[TRACE, HTTP_1_0, LARGE_HEADER];

/// Checks the answer to a TRACE request with this mark in a header; `None` if there is no answer.
pub(crate) fn trace(answer: Option<&[u8]>, mark: &str) -> Finding {
    let Some(answer) = answer else {
        return TRACE.ok("The server closes the connection after a TRACE request.");
    };
    let is_repeated = answer.windows(mark.len()).any(|part| part == mark.as_bytes());
    match raw_connection::status(answer) {
        _ if is_repeated => TRACE.fail("The answer to a TRACE request contains the request's headers."),
        Some(status) => TRACE.ok(format!("A TRACE request is answered with status {status}.")),
        None => TRACE.ok("A TRACE request is answered, but not in HTTP."),
    }
}

/// Checks the status of the answer to a request in HTTP/1.0; `None` if there is no answer.
pub(crate) fn http_1_0(status: Option<u16>) -> Finding {
    match status {
        Some(status @ ..500) => {
            HTTP_1_0.ok(format!("A request in HTTP/1.0 is answered with status {status}."))
        }
        Some(status) => HTTP_1_0.warn(format!("A request in HTTP/1.0 is answered with status {status}.")),
        None => HTTP_1_0.warn("A request in HTTP/1.0 gets no answer."),
    }
}

/// Checks the status of the answer to a large header, and the answer to the next request. A server that closes the
/// connection early may cut its own answer off.
pub(crate) fn large_header(status: Option<u16>, next: &AnswerOrError) -> Finding {
    match (status, next) {
        (_, Err(error)) => LARGE_HEADER.fail(no_answer("The next request after a header of 72 KiB", error)),
        (Some(status), _) => {
            let sentence = format!("A request with a header of 72 KiB is answered with status {status}.");
            if status >= 500 { LARGE_HEADER.warn(sentence) } else { LARGE_HEADER.ok(sentence) }
        }
        (None, _) => LARGE_HEADER.ok("The server closes the connection after a header of 72 KiB."),
    }
}
