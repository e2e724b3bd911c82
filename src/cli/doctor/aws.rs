//! What the JWT authorizers of API Gateway need (its developer guide, "JWT authorizers" and "Quotas"): RSA keys alone,
//! discovery at the issuer, and keys that are kept for two hours whatever the answer says.

use http::Uri;

use super::client::{Answer, Answered};
use super::finding::{Check, Finding};
use super::key_set::{self, Keys, kid};
use super::keys::name;

pub(super) const RSA: &Check = &Check {
    id: "aws-rsa",
    about: "Every key is RSA with `RS256`, `RS384` or `RS512`, and has a `kid`",
    remedy: "set JWT_ALGORITHM=RS256: the authorizers of HTTP APIs know no other; or use a Lambda authorizer",
};
pub(super) const ISSUER: &Check = &Check {
    id: "aws-issuer",
    about: "The issuer is an HTTPS address",
    remedy: "set JWT_ISSUER to an HTTPS address, the same as the authorizer's: it is asked for keys there",
};
pub(super) const DISCOVERY: &Check = &Check {
    id: "aws-discovery",
    about: "The issuer has `/.well-known/openid-configuration`, which names itself and a key set that is there",
    remedy: "the service has no such document yet: publish a static one with `issuer` and `jwks_uri` there, or use a Lambda authorizer",
};
pub(super) const LEAD: &Check = &Check {
    id: "aws-key-lead",
    about: "A new key is published for more than two hours before it signs",
    remedy: "set VERIFIER_CACHE=2h or more, which is the default",
};
pub(super) const LIMITS: &Check = &Check {
    id: "aws-limits",
    about: "The key set comes within 1500 ms and has at most 150,000 bytes",
    remedy: "bring the service or a cache nearer; for the size see `key-set-size`",
};

pub(super) const CHECKS: &[&Check] = &[RSA, ISSUER, DISCOVERY, LEAD, LIMITS];

/// How long keys are kept, in seconds.
const CACHE: u64 = 2 * 3_600;
const MOST_MILLIS: u128 = 1_500;
const MOST_BYTES: usize = 150_000;

/// Of the keys.
pub(super) fn rsa(keys: &Keys) -> Finding {
    for key in keys {
        let alg = key["alg"].as_str().unwrap_or("no alg");
        if key["kty"].as_str() != Some("RSA") || !["RS256", "RS384", "RS512"].contains(&alg) {
            return RSA.fail(format!(
                "{}: {} with {alg}",
                name(key),
                key["kty"].as_str().unwrap_or("no kty")
            ));
        }
        if kid(key).is_none() {
            return RSA.fail("a key has no kid");
        }
    }
    RSA.ok("all are")
}

/// Of the issuer, where it is known; and where it is to be asked.
pub(super) fn issuer(issuer: Option<&str>) -> (Finding, Option<String>) {
    let Some(issuer) = issuer else { return (ISSUER.skip("--issuer says what it is"), None) };
    let https = issuer.parse::<Uri>().is_ok_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if !https {
        return (ISSUER.fail(issuer), None);
    }
    (ISSUER.ok(issuer), Some(format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))))
}

/// Where the document says that the key set is.
///
/// # Errors
/// The finding, where it does not.
pub(super) fn discovery(answered: &Answered, issuer: &str) -> Result<String, Finding> {
    let answer = answered.as_ref().map_err(|error| DISCOVERY.fail(error))?;
    if answer.status != 200 {
        return Err(DISCOVERY.fail(format!("answered {}", answer.status)));
    }
    let document = answer.json();
    match (document["issuer"].as_str(), document["jwks_uri"].as_str()) {
        (Some(named), _) if named != issuer => {
            Err(DISCOVERY.fail(format!("it names another issuer: {named}")))
        }
        (Some(_), Some(jwks)) if jwks.starts_with("https://") => Ok(jwks.to_owned()),
        (Some(_), Some(jwks)) => Err(DISCOVERY.fail(format!("its jwks_uri is not HTTPS: {jwks}"))),
        _ => Err(DISCOVERY.fail("it lacks issuer or jwks_uri")),
    }
}

/// Of the key set that the document names.
pub(super) fn discovered(answered: &Answered) -> Finding {
    match key_set::read(answered) {
        (_, Some(keys)) => DISCOVERY.ok(format!("it leads to a key set of {}", keys.len())),
        (findings, None) => {
            let why = findings.first().map_or("nothing", |finding| finding.seen.as_str());
            DISCOVERY.fail(format!("its jwks_uri: {why}"))
        }
    }
}

/// Of how long keys are published before they sign, where that is known.
pub(super) fn lead(lead: Option<u64>) -> Finding {
    match lead {
        None => LEAD.skip("there was no change of keys yet that shows it"),
        Some(lead) if lead > CACHE => LEAD.ok(format!("{lead} s")),
        Some(lead) => LEAD.fail(format!("{lead} s")),
    }
}

/// Of the key set's answer.
pub(super) fn limits(answer: &Answer) -> Finding {
    let (bytes, millis) = (answer.body.len(), answer.took.as_millis());
    let seen = format!("{bytes} bytes in {millis} ms");
    if bytes <= MOST_BYTES && millis <= MOST_MILLIS { LIMITS.ok(seen) } else { LIMITS.fail(seen) }
}
