//! The requirements for answers: security headers, the request id, and the service's own form for errors.

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, no_answer, quoted};

pub(crate) const SECURITY: &Check = &Check {
    id: "security-headers",
    requirement: "Answers have `X-Content-Type-Options`, `Content-Security-Policy`, `Referrer-Policy` and `X-Frame-Options`, each once.",
    remedy: "Configure the proxy to pass on the service's headers, and not to add them a second time.",
};
pub(crate) const VERSIONS: &Check = &Check {
    id: "version-leak",
    requirement: "No header names the server's program and its version.",
    remedy: "Turn the header off in the proxy: in nginx with `server_tokens off;`.",
};
pub(crate) const REQUEST_ID: &Check = &Check {
    id: "request-id",
    requirement: "An answer repeats the caller's `X-Request-Id`, so that its lines can be found in the log.",
    remedy: "Configure the proxy to pass on `X-Request-Id` in both directions.",
};
pub(crate) const ERRORS: &Check = &Check {
    id: "error-shape",
    requirement: "Errors come from the service: they are JSON with a `code`, and a 405 has `Allow`.",
    remedy: "Configure the proxy not to replace 4xx answers with its own pages. At API Gateway, define gateway responses of this form.",
};
pub(crate) const CHALLENGE: &Check = &Check {
    id: "challenge",
    requirement: "A 401 answer has `WWW-Authenticate: Bearer` (RFC 6750 §3).",
    remedy: "Configure the proxy to pass on the header. API Gateway renames it to x-amzn-remapped-www-authenticate: map it back, or tell your callers.",
};

pub(crate) const CHECKS: &[&Check] = &[SECURITY, VERSIONS, REQUEST_ID, ERRORS, CHALLENGE];

const SECURITY_HEADERS: [&str; 4] =
    ["x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options"];
const PROGRAM_HEADERS: [&str; 5] = ["server", "x-powered-by", "x-aspnet-version", "x-runtime", "x-generator"];

/// Checks the headers of an answer.
pub(crate) fn headers(answer: &Answer) -> Vec<Finding> {
    vec![security(answer), versions(answer)]
}

fn security(answer: &Answer) -> Finding {
    let count = |name: &&str| answer.headers.get_all(*name).iter().count();
    let missing = SECURITY_HEADERS.into_iter().find(|name| count(name) == 0);
    let repeated = SECURITY_HEADERS.into_iter().find(|name| count(name) > 1);
    let sniffed = answer.header("x-content-type-options").is_some_and(|value| value != "nosniff");
    match (missing, repeated) {
        (Some(name), _) => SECURITY.warn(format!("An answer has no {name} header.")),
        (_, Some(name)) => SECURITY.warn(format!("An answer has the header {name} {} times.", count(&name))),
        _ if sniffed => SECURITY.warn("The header x-content-type-options is not \"nosniff\"."),
        _ => SECURITY.ok("Answers have all four security headers, each once."),
    }
}

fn versions(answer: &Answer) -> Finding {
    let has_digit = |value: &str| value.contains(|c: char| c.is_ascii_digit());
    let names_program =
        |name: &&str| answer.header(name).is_some_and(|value| *name != "server" || has_digit(value));
    match PROGRAM_HEADERS.into_iter().find(names_program) {
        Some(name) => {
            let header = format!("{name}: {}", answer.header(name).unwrap_or_default());
            VERSIONS.warn(format!("The header {} names the server's program.", quoted(&header)))
        }
        None => VERSIONS.ok("No header names the server's program and its version."),
    }
}

/// Checks the answer to a request with this id.
pub(crate) fn request_id(answer: &Answer, sent: &str) -> Finding {
    match answer.header("x-request-id") {
        Some(id) if id == sent => REQUEST_ID.ok("The answer repeats the X-Request-Id of the request."),
        Some(_) => REQUEST_ID.warn("The answer has another X-Request-Id than the request."),
        None => REQUEST_ID.warn("The answer has no X-Request-Id header."),
    }
}

/// A request that must be refused: the subject of a sentence, the status, the code, and the answer.
pub(crate) type Refusal<'a> = (&'a str, u16, &'a str, AnswerOrError);

/// Checks the answers to requests that must be refused.
pub(crate) fn errors(refusals: &[Refusal<'_>]) -> Vec<Finding> {
    let faults = refusals.iter().filter_map(error_fault);
    let mut findings: Vec<_> = faults.map(|fault| ERRORS.warn(fault)).collect();
    if findings.is_empty() {
        findings.push(ERRORS.ok("Errors come from the service in its own form."));
    }
    findings
}

fn error_fault((request, status, code, answer): &Refusal<'_>) -> Option<String> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Some(no_answer(request, error)),
    };
    let found = answer.status;
    let body = answer.json();
    match body["code"].as_str() {
        Some(found_code) if (found, found_code) == (*status, *code) => {
            let lacks_allow = *status == 405 && answer.header("allow").is_none();
            lacks_allow.then(|| format!("{request} is answered with status 405, but without Allow."))
        }
        Some(found_code) => {
            Some(format!("{request} is answered with status {found} and the code {}.", quoted(found_code)))
        }
        None => Some(format!("{request} is answered with status {found} and without a code.")),
    }
}

/// Checks the answer to a request for a profile without a token.
pub(crate) fn challenge(answer: &Answer) -> Finding {
    let is_bearer = |value: &str| value.to_lowercase().starts_with("bearer");
    match answer.status {
        401 if answer.every("www-authenticate").any(is_bearer) => {
            CHALLENGE.ok("A 401 answer has WWW-Authenticate: Bearer.")
        }
        401 if answer.header("x-amzn-remapped-www-authenticate").is_some() => {
            CHALLENGE.warn("API Gateway renames the header WWW-Authenticate of a 401 answer.")
        }
        401 => CHALLENGE.warn("A 401 answer has no WWW-Authenticate: Bearer header."),
        status => CHALLENGE
            .skip(format!("A request without a token is answered with status {status} instead of 401.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn a_program_may_name_itself_but_not_its_version() {
        let of = |name, value| versions(&Answer::of(200, &[(name, value)], "")).status;
        assert_eq!((of("server", "nginx"), of("server", "nginx/1.22")), (Status::Ok, Status::Warn));
        assert_eq!(of("x-powered-by", "Express"), Status::Warn);
    }

    #[test]
    fn an_error_needs_its_status_its_code_and_a_405_its_allow() {
        let of = |status, headers: &[(&'static str, &str)], body| {
            let refusals = [("A request", 405, "no", Ok(Answer::of(status, headers, body)))];
            errors(&refusals).swap_remove(0).sentence
        };
        let (allow, code) = ([("allow", "GET")], r#"{"code":"no"}"#);
        assert_eq!(of(405, &allow, code), "Errors come from the service in its own form.");
        assert_eq!(of(405, &[], code), "A request is answered with status 405, but without Allow.");
        assert_eq!(of(404, &allow, code), "A request is answered with status 404 and the code \"no\".");
        assert_eq!(of(405, &allow, "<html>"), "A request is answered with status 405 and without a code.");
    }
}
