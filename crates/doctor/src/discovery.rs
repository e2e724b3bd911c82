//! The discovery documents (OpenID Connect Discovery §4, RFC 8414 §3), and the endpoints that they name.

use http::Uri;
use serde_json::Value;

use crate::client::AnswerOrError;
use crate::finding::{Check, Finding, counted, no_answer, quoted};
use crate::key_set::{self, Keys};
use crate::target::Target;

pub(crate) const DOCUMENTS: &Check = &Check {
    id: "discovery",
    requirement: "Both addresses of the discovery document, that of OpenID Connect and that of RFC 8414, serve the same document.",
    remedy: "Route `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server` to the service; the latter stands before the path of the issuer.",
};
pub(crate) const ISSUER: &Check = &Check {
    id: "discovery-issuer",
    requirement: "The `issuer` in the discovery document is the address of the deployment, except on this machine.",
    remedy: "Set ISSUER_URL to the address that clients use, or give the doctor the address of the issuer. Clients refuse a document with another issuer.",
};
pub(crate) const HTTPS: &Check = &Check {
    id: "issuer-https",
    requirement: "The `issuer` in the discovery document is an HTTPS address, except on this machine.",
    remedy: "Set ISSUER_URL to the https address that clients use: codes and tokens must not travel over plain HTTP.",
};
pub(crate) const ORIGINS: &Check = &Check {
    id: "discovery-origins",
    requirement: "The endpoints for browsers have the origin of the issuer, and those for servers have one origin: that of the issuer, or that of INTERNAL_URL.",
    remedy: "Configure the proxy not to rewrite the document. ISSUER_URL and INTERNAL_URL alone decide the addresses in it.",
};
pub(crate) const ENDPOINTS: &Check = &Check {
    id: "oauth-endpoints",
    requirement: "Each endpoint of the discovery document leads to the service.",
    remedy: "Route all paths below `/oauth/` to the service, without an authorizer in front.",
};
pub(crate) const KEYS: &Check = &Check {
    id: "discovery-keys",
    requirement: "The `jwks_uri` of the discovery document leads to the same keys as the key set's own path.",
    remedy: "Route the path of `jwks_uri` to the same instances as the other paths of the key set.",
};

/// The address of the discovery document of OpenID Connect, below the issuer.
pub(crate) const OPENID: &str = "/.well-known/openid-configuration";
const RFC_8414: &str = "/.well-known/oauth-authorization-server";
/// The endpoints that browsers open, and those that other servers may reach at another address. Each with the statuses with which it
/// answers an empty GET request.
const FOR_BROWSERS: [(&str, &[u16]); 2] =
    [("authorization_endpoint", &[400]), ("end_session_endpoint", &[200, 303, 400])];
const FOR_SERVERS: [(&str, &[u16]); 4] = [
    ("token_endpoint", &[405]),
    ("introspection_endpoint", &[405]),
    ("revocation_endpoint", &[405]),
    ("userinfo_endpoint", &[401]),
];

/// The discovery document, or the reason why it cannot be read.
pub(crate) enum Discovery {
    /// The document.
    On(Value),
    /// OAuth is off; the sentence says why.
    Off(String),
    /// The answer is of no such document.
    Faulty(Finding),
}

/// Reads the answer from the address of OpenID Connect.
pub(crate) fn read(answer: &AnswerOrError) -> Discovery {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let sentence = no_answer("The request for the discovery document", error);
            return Discovery::Faulty(DOCUMENTS.fail(sentence));
        }
    };
    let body = answer.json();
    if answer.status == 200 && body["issuer"].is_string() {
        return Discovery::On(body);
    }
    if body["code"] == "oauth_off" {
        let reason = body["error"].as_str().unwrap_or_default();
        return Discovery::Off(format!("OAuth is off. The service says: {}.", quoted(reason)));
    }
    let status = answer.status;
    Discovery::Faulty(DOCUMENTS.fail(match status {
        200 => "The answer with the discovery document has no issuer.".to_owned(),
        _ => format!("The request for the discovery document was answered with status {status}."),
    }))
}

/// The address of the same document by RFC 8414 §3.1, which puts the path of the issuer behind the well-known one. A path that the
/// issuer does not have, such as a stage of API Gateway, stays in front.
pub(crate) fn other_address(document: &Value, target: &Target) -> String {
    let path = path_of(issuer_of(document).trim_end_matches('/'));
    match target.base.strip_suffix(&target.prefix) {
        Some(origin) if !path.is_empty() && path == target.prefix => format!("{origin}{RFC_8414}{path}"),
        _ => target.at(RFC_8414),
    }
}

