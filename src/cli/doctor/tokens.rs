//! A token, checked as a verifier would, and whether anybody may have one.

use serde_json::Value;

use super::client::{Answer, Answered};
use super::finding::{Check, Finding};
use crate::domain::Timestamp;

pub(super) const DEMO: &Check = &Check {
    id: "demo-tokens",
    about: "Nobody gets a token without logging in, but on this machine",
    remedy: "set NODE_ENV=production or DEMO_TOKENS=false: with a demo token anybody is whom they like",
};
pub(super) const NO_STORE: &Check = &Check {
    id: "token-no-store",
    about: "An answer that holds a token must not be kept (`Cache-Control: no-store`)",
    remedy: "let the service's header through: a cache would give one caller's token to another",
};
pub(super) const FORM: &Check = &Check {
    id: "token-form",
    about: "The token is a strict JWT of an algorithm that is known",
    remedy: "see where the token comes from; it is none of this service, or was cut",
};
pub(super) const KEY: &Check = &Check {
    id: "token-key",
    about: "The key that its `kid` names is published",
    remedy: "an instance signs with another ring, or a cache is stale: give all instances one KEY_CUSTODY, and see `keys list`",
};
pub(super) const SIGNATURE: &Check = &Check {
    id: "token-signature",
    about: "Its signature is that key's",
    remedy: "two keys share one kid: instances have begun rings of their own; give them one KEY_CUSTODY",
};
pub(super) const TIMES: &Check = &Check {
    id: "token-times",
    about: "It has `exp`, which lies ahead, and `iat` and `nbf` do not",
    remedy: "get a new token; where a new one fails too, see `clock`",
};
pub(super) const ISSUER: &Check = &Check {
    id: "token-issuer",
    about: "Its `iss` is the one to expect (`--issuer`, or JWT_ISSUER)",
    remedy: "set JWT_ISSUER to what verifiers expect, on every instance, to the letter: a slash at its end counts",
};
pub(super) const AUDIENCE: &Check = &Check {
    id: "token-audience",
    about: "Its `aud` names the one to expect (`--audience`, or JWT_AUDIENCE)",
    remedy: "set JWT_AUDIENCE to what verifiers expect, or ask for a token with that audience",
};

pub(super) const CHECKS: &[&Check] = &[DEMO, NO_STORE, FORM, KEY, SIGNATURE, TIMES, ISSUER, AUDIENCE];

/// What a verifier expects; nothing where it is not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    pub issuer: Option<String>,
    pub audience: Option<String>,
    /// By how much clocks may differ, in seconds.
    pub leeway: u64,
}

/// The demo token of an answer to who asked for one with nothing.
pub(super) fn demo_token(answer: &Answer) -> Option<String> {
    Some(answer.json()["data"]["access_token"].as_str()?.to_owned())
}

/// Of that answer.
pub(super) fn demo(answered: &Answered, here: bool) -> Vec<Finding> {
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => return vec![DEMO.skip(error)],
    };
    if demo_token(answer).is_none() {
        let refusal = match answer.status {
            400..=499 => DEMO.ok(format!("refused with {}", answer.status)),
            status => DEMO.skip(format!("answered {status}, which says neither")),
        };
        return vec![refusal, NO_STORE.skip("no token was given out")];
    }
    let open =
        if here { DEMO.ok("anybody gets one, on this machine") } else { DEMO.warn("anybody gets one") };
    let kept = answer.every("cache-control").any(|value| value.to_lowercase().contains("no-store"));
    let told = answer.header("cache-control").unwrap_or("there is no Cache-Control");
    vec![open, if kept { NO_STORE.ok(told) } else { NO_STORE.fail(told) }]
}

/// Of a token, by the keys that are published. Nothing of what it says gets into a finding but `iss`, and `kid`.
pub(super) fn verify(
    token: &str,
    keys: &[(Option<String>, jose::VerifyingKey)],
    expected: &Expected,
    now: Timestamp,
) -> Vec<Finding> {
    let key_of =
        |kid: &str| keys.iter().find(|(of_key, _)| of_key.as_deref() == Some(kid)).map(|(_, key)| key);
    let signed = match jose::verify_signature(token, key_of) {
        Ok(signed) => signed,
        Err(rejection) => return vec![refused(token, rejection)],
    };
    let known = [FORM.ok("it is"), KEY.ok("it is"), SIGNATURE.ok("it is")];
    let claims: Value = serde_json::from_slice(&signed.payload).unwrap_or_default();
    let said = [times(&claims, expected.leeway, now), issuer(&claims, expected), audience(&claims, expected)];
    known.into_iter().chain(said).collect()
}

/// What the rejection belongs to.
fn refused(token: &str, rejection: jose::Rejection) -> Finding {
    let header = jose::decode_unverified(token).map(|(header, _)| header).unwrap_or_default();
    let header: Value = serde_json::from_str(&header).unwrap_or_default();
    match rejection {
        jose::Rejection::UnknownKey => match header["kid"].as_str() {
            Some(kid) => KEY.fail(format!("{kid} is not published")),
            None => KEY.fail("the token names no key"),
        },
        jose::Rejection::BadSignature => SIGNATURE.fail(rejection.to_string()),
        _ => FORM.fail(rejection.to_string()),
    }
}

fn times(claims: &Value, leeway: u64, now: Timestamp) -> Finding {
    let now = now.as_secs();
    let ahead = |name: &str| claims[name].as_f64().is_some_and(|at| at > (now + leeway) as f64);
    let Some(exp) = claims["exp"].as_f64() else { return TIMES.fail("it has no exp") };
    let left = exp - now as f64;
    if left + leeway as f64 <= 0.0 {
        return TIMES.fail(format!("it has expired {:.0} s ago", -left));
    }
    match ["nbf", "iat"].into_iter().find(|name| ahead(name)) {
        Some("nbf") => TIMES.fail("its nbf lies ahead"),
        Some(_) => TIMES.warn("its iat lies ahead"),
        None => TIMES.ok(format!("valid for {left:.0} s more")),
    }
}

fn issuer(claims: &Value, expected: &Expected) -> Finding {
    let iss = claims["iss"].as_str().unwrap_or("missing");
    match &expected.issuer {
        None => ISSUER.skip(format!("it is {iss}; --issuer says what to expect")),
        Some(expected) if expected == iss => ISSUER.ok(iss),
        Some(expected) => ISSUER.fail(format!("it is {iss}, and {expected} is expected")),
    }
}

fn audience(claims: &Value, expected: &Expected) -> Finding {
    let Some(expected) = &expected.audience else { return AUDIENCE.skip("--audience says what to expect") };
    let named = match &claims["aud"] {
        Value::Array(all) => all.iter().any(|one| one == expected),
        one => one == expected,
    };
    if named {
        AUDIENCE.ok(expected)
    } else {
        AUDIENCE.fail(format!("{expected} is not among those it names"))
    }
}
