//! A token, checked as a verifier would, and whether any caller can get one.

use serde_json::Value;

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, no_answer, quoted};
use crate::instant::Instant;

pub(crate) const DEMO: &Check = &Check {
    id: "demo-tokens",
    requirement: "A caller without a log-in gets no token, except on this machine.",
    remedy: "Set NODE_ENV=production or DEMO_TOKENS=false, because the caller of a demo token chooses its subject and its claims.",
};
pub(crate) const NO_STORE: &Check = &Check {
    id: "token-no-store",
    requirement: "An answer with a token has `Cache-Control: no-store`.",
    remedy: "Configure the proxy to pass on the service's header, because a cache would give one caller's token to another.",
};
pub(crate) const FORM: &Check = &Check {
    id: "token-form",
    requirement: "The token is a well-formed JWT with a supported algorithm.",
    remedy: "Find out where the token comes from: this service did not issue it, or something cut it.",
};
pub(crate) const KEY: &Check = &Check {
    id: "token-key",
    requirement: "The key that the token's `kid` names is published.",
    remedy: "Give all instances the same KEY_CUSTODY, and look at `keys list`: an instance signs with another key ring, or a cache is stale.",
};
pub(crate) const SIGNATURE: &Check = &Check {
    id: "token-signature",
    requirement: "The token's signature was made by the key that its `kid` names.",
    remedy: "Give all instances the same KEY_CUSTODY: two keys have the same kid, because instances began key rings of their own.",
};
pub(crate) const TIMES: &Check = &Check {
    id: "token-times",
    requirement: "The token has an `exp` in the future, and no `iat` or `nbf` in the future.",
    remedy: "Get a new token. If a new token fails too, see the check `clock`.",
};
pub(crate) const ISSUER: &Check = &Check {
    id: "token-issuer",
    requirement: "The token's `iss` is the expected one (`--issuer`, or JWT_ISSUER).",
    remedy: "Set JWT_ISSUER on every instance to exactly what verifiers expect. A slash at the end makes a difference.",
};
pub(crate) const AUDIENCE: &Check = &Check {
    id: "token-audience",
    requirement: "The token's `aud` contains the expected audience (`--audience`, or JWT_AUDIENCE).",
    remedy: "Set JWT_AUDIENCE to what verifiers expect, or request a token for that audience.",
};

pub(crate) const CHECKS: &[&Check] = &[DEMO, NO_STORE, FORM, KEY, SIGNATURE, TIMES, ISSUER, AUDIENCE];

/// What a verifier expects of a token; `None` if it is not known.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The issuer (`iss`).
    pub issuer: Option<String>,
    /// One of the audiences (`aud`).
    pub audience: Option<String>,
    /// By how much clocks may differ, in seconds.
    pub leeway: u64,
}

/// The demo token in the answer to an empty request for a token.
pub(crate) fn demo_token(answer: &Answer) -> Option<String> {
    Some(answer.json()["data"]["access_token"].as_str()?.to_owned())
}

/// Checks the answer to an empty request for a token.
pub(crate) fn demo(answer: &AnswerOrError, is_this_machine: bool) -> Vec<Finding> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return vec![DEMO.skip(no_answer("The request for a demo token", error))],
    };
    if demo_token(answer).is_none() {
        let refusal = match answer.status {
            status @ 400..=499 => {
                DEMO.ok(format!("A request for a demo token is refused with status {status}."))
            }
            status => DEMO.skip(format!(
                "A request for a demo token is answered with status {status}, but without a token."
            )),
        };
        return vec![refusal, NO_STORE.skip("The service gave no token to the doctor.")];
    }
    let open = if is_this_machine {
        DEMO.ok("Any caller can get a demo token, which is acceptable on this machine.")
    } else {
        DEMO.warn("Any caller can get a demo token.")
    };
    vec![open, no_store(answer)]
}

fn no_store(answer: &Answer) -> Finding {
    let is_set = answer.every("cache-control").any(|value| value.to_lowercase().contains("no-store"));
    match answer.header("cache-control") {
        _ if is_set => NO_STORE.ok("The answer with the token has Cache-Control: no-store."),
        Some(value) => {
            NO_STORE.fail(format!("The answer with the token has Cache-Control {}.", quoted(value)))
        }
        None => NO_STORE.fail("The answer with the token has no Cache-Control header."),
    }
}

/// Checks a token with the published keys. Findings show only its `iss` and its `kid`.
pub(crate) fn verify(
    token: &str,
    keys: &[(Option<String>, jose::VerifyingKey)],
    expected: &Expected,
    now: Instant,
) -> Vec<Finding> {
    let key_of =
        |kid: &str| keys.iter().find(|(of_key, _)| of_key.as_deref() == Some(kid)).map(|(_, key)| key);
    let signed = match jose::verify_signature(token, key_of) {
        Ok(signed) => signed,
        Err(rejection) => return vec![rejected(token, rejection)],
    };
    let claims: Value = serde_json::from_slice(&signed.payload).unwrap_or_default();
    vec![
        FORM.ok("The token is a well-formed JWT."),
        KEY.ok("The key that the token names is published."),
        SIGNATURE.ok("The token's signature is valid."),
        times(&claims, expected.leeway, now),
        issuer(&claims, expected),
        audience(&claims, expected),
    ]
}

