//! Which pages a browser lets read the answers (the Fetch standard).

use super::client::{Answer, Answered};
use super::finding::{Check, Finding};

pub(super) const KEY_SET: &Check = &Check {
    id: "cors-key-set",
    about: "A page of any origin may read the key set",
    remedy: "let the service's `Access-Control-Allow-Origin: *` through: public keys are for all, and verifiers run in browsers too",
};
pub(super) const UNINVITED: &Check = &Check {
    id: "cors-uninvited",
    about: "A page of an origin that was not invited may read nothing else, but on this machine",
    remedy: "set ALLOWED_ORIGINS to the origins of your pages; the default is all",
};
pub(super) const INVITED: &Check = &Check {
    id: "cors-invited",
    about: "A page of the origin of `--origin` may read answers",
    remedy: "name it in ALLOWED_ORIGINS as browsers do: scheme, host and port, without a path",
};
pub(super) const CREDENTIALS: &Check = &Check {
    id: "cors-credentials",
    about: "Answers are never for pages with cookies (`Access-Control-Allow-Credentials`)",
    remedy: "remove it from the proxy: tokens travel in headers, and with it any origin could act for a user",
};
pub(super) const PREFLIGHT: &Check = &Check {
    id: "cors-preflight",
    about: "A page that may read answers may ask with a token: its preflight is granted",
    remedy: "route OPTIONS to the service as other methods, with no authorizer in front",
};
pub(super) const ONCE: &Check = &Check {
    id: "cors-once",
    about: "`Access-Control-Allow-Origin` is there once at most",
    remedy: "either the service or the proxy sets it: a browser refuses an answer that has it twice",
};

pub(super) const CHECKS: &[&Check] = &[KEY_SET, UNINVITED, INVITED, CREDENTIALS, PREFLIGHT, ONCE];

/// An origin that nobody has invited.
pub(super) const STRANGER: &str = "https://uninvited.invalid";

const ORIGIN: &str = "access-control-allow-origin";

/// Whether a page of this origin may read the answer.
pub(super) fn may_read(answer: &Answer, origin: &str) -> bool {
    answer.every(ORIGIN).any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
}

/// Of the key set, as a stranger sees it.
pub(super) fn key_set(answer: &Answer) -> Vec<Finding> {
    let seen = answer.header(ORIGIN).unwrap_or("there is no Access-Control-Allow-Origin");
    let found = if may_read(answer, STRANGER) { KEY_SET.ok(seen) } else { KEY_SET.warn(seen) };
    std::iter::once(found).chain(manners(answer)).collect()
}

/// Of an answer of the API, as a stranger sees it.
pub(super) fn stranger(answer: &Answer, here: bool) -> Vec<Finding> {
    let told = answer.header(ORIGIN);
    let found = match told {
        _ if !may_read(answer, STRANGER) => UNINVITED.ok("it may not"),
        _ if here => UNINVITED.ok("any origin may, on this machine"),
        Some("*") => UNINVITED.warn("any origin may"),
        _ => UNINVITED.warn("whatever origin asks is allowed"),
    };
    std::iter::once(found).chain(manners(answer)).collect()
}

/// Of an answer of the API to a page of the origin that is to be invited.
pub(super) fn invited(answer: &Answer, origin: &str) -> Vec<Finding> {
    let seen = answer.header(ORIGIN).unwrap_or("there is no Access-Control-Allow-Origin");
    let found = if may_read(answer, origin) { INVITED.ok(seen) } else { INVITED.fail(seen) };
    std::iter::once(found).chain(manners(answer)).collect()
}

/// What holds for every answer.
fn manners(answer: &Answer) -> Vec<Finding> {
    let credentials = answer.header("access-control-allow-credentials");
    let credentials = match credentials {
        Some(value) => CREDENTIALS.fail(value),
        None => CREDENTIALS.ok("it is never sent"),
    };
    let once = match answer.every(ORIGIN).count() {
        0 | 1 if answer.header(ORIGIN).is_none_or(|value| !value.contains(',')) => ONCE.ok("it is"),
        _ => ONCE.fail(answer.every(ORIGIN).collect::<Vec<_>>().join(", ")),
    };
    vec![credentials, once]
}

/// Of a preflight for a request with a token, from an origin that may read answers.
pub(super) fn preflight(answered: &Answered, origin: &str) -> Finding {
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => return PREFLIGHT.fail(error),
    };
    let granted = answer.every("access-control-allow-headers").flat_map(|value| value.split(','));
    let granted: Vec<_> = granted.map(|name| name.trim().to_lowercase()).collect();
    // A star does not grant Authorization.
    let lacking = |name: &str| !granted.iter().any(|granted| granted == name);
    let faults = [
        (!(200..300).contains(&answer.status), "it is refused"),
        (!may_read(answer, origin), "the origin is not granted"),
        (lacking("authorization"), "Authorization is not granted"),
        (lacking("content-type"), "Content-Type is not granted"),
    ];
    match faults.into_iter().find_map(|(is, fault)| is.then_some(fault)) {
        Some(fault) => PREFLIGHT.fail(format!("answered {}; {fault}", answer.status)),
        None => PREFLIGHT.ok(format!("answered {}", answer.status)),
    }
}
