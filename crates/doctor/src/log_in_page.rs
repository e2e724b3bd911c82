//! The page on which users log in: its cookies (RFC 6265bis §4.1.2), frames around it (CSP 3 §6.4.2), and caches.

use crate::client::{Answer, AnswerOrError};
use crate::finding::{Check, Finding, no_answer, quoted};

pub(crate) const PAGE: &Check = &Check {
    id: "log-in-page",
    requirement: "The log-in page is there.",
    remedy: "Route all paths below `/oauth/` and `/account` to the service, for GET and POST.",
};
pub(crate) const COOKIES: &Check = &Check {
    id: "log-in-cookies",
    requirement: "Each cookie of the log-in page has `HttpOnly` and `SameSite=Lax` or `Strict`, and over HTTPS also `Secure`.",
    remedy: "Configure the proxy to pass on `Set-Cookie` unchanged. Set ISSUER_URL to the https address: then the cookies have Secure.",
};
pub(crate) const FRAMES: &Check = &Check {
    id: "log-in-frames",
    requirement: "No other site may show the log-in page in a frame (`frame-ancestors`).",
    remedy: "Configure the proxy to pass on the service's `Content-Security-Policy`, because a frame can hide what a user clicks on.",
};
pub(crate) const NO_STORE: &Check = &Check {
    id: "oauth-no-store",
    requirement: "Answers of the token endpoint and of the log-in page have `Cache-Control: no-store`.",
    remedy: "Configure the proxy to pass on the service's header, and not to cache these answers.",
};

/// The path of the page.
pub(crate) const PATH: &str = "/oauth/login";

/// Checks the page. `needs_secure` is whether its cookies must have `Secure`.
pub(crate) fn page(answer: &AnswerOrError, needs_secure: bool) -> Vec<Finding> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return vec![PAGE.fail(no_answer("The log-in page", error))],
    };
    if answer.status != 200 {
        return vec![PAGE.fail(format!("The log-in page is answered with status {}.", answer.status))];
    }
    vec![
        PAGE.ok("The log-in page is there."),
        cookies(answer, needs_secure),
        frames(answer),
        no_store("The log-in page", answer),
    ]
}

/// A finding names the cookie and never shows its value.
fn cookies(answer: &Answer, needs_secure: bool) -> Finding {
    let mut count = 0;
    for cookie in answer.every("set-cookie") {
        let mut parts = cookie.split(';').map(str::trim);
        let name = quoted(parts.next().and_then(|pair| pair.split('=').next()).unwrap_or_default());
        let attributes: Vec<_> = parts.map(str::to_ascii_lowercase).collect();
        let has = |attribute: &str| attributes.iter().any(|one| one == attribute);
        let missing = [
            (!has("httponly"), "HttpOnly"),
            (!has("samesite=lax") && !has("samesite=strict"), "SameSite"),
            (needs_secure && !has("secure"), "Secure"),
        ];
        if let Some((_, missing)) = missing.into_iter().find(|(is_missing, _)| *is_missing) {
            return COOKIES.fail(format!("The log-in page sets the cookie {name} without {missing}."));
        }
        count += 1;
    }
    match count {
        0 => COOKIES.fail("The log-in page sets no cookie, so that its form is refused."),
        _ => COOKIES.ok("Each cookie of the log-in page has the attributes that it needs."),
    }
}

fn frames(answer: &Answer) -> Finding {
    let policies = answer.every("content-security-policy").flat_map(|policy| policy.split([';', ',']));
    let ancestors = policies.map(str::trim).find_map(|directive| directive.strip_prefix("frame-ancestors "));
    match ancestors.map(str::trim) {
        Some("'none'" | "'self'") => FRAMES.ok("No other site may show the log-in page in a frame."),
        Some(other) => FRAMES.fail(format!("The log-in page may be in frames of {}.", quoted(other))),
        None => FRAMES.fail("The log-in page has no frame-ancestors in its Content-Security-Policy."),
    }
}

/// Checks that no cache keeps an answer.
pub(crate) fn no_store(what: &str, answer: &Answer) -> Finding {
    let is_set = answer.every("cache-control").any(|value| value.to_lowercase().contains("no-store"));
    match answer.header("cache-control") {
        _ if is_set => {
            NO_STORE.ok("Answers of the token endpoint and of the log-in page have Cache-Control: no-store.")
        }
        Some(value) => NO_STORE.fail(format!("{what} has Cache-Control {}.", quoted(value))),
        None => NO_STORE.fail(format!("{what} has no Cache-Control header.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn each_cookie_needs_its_attributes_and_over_https_also_secure() {
        let of = |cookies: &[&str], needs_secure| {
            let headers: Vec<_> = cookies.iter().map(|cookie| ("set-cookie", *cookie)).collect();
            let mut answer = Answer::of(200, &[], "");
            for (name, value) in headers {
                answer.headers.append(name, value.parse().unwrap());
            }
            super::cookies(&answer, needs_secure).sentence
        };
        let (whole, open) =
            ("a=secret; Path=/; Secure; HttpOnly; SameSite=Lax", "b=secret; HttpOnly; SameSite=Strict");
        let good = "Each cookie of the log-in page has the attributes that it needs.";
        assert_eq!((of(&[whole], true).as_str(), of(&[whole, open], false).as_str()), (good, good));
        assert_eq!(of(&[whole, open], true), "The log-in page sets the cookie \"b\" without Secure.");
        assert_eq!(
            of(&["c=secret; HttpOnly; SameSite=None"], false),
            "The log-in page sets the cookie \"c\" without SameSite."
        );
        assert_eq!(of(&[], false), "The log-in page sets no cookie, so that its form is refused.");
    }

    #[test]
    fn frames_of_other_sites_are_told() {
        let of = |policy: &str| frames(&Answer::of(200, &[("content-security-policy", policy)], "")).status;
        assert_eq!(of("default-src 'none'; frame-ancestors 'none'; form-action 'self'"), Status::Ok);
        assert_eq!((of("frame-ancestors *"), of("default-src 'none'")), (Status::Fail, Status::Fail));
    }
}
