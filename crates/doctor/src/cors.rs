//! The web pages that a browser allows to read the answers (the Fetch standard).

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, no_answer, quoted};

pub(crate) const KEY_SET: &Check = &Check {
    id: "cors-key-set",
    requirement: "A web page of any origin may read the key set.",
    remedy: "Configure the proxy to pass on `Access-Control-Allow-Origin: *`: public keys are for everyone, and some verifiers run in browsers.",
};
pub(crate) const UNINVITED: &Check = &Check {
    id: "cors-uninvited",
    requirement: "A web page of an unknown origin may read only the key set, except on this machine.",
    remedy: "Set ALLOWED_ORIGINS to the origins of your pages. The default allows all origins.",
};
pub(crate) const INVITED: &Check = &Check {
    id: "cors-invited",
    requirement: "A web page of the origin in `--origin` may read answers.",
    remedy: "Name the origin in ALLOWED_ORIGINS as browsers do: scheme, host and port, without a path.",
};
pub(crate) const CREDENTIALS: &Check = &Check {
    id: "cors-credentials",
    requirement: "No answer has `Access-Control-Allow-Credentials`.",
    remedy: "Remove the header from the proxy. Tokens travel in headers, so no page needs it, and with it a foreign page could act for a user.",
};
pub(crate) const PREFLIGHT: &Check = &Check {
    id: "cors-preflight",
    requirement: "A web page that may read answers may also send a token: the server grants its preflight request.",
    remedy: "Route OPTIONS requests to the service like other requests, without an authorizer in front.",
};
pub(crate) const ONCE: &Check = &Check {
    id: "cors-once",
    requirement: "Each answer has at most one `Access-Control-Allow-Origin`.",
    remedy: "Let either the service or the proxy set the header, because browsers refuse an answer that has it twice.",
};

pub(crate) const CHECKS: &[&Check] = &[KEY_SET, UNINVITED, INVITED, CREDENTIALS, PREFLIGHT, ONCE];

/// An origin that no deployment allows by name.
pub(crate) const UNKNOWN_ORIGIN: &str = "https://uninvited.invalid";

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// Whether a page of this origin may read the answer.
pub(crate) fn may_read(answer: &Answer, origin: &str) -> bool {
    answer.every(ALLOW_ORIGIN).any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
}

/// The header as a clause.
fn allow_origin(answer: &Answer) -> String {
    match answer.header(ALLOW_ORIGIN) {
        Some(value) => format!("Access-Control-Allow-Origin is {}", quoted(value)),
        None => "there is no Access-Control-Allow-Origin header".to_owned(),
    }
}

/// Checks the key set, as a page of an unknown origin sees it.
pub(crate) fn key_set(answer: &Answer) -> Vec<Finding> {
    let header = allow_origin(answer);
    let found = if may_read(answer, UNKNOWN_ORIGIN) {
        KEY_SET.ok(format!("A web page of any origin may read the key set: {header}."))
    } else {
        KEY_SET.warn(format!("A web page of another origin may not read the key set: {header}."))
    };
    std::iter::once(found).chain(every_answer(answer)).collect()
}

/// Checks an answer of the API, as a page of an unknown origin sees it.
pub(crate) fn unknown_origin(answer: &Answer, is_this_machine: bool) -> Vec<Finding> {
    let found = match answer.header(ALLOW_ORIGIN) {
        _ if !may_read(answer, UNKNOWN_ORIGIN) => {
            UNINVITED.ok("A web page of an unknown origin may not read answers of the API.")
        }
        _ if is_this_machine => UNINVITED
            .ok("A web page of any origin may read answers of the API, which is acceptable on this machine."),
        Some("*") => UNINVITED.warn("A web page of any origin may read answers of the API."),
        _ => UNINVITED.warn("The server allows each origin that a request names."),
    };
    std::iter::once(found).chain(every_answer(answer)).collect()
}

/// Checks an answer of the API to a page of the origin that must be able to read it.
pub(crate) fn invited_origin(answer: &Answer, origin: &str) -> Vec<Finding> {
    let (origin_shown, header) = (quoted(origin), allow_origin(answer));
    let found = if may_read(answer, origin) {
        INVITED.ok(format!("A web page of {origin_shown} may read answers: {header}."))
    } else {
        INVITED.fail(format!("A web page of {origin_shown} may not read answers: {header}."))
    };
    std::iter::once(found).chain(every_answer(answer)).collect()
}

/// Checks what must be true of every answer.
fn every_answer(answer: &Answer) -> Vec<Finding> {
    let credentials = match answer.header("access-control-allow-credentials") {
        Some(value) => CREDENTIALS.fail(format!(
            "An answer has Access-Control-Allow-Credentials with the value {}.",
            quoted(value)
        )),
        None => CREDENTIALS.ok("No answer has Access-Control-Allow-Credentials."),
    };
    let once = match answer.every(ALLOW_ORIGIN).count() {
        0 | 1 if answer.header(ALLOW_ORIGIN).is_none_or(|value| !value.contains(',')) => {
            ONCE.ok("Each answer has at most one Access-Control-Allow-Origin.")
        }
        _ => {
            let values = answer.every(ALLOW_ORIGIN).collect::<Vec<_>>().join(", ");
            ONCE.fail(format!(
                "An answer has several values of Access-Control-Allow-Origin: {}.",
                quoted(&values)
            ))
        }
    };
    vec![credentials, once]
}

/// Checks the answer to a preflight for a request with a token, from an origin that may read answers.
pub(crate) fn preflight(answer: &AnswerOrError, origin: &str) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return PREFLIGHT.fail(no_answer("The preflight request", error)),
    };
    let status = answer.status;
    let granted = answer.every("access-control-allow-headers").flat_map(|value| value.split(','));
    let granted: Vec<_> = granted.map(|name| name.trim().to_lowercase()).collect();
    // A star does not grant Authorization.
    let lacks = |name: &str| !granted.iter().any(|granted| granted == name);
    if !(200..300).contains(&status) {
        return PREFLIGHT.fail(format!("The preflight request is refused with status {status}."));
    }
    let missing = [
        (!may_read(answer, origin), "the origin"),
        (lacks("authorization"), "the header Authorization"),
        (lacks("content-type"), "the header Content-Type"),
    ];
    match missing.into_iter().find_map(|(is_so, missing)| is_so.then_some(missing)) {
        Some(missing) => {
            PREFLIGHT.fail(format!("The answer to the preflight request does not grant {missing}."))
        }
        None => PREFLIGHT.ok(format!("The preflight request is granted with status {status}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn a_preflight_answer_must_grant_authorization_by_name() {
        let of = |status, headers: &str| {
            let headers = [(ALLOW_ORIGIN, "*"), ("access-control-allow-headers", headers)];
            preflight(&Ok(Answer::of(status, &headers, "")), UNKNOWN_ORIGIN)
        };
        assert_eq!(of(204, "Authorization, Content-Type").status, Status::Ok);
        let star = of(204, "*, Content-Type").sentence;
        assert_eq!(star, "The answer to the preflight request does not grant the header Authorization.");
        assert_eq!(of(403, "*").sentence, "The preflight request is refused with status 403.");
    }

    #[test]
    fn two_values_in_one_header_are_two_values() {
        let of = |value| every_answer(&Answer::of(200, &[(ALLOW_ORIGIN, value)], "")).pop().unwrap().status;
        assert_eq!((of("*"), of("*, *")), (Status::Ok, Status::Fail));
    }
}
