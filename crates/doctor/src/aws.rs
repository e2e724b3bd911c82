//! The requirements of the JWT authorizers of API Gateway (its developer guide, "JWT authorizers" and
//! "Quotas"): only RSA keys, a discovery document at the issuer, and a long lead for new keys, because API
//! Gateway keeps keys for two hours whatever `max-age` says.

use http::Uri;

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, counted, no_answer, quoted};
use crate::key_set::{self, Keys, kid};
use crate::keys::subject;

pub(crate) const RSA: &Check = &Check {
    id: "aws-rsa",
    requirement: "Each key has a `kid` and is an RSA key with `RS256`, `RS384` or `RS512`.",
    remedy: "Set JWT_ALGORITHM=RS256, because the authorizers of HTTP APIs accept only RSA, or use a Lambda authorizer.",
};
pub(crate) const ISSUER: &Check = &Check {
    id: "aws-issuer",
    requirement: "The issuer is an HTTPS address.",
    remedy: "Set JWT_ISSUER to the HTTPS address that the authorizer names as its issuer: API Gateway fetches the keys from there.",
};
pub(crate) const DISCOVERY: &Check = &Check {
    id: "aws-discovery",
    requirement: "The issuer serves `/.well-known/openid-configuration`, which names the issuer itself and a key set that exists.",
    remedy: "Set `JWT_ISSUER` to the https address of the service, which then serves this document, or use a Lambda authorizer.",
};
pub(crate) const LEAD: &Check = &Check {
    id: "aws-key-lead",
    requirement: "A new key is published more than two hours before it signs.",
    remedy: "Set VERIFIER_CACHE to 2h, which is the default, or to more.",
};
pub(crate) const LIMITS: &Check = &Check {
    id: "aws-limits",
    requirement: "The key set arrives within 1500 ms and has at most 150,000 bytes.",
    remedy: "Move the service or a cache closer. For the size, see the check `key-set-size`.",
};

pub(crate) const CHECKS: &[&Check] = &[RSA, ISSUER, DISCOVERY, LEAD, LIMITS];

/// How long API Gateway keeps keys, in seconds.
const KEY_CACHE_SECS: u64 = 2 * 3_600;
const MAX_ANSWER_MILLIS: u128 = 1_500;
const MAX_KEY_SET_BYTES: usize = 150_000;

/// Checks the type of each key.
pub(crate) fn rsa(keys: &Keys) -> Finding {
    for key in keys {
        let kty = key["kty"].as_str().unwrap_or_default();
        let alg = key["alg"].as_str().unwrap_or_default();
        if kty != "RSA" || !["RS256", "RS384", "RS512"].contains(&alg) {
            let (kty, alg) = (quoted(kty), quoted(alg));
            return RSA.fail(format!("{} has the type {kty} and the algorithm {alg}.", subject(key)));
        }
        if kid(key).is_none() {
            return RSA.fail("A key has no kid.");
        }
    }
    RSA.ok("Each key is an RSA key with a kid.")
}

/// Checks the issuer, and returns the address of its discovery document.
pub(crate) fn issuer(issuer: Option<&str>) -> (Finding, Option<String>) {
    let Some(issuer) = issuer else {
        return (ISSUER.skip("The expected issuer is not known. Give it with --issuer."), None);
    };
    let is_https = issuer.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if !is_https {
        return (ISSUER.fail(format!("The issuer {} is not an HTTPS address.", quoted(issuer))), None);
    }
    let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    (ISSUER.ok(format!("The issuer {} is an HTTPS address.", quoted(issuer))), Some(document))
}

/// The address of the key set in the discovery document.
///
/// # Errors
/// The finding, if the document names none or cannot be used.
pub(crate) fn discovery(answer: &AnswerOrError, issuer: &str) -> Result<String, Finding> {
    let fail = |sentence: String| Err(DISCOVERY.fail(sentence));
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return fail(no_answer("The request for the discovery document", error)),
    };
    if answer.status != 200 {
        return fail(format!(
            "The request for the discovery document was answered with status {}.",
            answer.status
        ));
    }
    let document = answer.json();
    match (document["issuer"].as_str(), document["jwks_uri"].as_str()) {
        (Some(named), _) if named != issuer => {
            fail(format!("The discovery document names another issuer: {}.", quoted(named)))
        }
        (Some(_), Some(jwks_uri)) if jwks_uri.starts_with("https://") => Ok(jwks_uri.to_owned()),
        (Some(_), Some(jwks_uri)) => {
            fail(format!("The jwks_uri of the discovery document is not HTTPS: {}.", quoted(jwks_uri)))
        }
        _ => fail("The discovery document has no issuer or no jwks_uri.".to_owned()),
    }
}

/// Checks the key set that the discovery document names.
pub(crate) fn discovered_key_set(answer: &AnswerOrError) -> Finding {
    match key_set::keys_of(answer) {
        Ok(keys) if !keys.is_empty() => DISCOVERY
            .ok(format!("The discovery document leads to a key set with {}.", counted(keys.len(), "key"))),
        Ok(_) => DISCOVERY.fail("The key set that the discovery document names contains no key."),
        Err(fault) => DISCOVERY.fail(format!("The key set that the discovery document names {fault}.")),
    }
}

/// Checks how long keys are published before they sign, in seconds, if that is known.
pub(crate) fn lead(lead: Option<u64>) -> Finding {
    let Some(lead) = lead else {
        return LEAD.skip("No key has been replaced yet, so the lead of a new key is not known.");
    };
    let sentence = format!("A new key is published {lead} s before it signs.");
    if lead > KEY_CACHE_SECS { LEAD.ok(sentence) } else { LEAD.fail(sentence) }
}

/// Checks the size and the speed of the key set.
pub(crate) fn limits(answer: &Answer) -> Finding {
    let (bytes, millis) = (answer.body.len(), answer.took.as_millis());
    let sentence = format!("The key set has {bytes} bytes and arrived after {millis} ms.");
    if bytes <= MAX_KEY_SET_BYTES && millis <= MAX_ANSWER_MILLIS {
        LIMITS.ok(sentence)
    } else {
        LIMITS.fail(sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn the_limits_of_api_gateway_are_inclusive_for_size_and_exclusive_for_the_lead() {
        let of = |bytes| limits(&Answer::of(200, &[], &" ".repeat(bytes))).status;
        assert_eq!((of(MAX_KEY_SET_BYTES), of(MAX_KEY_SET_BYTES + 1)), (Status::Ok, Status::Fail));
        let lead = |secs| lead(secs).status;
        assert_eq!((lead(Some(KEY_CACHE_SECS)), lead(Some(KEY_CACHE_SECS + 1))), (Status::Fail, Status::Ok));
        assert_eq!(lead(None), Status::Skip);
    }

    #[test]
    fn an_issuer_is_an_https_address_without_a_query() {
        let of = |address| issuer(Some(address)).1;
        let document = "https://id.example.com/a/.well-known/openid-configuration";
        assert_eq!(of("https://id.example.com/a/").as_deref(), Some(document));
        for other in ["http://id.example.com", "https://id.example.com?a", "jwt-generator-app", "https://"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
