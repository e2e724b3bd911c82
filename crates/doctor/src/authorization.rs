//! The authorization requests that must not be answered to a client: the redirects of RFC 9700 §4.1 and §4.11, and PKCE (RFC 7636).

use serde_json::Value;

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, no_answer, quoted};

pub(crate) const PKCE: &Check = &Check {
    id: "pkce",
    requirement: "The service has the PKCE method `S256`, and does not accept `plain`.",
    remedy: "Configure the proxy not to rewrite the document or the requests. The service itself knows only S256.",
};
pub(crate) const RESPONSE_ISSUER: &Check = &Check {
    id: "response-issuer",
    requirement: "The discovery document says that answers to clients contain `iss` (RFC 9207).",
    remedy: "Configure the proxy not to rewrite the document: with `iss`, a client notices an answer of another issuer.",
};
pub(crate) const UNKNOWN_CLIENT: &Check = &Check {
    id: "unknown-client",
    requirement: "A request of an unknown client gets a page, and no redirect.",
    remedy: "Route `/oauth/authorize` to the service unchanged. A redirect to an address of the caller's choice helps phishing.",
};
pub(crate) const REDIRECT_URI: &Check = &Check {
    id: "redirect-uri",
    requirement: "A request with a redirect URI that the client did not register gets a page, and no redirect.",
    remedy: "Compare the client with `clients show`, and remove addresses that are not its own. The service compares them byte by byte.",
};

/// The address to which no request may be redirected; no host can have this name (RFC 2606 §2).
pub(crate) const FOREIGN_ADDRESS: &str = "https://foreign.invalid/callback";
/// A challenge of the right form, as text of its own verifier.
pub(crate) const PLAIN_CHALLENGE: &str = "doctor-plain-challenge-doctor-plain-challeng";

/// Checks what the document says of PKCE and of `iss`. `plain` is the answer to a request of a known client with the method `plain`.
pub(crate) fn document(document: &Value, plain: Option<&AnswerOrError>) -> Vec<Finding> {
    let methods = document["code_challenge_methods_supported"].as_array();
    let has = |method: &str| methods.is_some_and(|methods| methods.iter().any(|one| one == method));
    let pkce = if !has("S256") {
        PKCE.fail("The discovery document does not list the PKCE method S256.")
    } else if has("plain") {
        PKCE.fail("The discovery document lists the PKCE method plain.")
    } else {
        plain.map_or_else(
            || PKCE.ok("The discovery document lists the PKCE method S256, and not plain."),
            plain_refused,
        )
    };
    let response_issuer = match document["authorization_response_iss_parameter_supported"].as_bool() {
        Some(true) => RESPONSE_ISSUER.ok("Answers to clients contain the issuer."),
        _ => RESPONSE_ISSUER
            .warn("The discovery document does not say that answers to clients contain the issuer."),
    };
    vec![pkce, response_issuer]
}

/// A refusal goes to the client as an error, or is a page.
fn plain_refused(answer: &AnswerOrError) -> Finding {
    match answer {
        Ok(answer) if refuses(answer) => {
            PKCE.ok("The service has the PKCE method S256, and refuses a request with plain.")
        }
        Ok(answer) => PKCE.fail(format!(
            "A request with the PKCE method plain is answered with status {}, and not refused.",
            answer.status
        )),
        Err(error) => PKCE.warn(no_answer("A request with the PKCE method plain", error)),
    }
}

fn refuses(answer: &Answer) -> bool {
    let location = answer.header("location").unwrap_or_default();
    let query = location.split_once('?').map_or("", |(_, query)| query);
    answer.status == 400 || query.split('&').any(|pair| pair == "error=invalid_request")
}

/// Checks the answer to a request of a client that does not exist.
pub(crate) fn unknown_client(answer: &AnswerOrError) -> Finding {
    shows_page(UNKNOWN_CLIENT, "A request of an unknown client", answer)
}

/// Checks the answer to a request of a known client with a redirect URI that is not its own.
pub(crate) fn redirect_uri(answer: Option<&AnswerOrError>) -> Finding {
    match answer {
        Some(answer) => shows_page(REDIRECT_URI, "A request with a foreign redirect URI", answer),
        None => REDIRECT_URI.skip("No client is known. Give the id of one with --client-id."),
    }
}

fn shows_page(check: &'static Check, request: &str, answer: &AnswerOrError) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return check.warn(no_answer(request, error)),
    };
    let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    match (answer.header("location"), answer.status) {
        (Some(location), status) => check.fail(format!(
            "{request} is answered with status {status} and redirected to {}.",
            quoted(location)
        )),
        (None, 400) if is_page => check.ok(format!("{request} gets a page, and no redirect.")),
        (None, status) => check.warn(format!(
            "{request} is answered with status {status}, and not with the page of the service."
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Status;

    #[test]
    fn the_method_plain_must_be_refused_and_not_listed() {
        let of = |methods: Value, plain: Option<(u16, &str)>| {
            let answer =
                plain.map(|(status, location)| Ok(Answer::of(status, &[("location", location)], "")));
            document(&json!({ "code_challenge_methods_supported": methods }), answer.as_ref())
                .swap_remove(0)
                .status
        };
        assert_eq!(of(json!(["S256"]), None), Status::Ok);
        assert_eq!(
            (of(json!(["S256", "plain"]), None), of(json!(["plain"]), None), of(json!(null), None)),
            (Status::Fail, Status::Fail, Status::Fail)
        );
        assert_eq!(
            of(json!(["S256"]), Some((303, "https://app/cb?error=invalid_request&iss=x"))),
            Status::Ok
        );
        assert_eq!(of(json!(["S256"]), Some((303, "/oauth/login?request=x"))), Status::Fail);
    }

    #[test]
    fn a_redirect_fails_and_a_foreign_page_is_told() {
        let of = |status, headers: &[(&'static str, &str)]| {
            unknown_client(&Ok(Answer::of(status, headers, ""))).status
        };
        assert_eq!(of(400, &[("content-type", "text/html; charset=utf-8")]), Status::Ok);
        assert_eq!(of(302, &[("location", FOREIGN_ADDRESS)]), Status::Fail);
        assert_eq!(
            (of(403, &[("content-type", "text/html")]), of(400, &[("content-type", "application/json")])),
            (Status::Warn, Status::Warn)
        );
    }
}