/// The check that a rejection belongs to.
fn rejected(token: &str, rejection: jose::Rejection) -> Finding {
    let header = jose::decode_unverified(token).map(|(header, _)| header).unwrap_or_default();
    let header: Value = serde_json::from_str(&header).unwrap_or_default();
    match rejection {
        jose::Rejection::UnknownKey => match header["kid"].as_str() {
            Some(kid) => {
                KEY.fail(format!("The token names the key {}, which is not published.", quoted(kid)))
            }
            None => KEY.fail("The token names no key."),
        },
        jose::Rejection::BadSignature => {
            SIGNATURE.fail("The token's signature does not fit the key that the token names.")
        }
        _ => FORM.fail(format!("A verifier refuses the token: {rejection}.")),
    }
}

fn times(claims: &Value, leeway: u64, now: Instant) -> Finding {
    let now = now.as_secs();
    let is_future = |name: &str| claims[name].as_f64().is_some_and(|at| at > (now + leeway) as f64);
    let Some(exp) = claims["exp"].as_f64() else { return TIMES.fail("The token has no exp.") };
    let left = exp - now as f64;
    if left + leeway as f64 <= 0.0 {
        return TIMES.fail(format!("The token expired {:.0} s ago.", -left));
    }
    match ["nbf", "iat"].into_iter().find(|name| is_future(name)) {
        Some("nbf") => TIMES.fail("The token is not valid yet, because its nbf is in the future."),
        Some(_) => TIMES.warn("The token's iat is in the future."),
        None => TIMES.ok(format!("The token expires in {left:.0} s.")),
    }
}

fn issuer(claims: &Value, expected: &Expected) -> Finding {
    let found = claims["iss"].as_str().map_or_else(|| "missing".to_owned(), quoted);
    match &expected.issuer {
        None => ISSUER.skip(format!("The token's issuer is {found}. Give the expected one with --issuer.")),
        Some(expected) if claims["iss"] == expected.as_str() => {
            ISSUER.ok(format!("The token's issuer is {found}, as expected."))
        }
        Some(expected) => {
            ISSUER.fail(format!("The token's issuer is {found}, but {} is expected.", quoted(expected)))
        }
    }
}

fn audience(claims: &Value, expected: &Expected) -> Finding {
    let Some(expected) = &expected.audience else {
        return AUDIENCE.skip("The expected audience is not known. Give it with --audience.");
    };
    let is_named = match &claims["aud"] {
        Value::Array(all) => all.iter().any(|one| one == expected),
        one => one == expected,
    };
    let expected = quoted(expected);
    if is_named {
        AUDIENCE.ok(format!("The token is meant for the audience {expected}."))
    } else {
        AUDIENCE.fail(format!("The token is not meant for the audience {expected}."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Status;

    #[test]
    fn a_token_is_valid_from_nbf_until_exp_with_the_leeway_on_both_sides() {
        let of = |claims: Value| times(&claims, 30, Instant::from_secs(1_000)).status;
        assert_eq!(of(json!({ "exp": 971 })), Status::Ok);
        assert_eq!(of(json!({ "exp": 970 })), Status::Fail);
        assert_eq!(of(json!({})), Status::Fail);
        assert_eq!(of(json!({ "exp": 2_000, "nbf": 1_030 })), Status::Ok);
        assert_eq!(of(json!({ "exp": 2_000, "nbf": 1_031 })), Status::Fail);
        assert_eq!(of(json!({ "exp": 2_000, "iat": 1_031 })), Status::Warn);
    }

    #[test]
    fn an_audience_is_compared_as_a_whole() {
        let expected = Expected { audience: Some("api".to_owned()), ..Expected::default() };
        let of = |aud: Value| audience(&json!({ "aud": aud }), &expected).status;
        assert_eq!((of(json!("api")), of(json!(["x", "api"]))), (Status::Ok, Status::Ok));
        assert_eq!(
            (of(json!("api2")), of(json!(["x"])), of(json!(null))),
            (Status::Fail, Status::Fail, Status::Fail)
        );
    }

    #[test]
    fn a_missing_issuer_is_not_the_issuer_with_that_name() {
        let expected = Expected { issuer: Some("missing".to_owned()), ..Expected::default() };
        assert_eq!(issuer(&json!({}), &expected).status, Status::Fail);
        assert_eq!(issuer(&json!({ "iss": "missing" }), &expected).status, Status::Ok);
    }

    #[test]
    fn no_finding_shows_a_token() {
        let token = jose::attach(jose::signing_input("e30", b"{}"), &[7; 64]);
        for finding in verify(&token, &[], &Expected::default(), Instant::from_secs(0)) {
            assert!(!finding.sentence.contains(token.split('.').next_back().unwrap_or_default()));
        }
    }
}