/// Checks the second answer, from the address of RFC 8414.
pub(crate) fn documents(document: &Value, other: &AnswerOrError) -> Finding {
    match other {
        Ok(answer) if answer.status == 200 && answer.json() == *document => {
            DOCUMENTS.ok("Both addresses of the discovery document serve the same document.")
        }
        Ok(answer) if answer.status == 200 => {
            DOCUMENTS.fail("The two addresses of the discovery document serve different documents.")
        }
        Ok(answer) => DOCUMENTS.fail(format!(
            "The address of the discovery document by RFC 8414 is answered with status {}.",
            answer.status
        )),
        Err(error) => DOCUMENTS.fail(no_answer("The address of the discovery document by RFC 8414", error)),
    }
}

/// Checks the issuer of the document.
pub(crate) fn issuer(document: &Value, target: &Target) -> Vec<Finding> {
    let issuer = issuer_of(document);
    let shown = quoted(issuer);
    let is_same = issuer.trim_end_matches('/') == target.base;
    let same = match target.is_this_machine() {
        _ if is_same => {
            ISSUER.ok(format!("The discovery document names its own address as the issuer: {shown}."))
        }
        true => ISSUER.ok(format!(
            "The discovery document names the issuer {shown}, and was asked for on this machine."
        )),
        false => ISSUER.fail(format!(
            "The discovery document names the issuer {shown}, and the doctor asked {}.",
            quoted(&target.base)
        )),
    };
    let https = match issuer.parse::<Uri>().is_ok_and(|uri| uri.scheme_str() == Some("https")) {
        true => HTTPS.ok(format!("The issuer {shown} is an HTTPS address.")),
        false if target.is_this_machine() => {
            HTTPS.ok(format!("The issuer {shown} is no HTTPS address, which is acceptable on this machine."))
        }
        false => HTTPS.fail(format!("The issuer {shown} is no HTTPS address.")),
    };
    vec![same, https]
}

/// Checks the origins of the endpoints.
pub(crate) fn origins(document: &Value) -> Finding {
    let of_issuer = origin_of(issuer_of(document));
    let address = |name: &str| document[name].as_str().map(origin_of);
    for (name, _) in FOR_BROWSERS {
        if let Some(origin) = address(name).filter(|origin| *origin != of_issuer) {
            return ORIGINS.fail(format!(
                "The {name} has the origin {}, which is not that of the issuer.",
                quoted(origin)
            ));
        }
    }
    let names = FOR_SERVERS.map(|(name, _)| name).into_iter().chain(["jwks_uri"]);
    let mut others: Vec<_> = names.filter_map(address).filter(|origin| *origin != of_issuer).collect();
    let count = others.len();
    others.dedup();
    match others.as_slice() {
        [] => ORIGINS.ok("All endpoints of the discovery document have the origin of the issuer."),
        [internal] if count == FOR_SERVERS.len() + 1 => ORIGINS.ok(format!(
            "The endpoints for servers have another origin than the issuer: {}.",
            quoted(internal)
        )),
        [other, ..] => ORIGINS.fail(format!(
            "Some endpoints for servers have another origin than the others: {}.",
            quoted(other)
        )),
    }
}

/// An endpoint to ask: its name, its path below the issuer, and the statuses with which it may answer an empty GET request.
pub(crate) struct Endpoint {
    pub name: &'static str,
    pub path: String,
    expected: &'static [u16],
}

/// The endpoints below the issuer. The doctor sends requests only to the deployment that it inspects.
pub(crate) fn endpoints(document: &Value) -> Vec<Endpoint> {
    let named = FOR_BROWSERS.into_iter().chain(FOR_SERVERS);
    named
        .filter_map(|(name, expected)| Some(Endpoint { name, path: path_below(document, name)?, expected }))
        .collect()
}

/// The path of the key set of the document, if it is below the issuer.
pub(crate) fn jwks_path(document: &Value) -> Option<String> {
    path_below(document, "jwks_uri")
}

