//! How the deployment answers: security headers, errors, and requests that are odd.

use super::client::{Answer, Answered};
use super::finding::{Check, Finding};

pub(super) const SECURITY: &Check = &Check {
    id: "security-headers",
    about: "`X-Content-Type-Options`, `Content-Security-Policy`, `Referrer-Policy` and `X-Frame-Options` are there, each once",
    remedy: "let the service's headers through, and have the proxy add none of them again",
};
pub(super) const VERSIONS: &Check = &Check {
    id: "version-leak",
    about: "No header tells which program answers in which version",
    remedy: "turn it off in the proxy: `server_tokens off;` in nginx",
};
pub(super) const REQUEST_ID: &Check = &Check {
    id: "request-id",
    about: "A caller's `X-Request-Id` comes back, and so finds its lines in the log",
    remedy: "let `X-Request-Id` through in both directions",
};
pub(super) const ERRORS: &Check = &Check {
    id: "error-shape",
    about: "Errors come from the service: JSON with `code`, and 405 with `Allow`",
    remedy: "have the proxy put no pages of its own in the place of 4xx; at API Gateway set gateway responses in this form",
};
pub(super) const CHALLENGE: &Check = &Check {
    id: "challenge",
    about: "A 401 says `WWW-Authenticate: Bearer` (RFC 6750 §3)",
    remedy: "let the header through; API Gateway renames it to x-amzn-remapped-www-authenticate: map it back, or tell callers",
};
pub(super) const TRACE: &Check = &Check {
    id: "trace",
    about: "TRACE does not send a request's headers back",
    remedy: "turn TRACE off in the proxy: a page could read headers that it must not see",
};
pub(super) const HTTP_1_0: &Check = &Check {
    id: "http-1-0",
    about: "A request in HTTP/1.0 gets an answer, as old proxies and probes send it",
    remedy: "allow HTTP/1.0, or see that no probe uses it",
};
pub(super) const LARGE: &Check = &Check {
    id: "large-header",
    about: "A header of 72 KiB is refused, and the next request is answered",
    remedy: "see what fell over, and bound the size of headers in the proxy",
};

pub(super) const CHECKS: &[&Check] =
    &[SECURITY, VERSIONS, REQUEST_ID, ERRORS, CHALLENGE, TRACE, HTTP_1_0, LARGE];

const WANTED: [&str; 4] =
    ["x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options"];
const TELLTALES: [&str; 5] = ["server", "x-powered-by", "x-aspnet-version", "x-runtime", "x-generator"];

/// Of any answer.
pub(super) fn headers(answer: &Answer) -> Vec<Finding> {
    let count = |name: &&str| answer.headers.get_all(*name).iter().count();
    let lacking = WANTED.into_iter().find(|name| count(name) == 0);
    let twice = WANTED.into_iter().find(|name| count(name) > 1);
    let sniffed = answer.header("x-content-type-options").is_some_and(|value| value != "nosniff");
    let security = match (lacking, twice) {
        (Some(name), _) => SECURITY.warn(format!("{name} is missing")),
        (_, Some(name)) => SECURITY.warn(format!("{name} is there {} times", count(&name))),
        _ if sniffed => SECURITY.warn("x-content-type-options is not nosniff"),
        _ => SECURITY.ok("they are"),
    };
    let tells = |name: &&str| {
        let digit = |value: &str| value.contains(|c: char| c.is_ascii_digit());
        answer.header(name).is_some_and(|value| *name != "server" || digit(value))
    };
    let leak = TELLTALES.into_iter().find(|name| tells(name));
    let leak = match leak {
        Some(name) => VERSIONS.warn(format!("{name}: {}", answer.header(name).unwrap_or_default())),
        None => VERSIONS.ok("none does"),
    };
    vec![security, leak]
}

/// Of an answer to who sent this id.
pub(super) fn request_id(answer: &Answer, sent: &str) -> Finding {
    match answer.header("x-request-id") {
        Some(id) if id == sent => REQUEST_ID.ok("it does"),
        Some(_) => REQUEST_ID.warn("another one comes back"),
        None => REQUEST_ID.warn("none comes back"),
    }
}

/// A request that must be refused: what it was, how, and with which code.
pub(super) type Refusal<'a> = (&'a str, u16, &'a str, Answered);

/// Of requests that must be refused.
pub(super) fn errors(refusals: &[Refusal<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (what, status, code, answered) in refusals {
        let answer = match answered {
            Ok(answer) => answer,
            Err(error) => {
                findings.push(ERRORS.warn(format!("{what}: {error}")));
                continue;
            }
        };
        let told = answer.json()["code"].as_str().unwrap_or("no code").to_owned();
        if (answer.status, told.as_str()) != (*status, *code) {
            findings.push(ERRORS.warn(format!("{what} is answered {} with {told}", answer.status)));
        } else if *status == 405 && answer.header("allow").is_none() {
            findings.push(ERRORS.warn(format!("{what} is answered 405 without Allow")));
        }
    }
    if findings.is_empty() {
        findings.push(ERRORS.ok("they do"));
    }
    findings
}

/// Of an answer to who asked for a profile without a token.
pub(super) fn challenge(answer: &Answer) -> Finding {
    let bearer = |value: &str| value.to_lowercase().starts_with("bearer");
    let given = answer.every("www-authenticate").any(bearer);
    match answer.status {
        401 if given => CHALLENGE.ok("it does"),
        401 if answer.header("x-amzn-remapped-www-authenticate").is_some() => {
            CHALLENGE.warn("API Gateway has renamed it")
        }
        401 => CHALLENGE.warn("it is missing"),
        status => CHALLENGE.skip(format!("the answer was {status}")),
    }
}

/// Of what came back to TRACE with this mark in a header.
pub(super) fn trace(answer: Option<&[u8]>, mark: &str) -> Finding {
    let Some(answer) = answer else { return TRACE.ok("the connection was closed") };
    let echoed = answer.windows(mark.len()).any(|part| part == mark.as_bytes());
    let status = super::wire::status(answer).unwrap_or(0);
    if echoed {
        TRACE.fail(format!("answered {status} with them"))
    } else {
        TRACE.ok(format!("answered {status}"))
    }
}

/// Of what came back in HTTP/1.0.
pub(super) fn http_1_0(status: Option<u16>) -> Finding {
    match status {
        Some(status @ ..500) => HTTP_1_0.ok(format!("answered {status}")),
        Some(status) => HTTP_1_0.warn(format!("answered {status}")),
        None => HTTP_1_0.warn("nothing came back"),
    }
}

/// Of what came back to a large header, and to the next request. Who closes early may cut their own answer off.
pub(super) fn large(status: Option<u16>, next: &Answered) -> Finding {
    match (status, next) {
        (_, Err(error)) => LARGE.fail(format!("the next request: {error}")),
        (Some(status @ 500..), _) => LARGE.warn(format!("answered {status}")),
        (Some(status), _) => LARGE.ok(format!("answered {status}")),
        (None, _) => LARGE.ok("the connection was closed"),
    }
}
