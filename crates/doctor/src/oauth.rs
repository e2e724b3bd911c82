//! The checks of OAuth and of the pages, in the order of the report, and the requests for them. If OAuth is off, all are skipped for
//! the same reason.

use http::Method;
use serde_json::Value;

use crate::client::AnswerOrError;
use crate::discovery::{self, Discovery};
use crate::finding::{Check, Finding};
use crate::inspection::{Facts, Inspector};
use crate::{authorization, log_in_page};

pub(crate) const CHECKS: &[&Check] = &[
    discovery::DOCUMENTS,
    discovery::ISSUER,
    discovery::HTTPS,
    discovery::ORIGINS,
    discovery::ENDPOINTS,
    discovery::KEYS,
    authorization::PKCE,
    authorization::RESPONSE_ISSUER,
    authorization::UNKNOWN_CLIENT,
    authorization::REDIRECT_URI,
    log_in_page::PAGE,
    log_in_page::COOKIES,
    log_in_page::FRAMES,
    log_in_page::NO_STORE,
];

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];
const TOKEN: &str = "/oauth/token";

impl Inspector<'_> {
    pub(crate) fn oauth(&self, facts: &mut Facts) -> Vec<Finding> {
        let document = match discovery::read(&self.client.get(&self.at(discovery::OPENID), &[])) {
            Discovery::On(document) => document,
            Discovery::Off(reason) => return CHECKS.iter().map(|check| check.skip(&reason)).collect(),
            Discovery::Faulty(finding) => return vec![finding],
        };
        let target = &self.settings.target;
        let other = self.client.get(&discovery::other_address(&document, target), &[]);
        let mut findings = vec![discovery::documents(&document, &other), discovery::origins(&document)];
        findings.extend(discovery::issuer(&document, target));
        findings.extend(self.endpoints(&document, facts));
        findings.extend(self.authorization(&document));
        findings.extend(self.log_in_page(&document));
        findings
    }

    fn endpoints(&self, document: &Value, facts: &Facts) -> Vec<Finding> {
        let ask = |endpoint: discovery::Endpoint| {
            let answer = self.client.get(&self.at(&endpoint.path), &[]);
            (endpoint, answer)
        };
        let answers: Vec<_> = discovery::endpoints(document).into_iter().map(ask).collect();
        let mut findings = vec![discovery::reached(&answers)];
        if let Some(published) = &facts.keys {
            let answer = discovery::jwks_path(document).map(|path| self.client.get(&self.at(&path), &[]));
            findings.push(discovery::keys(answer.as_ref(), published));
        }
        findings
    }

    fn authorization(&self, document: &Value) -> Vec<Finding> {
        let client = self.settings.client_id.as_deref();
        let own_address = self.settings.redirect_uri.as_deref();
        let plain = client.zip(own_address).map(|(client, address)| {
            let method =
                [("code_challenge", authorization::PLAIN_CHALLENGE), ("code_challenge_method", "plain")];
            self.authorize(client, address, &method)
        });
        let foreign = |client: &str| self.authorize(client, authorization::FOREIGN_ADDRESS, &[]);
        let mut findings = authorization::document(document, plain.as_ref());
        findings.push(authorization::unknown_client(&foreign(&format!("doctor-{}", self.nonce))));
        findings.push(authorization::redirect_uri(client.map(foreign).as_ref()));
        findings
    }

    fn authorize(&self, client: &str, redirect_uri: &str, more: &[(&str, &str)]) -> AnswerOrError {
        let usual = [("response_type", "code"), ("client_id", client), ("redirect_uri", redirect_uri)];
        let pairs: Vec<_> =
            usual.iter().chain(more).map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.client.get(&self.at(&format!("/oauth/authorize?{}", pairs.join("&"))), &[])
    }

    fn log_in_page(&self, document: &Value) -> Vec<Finding> {
        let target = &self.settings.target;
        let has_https = document["issuer"].as_str().is_some_and(|issuer| issuer.starts_with("https:"));
        let needs_secure = has_https || !target.is_this_machine();
        let page = self.client.get(&self.at(log_in_page::PATH), &[]);
        let mut findings = log_in_page::page(&page, needs_secure);
        let token = self.client.send(&Method::POST, &self.at(TOKEN), &FORM, "");
        findings.extend(
            token.ok().map(|answer| log_in_page::no_store("An answer of the token endpoint", &answer)),
        );
        findings
    }
}

/// A value of a query (RFC 3986 §2.3).
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_value_ends_no_pair_of_the_query() {
        assert_eq!(encoded("https://a.b/c?d=e&f ü"), "https%3A%2F%2Fa.b%2Fc%3Fd%3De%26f%20%C3%BC");
    }
}