/// Checks the answers of the endpoints to empty GET requests.
pub(crate) fn reached(answers: &[(Endpoint, AnswerOrError)]) -> Finding {
    for (Endpoint { name, expected, .. }, answer) in answers {
        match answer {
            Ok(answer) if expected.contains(&answer.status) => {}
            Ok(answer) => {
                let status = answer.status;
                return ENDPOINTS
                    .fail(format!("The {name} answers an empty GET request with status {status}."));
            }
            Err(error) => return ENDPOINTS.fail(no_answer(&format!("The {name}"), error)),
        }
    }
    match answers.len() {
        0 => ENDPOINTS.skip("The discovery document names no endpoint below the issuer."),
        count => ENDPOINTS.ok(format!(
            "The doctor asked {} of the discovery document, and each leads to the service.",
            counted(count, "endpoint")
        )),
    }
}

/// Checks the key set of the document. `answer` is `None` if its address is not below the issuer.
pub(crate) fn keys(answer: Option<&AnswerOrError>, published: &Keys) -> Finding {
    let Some(answer) = answer else {
        return KEYS.skip(
            "The jwks_uri has another origin than the issuer, and the doctor asks only the deployment.",
        );
    };
    match key_set::keys_of(answer) {
        Ok(keys) if keys == *published => KEYS.ok("The jwks_uri leads to the same keys."),
        Ok(_) => KEYS.fail("The jwks_uri leads to other keys than the key set's own path."),
        Err(fault) => KEYS.fail(format!("The key set at the jwks_uri {fault}.")),
    }
}

fn issuer_of(document: &Value) -> &str {
    document["issuer"].as_str().unwrap_or_default()
}

/// The path of an endpoint below the issuer.
fn path_below(document: &Value, name: &str) -> Option<String> {
    let rest = document[name].as_str()?.strip_prefix(issuer_of(document).trim_end_matches('/'))?;
    rest.starts_with('/').then(|| rest.to_owned())
}

/// Scheme, host and port of an address, as they are written.
fn origin_of(address: &str) -> &str {
    address.strip_suffix(path_of(address)).unwrap_or(address)
}

/// All that stands behind the origin of an address.
fn path_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Status;

    #[test]
    fn the_path_of_the_issuer_stands_behind_the_well_known_one_and_a_stage_before_it() {
        let other = |issuer: &str, asked: &str| {
            other_address(&json!({ "issuer": issuer }), &Target::parse(asked).unwrap())
        };
        let of_path = "https://x.example/.well-known/oauth-authorization-server/auth";
        assert_eq!(other("https://x.example/auth", "https://x.example/auth/"), of_path);
        assert_eq!(other("https://x.example/auth/", "https://x.example/auth"), of_path);
        let of_stage = "https://y.example/prod/.well-known/oauth-authorization-server";
        assert_eq!(other("https://x.example", "https://y.example/prod"), of_stage);
        assert_eq!(
            other("https://x.example", "https://x.example"),
            "https://x.example/.well-known/oauth-authorization-server"
        );
    }

    #[test]
    fn servers_may_have_one_other_origin_and_browsers_none() {
        let document = |browsers: &str, servers: [&str; 5]| {
            let [token, introspection, revocation, userinfo, jwks] = servers;
            origins(&json!({
                "issuer": "https://a/x", "authorization_endpoint": format!("{browsers}/x/authorize"),
                "token_endpoint": format!("{token}/token"), "introspection_endpoint": format!("{introspection}/i"),
                "revocation_endpoint": format!("{revocation}/r"), "userinfo_endpoint": format!("{userinfo}/u"),
                "jwks_uri": format!("{jwks}/jwks"),
            }))
            .status
        };
        assert_eq!(document("https://a", ["https://a"; 5]), Status::Ok);
        assert_eq!(document("https://a", ["http://b"; 5]), Status::Ok);
        assert_eq!(document("https://b", ["https://a"; 5]), Status::Fail);
        assert_eq!(
            document("https://a", ["https://a", "https://a", "https://a", "https://a", "http://b"]),
            Status::Fail
        );
        assert_eq!(
            document("https://a", ["http://b", "http://c", "http://b", "http://b", "http://b"]),
            Status::Fail
        );
    }

    #[test]
    fn only_endpoints_below_the_issuer_are_asked() {
        let document = json!({
            "issuer": "https://a/x/", "token_endpoint": "https://a/x/oauth/token",
            "userinfo_endpoint": "https://elsewhere/oauth/userinfo", "revocation_endpoint": "https://a/xy",
        });
        let asked: Vec<_> = endpoints(&document).into_iter().map(|endpoint| endpoint.path).collect();
        assert_eq!((asked, jwks_path(&document)), (vec!["/oauth/token".to_owned()], None));
    }
}
